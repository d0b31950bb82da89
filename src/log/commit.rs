//! The log in files: what is appended is written and synced by one thread, many
//! transactions at a time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Condvar, Mutex};

use super::frame::{self, HEAD};
use super::header::{Header, Kind};
use super::record::RecordWriter;
use super::vfs::{Vfs, VfsFile, write_all};
use super::{Boundary, Done, Durability, Log, State, checkpoint, failed, manifest, names, segment};
use crate::error::{Error, ErrorCode, Result};

/// Whoever appends waits while more than this is yet to be written.
const MOST_PENDING: usize = 64 << 20;
/// Nobody is told of a commit while more than this is yet to be written, so that
/// who waits to be told is not the one to meet the limit above.
const MUCH_PENDING: usize = 8 << 20;

/// So much longer than what it holds is made the file that is written to, for commits that wait for the disk: where
/// the length of a file stays the same, a sync has nothing but contents to write, which takes half the time.
const ROOM: u64 = if cfg!(test) { 2 << 10 } else { 256 << 10 };

/// What is no longer is copied rather than written by two calls.
const SHORT: usize = 64 << 10;

/// How a log is doing.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// When commits count as made.
    pub durability: Durability,
    /// The newest version.
    pub sequence: u64,
    /// The newest version that is on the disk for certain.
    pub synced: u64,
    /// The bytes of the log behind the checkpoint.
    pub log_bytes: u64,
    /// The version of the newest checkpoint; 0 for none.
    pub checkpoint: u64,
    /// Its bytes.
    pub checkpoint_bytes: u64,
    /// When the log was last brought to the disk, since it was opened.
    pub synced_at: Option<SystemTime>,
    /// When the newest checkpoint was made, if since it was opened.
    pub checkpointed_at: Option<SystemTime>,
    /// Why nothing can be written any more.
    pub failed: Option<Error>,
}

/// The log in the files of a directory.
pub struct FileLog {
    shared: Arc<Shared>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    /// Keeps others out of the directory.
    lock: Mutex<Option<Box<dyn Send + Sync>>>,
}

struct Shared {
    vfs: Arc<dyn Vfs>,
    store: [u8; 16],
    durability: Durability,
    checkpoint_after: u64,
    queue: Mutex<Queue>,
    /// There is something to write.
    work: Condvar,
    /// Something has been written.
    done: Condvar,
    /// The manifest on the disk; held while a checkpoint is written.
    manifest: Mutex<Header>,
}

struct Queue {
    /// Frames that are yet to be written.
    pending: Vec<u8>,
    /// What checksums of frames begin with in the segment that is appended to.
    seed: u32,
    /// The segment that is appended to.
    segment: u64,
    /// The segment that is being written.
    opened: u64,
    /// Other segments, each to be begun behind so many bytes of what is pending.
    next: Vec<(usize, Header)>,
    appended: u64,
    synced: u64,
    waiting: Vec<(u64, Done)>,
    failed: Option<Error>,
    closing: bool,
    log_bytes: u64,
    /// What `log_bytes` was when a checkpoint was last begun.
    tried: u64,
    /// The version of the newest checkpoint.
    checkpoint: u64,
    checkpoint_bytes: u64,
    synced_at: Option<SystemTime>,
    checkpointed_at: Option<SystemTime>,
}

/// Where a log goes on.
pub(super) struct Resume {
    pub vfs: Arc<dyn Vfs>,
    pub lock: Box<dyn Send + Sync>,
    pub manifest: Header,
    pub segment: Header,
    pub file: Box<dyn VfsFile>,
    /// The length of that file, all of which is on the disk.
    pub at: u64,
    pub sequence: u64,
    pub log_bytes: u64,
    pub checkpoint_bytes: u64,
}

impl FileLog {
    pub(super) fn resume(resume: Resume, durability: Durability, checkpoint_after: u64) -> Result<Self> {
        let Resume { vfs, lock, manifest, segment, file, at, sequence, log_bytes, checkpoint_bytes } = resume;
        let queue = Queue {
            pending: Vec::new(),
            seed: segment.seed(),
            segment: segment.segment,
            opened: segment.segment,
            next: Vec::new(),
            appended: sequence,
            synced: sequence,
            waiting: Vec::new(),
            failed: None,
            closing: false,
            log_bytes,
            tried: 0,
            checkpoint: manifest.sequence,
            checkpoint_bytes,
            synced_at: None,
            checkpointed_at: None,
        };
        let shared = Arc::new(Shared {
            vfs,
            store: manifest.store,
            durability,
            checkpoint_after,
            queue: Mutex::new(queue),
            work: Condvar::new(),
            done: Condvar::new(),
            manifest: Mutex::new(manifest),
        });
        let writer = Writer {
            shared: Arc::clone(&shared),
            file,
            name: names::segment(segment.segment),
            seed: segment.seed(),
            at,
            length: at,
            unsynced: false,
            last_sync: Instant::now(),
        };
        let thread = std::thread::Builder::new().name("store-log".to_owned()).spawn(move || writer.run());
        let thread = thread.map_err(|error| failed("starting", "the thread of the log", &error))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)), lock: Mutex::new(Some(lock)) })
    }
}

impl Queue {
    fn check(&self) -> Result<()> {
        match &self.failed {
            Some(error) => Err(poisoned(error)),
            None if self.closing => Err(Error::new(ErrorCode::StoreClosed, "the log has been closed")),
            None => Ok(()),
        }
    }

    /// What is to be told of a version, if that is known.
    fn durable(&self, sequence: u64, durability: Durability) -> Option<Result<()>> {
        match &self.failed {
            _ if sequence <= self.synced => Some(Ok(())),
            Some(error) => Some(Err(poisoned(error))),
            None if durability == Durability::Commit || self.pending.len() > MUCH_PENDING => None,
            None => Some(Ok(())),
        }
    }
}

/// What is said to those who come after a failure.
fn poisoned(cause: &Error) -> Error {
    let message = format!(
        "nothing can be written since the disk has failed; what is in memory can be read: {}; make room or repair, then close the store and open it again",
        cause.message
    );
    Error { message, ..cause.clone() }
}

impl Log for FileLog {
    fn append(&self, sequence: u64, write: &mut dyn FnMut(&mut RecordWriter)) -> Result<()> {
        let mut queue = self.shared.queue.lock();
        queue.check()?;
        while queue.pending.len() > MOST_PENDING {
            self.shared.done.wait(&mut queue);
            queue.check()?;
        }
        let Queue { pending, seed, appended, log_bytes, .. } = &mut *queue;
        let start = pending.len();
        pending.extend_from_slice(&[0; HEAD]);
        write(&mut RecordWriter::begin(pending, sequence, *appended));
        let length = pending.len() - start;
        if length - HEAD > frame::LONGEST {
            pending.truncate(start);
            let message = format!(
                "the transaction would take {length} bytes in the log, where {} is the most: do it in several",
                frame::LONGEST
            );
            return Err(Error::new(ErrorCode::OutOfRange, message));
        }
        frame::seal(pending, start, *seed);
        *appended = sequence;
        *log_bytes += length as u64;
        drop(queue);
        self.shared.work.notify_one();
        Ok(())
    }

    fn durable(&self, sequence: u64) -> Option<Result<()>> {
        self.shared.queue.lock().durable(sequence, self.shared.durability)
    }

    fn when_durable(&self, sequence: u64, done: Done) {
        let mut queue = self.shared.queue.lock();
        match queue.durable(sequence, self.shared.durability) {
            None => queue.waiting.push((sequence, done)),
            Some(result) => {
                drop(queue);
                done(result);
            }
        }
    }

    fn wants_checkpoint(&self) -> bool {
        let queue = self.shared.queue.lock();
        let enough = self.shared.checkpoint_after.max(queue.checkpoint_bytes);
        queue.log_bytes.saturating_sub(queue.tried) >= enough && queue.check().is_ok()
    }

    fn begin_checkpoint(&self) -> Result<Boundary> {
        let mut queue = self.shared.queue.lock();
        queue.check()?;
        let header = Header {
            kind: Kind::Segment,
            store: self.shared.store,
            segment: queue.segment + 1,
            sequence: queue.appended,
        };
        let before = queue.pending.len();
        queue.next.push((before, header));
        queue.segment = header.segment;
        queue.seed = header.seed();
        queue.tried = queue.log_bytes;
        let bytes = queue.log_bytes;
        drop(queue);
        self.shared.work.notify_one();
        Ok(Boundary { segment: header.segment, sequence: header.sequence, bytes })
    }

    fn write_checkpoint(&self, boundary: Boundary, state: &State) -> Result<()> {
        let mut queue = self.shared.queue.lock();
        while queue.opened < boundary.segment {
            if let Some(error) = &queue.failed {
                return Err(poisoned(error));
            }
            self.shared.done.wait(&mut queue);
        }
        drop(queue);
        let mut current = self.shared.manifest.lock();
        // What the manifest names is never written over.
        if boundary.sequence <= current.sequence {
            return Ok(());
        }
        let vfs = self.shared.vfs.as_ref();
        let header = Header { segment: boundary.segment, sequence: boundary.sequence, ..*current };
        let bytes = match checkpoint::write(vfs, &Header { kind: Kind::Checkpoint, ..header }, state) {
            Ok(bytes) => bytes,
            Err(error) => {
                // It is of no consequence, and is tried again when the store is opened.
                let _ = vfs.remove(&names::checkpoint(boundary.sequence));
                return Err(error);
            }
        };
        if let Err(error) = manifest::write(vfs, &header) {
            // Nobody knows which of the two is on the disk: both must stay true.
            self.shared.fail(&error);
            return Err(error);
        }
        *current = header;
        let mut queue = self.shared.queue.lock();
        queue.checkpoint = boundary.sequence;
        queue.checkpoint_bytes = bytes;
        queue.log_bytes = queue.log_bytes.saturating_sub(boundary.bytes);
        queue.tried = 0;
        queue.checkpointed_at = Some(SystemTime::now());
        queue.synced = queue.synced.max(boundary.sequence);
        drop(queue);
        let files = vfs.names().map_err(|error| failed("reading", "the directory", &error))?;
        forget_old(vfs, &files, &header);
        Ok(())
    }

    fn statistics(&self) -> Statistics {
        let queue = self.shared.queue.lock();
        Statistics {
            durability: self.shared.durability,
            sequence: queue.appended,
            synced: queue.synced,
            log_bytes: queue.log_bytes,
            checkpoint: queue.checkpoint,
            checkpoint_bytes: queue.checkpoint_bytes,
            synced_at: queue.synced_at,
            checkpointed_at: queue.checkpointed_at,
            failed: queue.failed.clone(),
        }
    }

    fn close(&self) -> Result<()> {
        self.shared.queue.lock().closing = true;
        self.shared.work.notify_one();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            return Err(Error::new(ErrorCode::Internal, "the thread of the log has ended in a panic"));
        }
        drop(self.lock.lock().take());
        match &self.shared.queue.lock().failed {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }
}

impl Drop for FileLog {
    fn drop(&mut self) {
        // Who wants to know what became of it closes it.
        let _ = self.close();
    }
}

impl std::fmt::Debug for FileLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("FileLog").field(&self.statistics()).finish()
    }
}

/// Removes what a manifest has no use for. What cannot be removed is tried again
/// when the store is opened.
pub(super) fn forget_old(vfs: &dyn Vfs, files: &[String], manifest: &Header) {
    let old = |name: &&String| {
        names::segment_number(name).is_some_and(|number| number < manifest.segment)
            || names::checkpoint_sequence(name).is_some_and(|sequence| sequence != manifest.sequence)
            || *name == names::NEXT_MANIFEST
    };
    for name in files.iter().filter(old).collect::<BTreeSet<_>>() {
        let _ = vfs.remove(name);
    }
}

impl Shared {
    /// From here on nothing is written any more, and whoever waits is told.
    fn fail(&self, error: &Error) {
        let mut queue = self.queue.lock();
        let first = queue.failed.get_or_insert_with(|| error.clone()).clone();
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        self.done.notify_all();
        self.work.notify_one();
        for (_, done) in waiting {
            done(Err(first.clone()));
        }
    }
}

/// The thread that writes.
struct Writer {
    shared: Arc<Shared>,
    file: Box<dyn VfsFile>,
    name: String,
    seed: u32,
    at: u64,
    /// How long the file is, zeroes included that are yet to be written over.
    length: u64,
    /// Whether something was written that may not be on the disk.
    unsynced: bool,
    last_sync: Instant,
}

/// What there is to do at once.
struct Batch {
    until: u64,
    next: Vec<(usize, Header)>,
    closing: bool,
}

impl Writer {
    fn run(mut self) {
        let mut frames = Vec::new();
        let shared = Arc::clone(&self.shared);
        while let Some(batch) = self.take(&mut frames) {
            let result = self.write(&frames, &batch);
            frames.clear();
            if let Err(error) = result {
                return shared.fail(&error);
            }
            let mut queue = shared.queue.lock();
            if let Some((_, header)) = batch.next.last() {
                queue.opened = header.segment;
            }
            if !self.unsynced && queue.failed.is_none() {
                queue.synced = queue.synced.max(batch.until);
                queue.synced_at = Some(SystemTime::now());
            }
            let kept = match shared.durability {
                Durability::Commit => queue.synced,
                Durability::Interval(_) | Durability::None => batch.until,
            };
            let (told, waiting) =
                std::mem::take(&mut queue.waiting).into_iter().partition(|(sequence, _)| *sequence <= kept);
            queue.waiting = waiting;
            drop(queue);
            shared.done.notify_all();
            let told: Vec<(u64, Done)> = told;
            for (_, done) in told {
                done(Ok(()));
            }
            if batch.closing {
                return;
            }
        }
    }

    /// Waits for something to do; `None` if there will be nothing any more.
    fn take(&self, frames: &mut Vec<u8>) -> Option<Batch> {
        let mut queue = self.shared.queue.lock();
        while queue.pending.is_empty() && queue.next.is_empty() && !queue.closing && queue.failed.is_none() {
            match self.sync_in() {
                None => self.shared.work.wait(&mut queue),
                Some(Duration::ZERO) => break,
                Some(time) => {
                    self.shared.work.wait_for(&mut queue, time);
                }
            }
        }
        if queue.failed.is_some() {
            return None;
        }
        std::mem::swap(&mut queue.pending, frames);
        Some(Batch { until: queue.appended, next: std::mem::take(&mut queue.next), closing: queue.closing })
    }

    /// In what time the log is to be synced, if by itself.
    fn sync_in(&self) -> Option<Duration> {
        match self.shared.durability {
            Durability::Interval(every) if self.unsynced => {
                Some(every.saturating_sub(self.last_sync.elapsed()))
            }
            Durability::Commit | Durability::Interval(_) | Durability::None => None,
        }
    }

    fn write(&mut self, frames: &[u8], batch: &Batch) -> Result<()> {
        let (mut rest, mut at) = (frames, 0);
        for (before, header) in &batch.next {
            let (old, new) = rest.split_at_checked(before - at).unwrap_or((rest, &[]));
            at = *before;
            self.append(old)?;
            self.fit()?;
            self.sync()?;
            self.file = segment::create(self.shared.vfs.as_ref(), header)?;
            self.name = names::segment(header.segment);
            self.seed = header.seed();
            self.at = super::header::LENGTH as u64;
            self.length = self.at;
            rest = new;
        }
        self.append(rest)?;
        let due = match self.shared.durability {
            Durability::Commit => true,
            Durability::Interval(_) => self.sync_in() == Some(Duration::ZERO),
            Durability::None => false,
        };
        if due || batch.closing {
            self.sync()?;
        }
        if batch.closing { self.seal() } else { Ok(()) }
    }

    fn append(&mut self, frames: &[u8]) -> Result<()> {
        if frames.is_empty() {
            return Ok(());
        }
        if self.unsynced {
            return self.put(frames);
        }
        let mark = frame::mark(self.seed, self.at);
        // One call less for those who wait.
        if frames.len() <= SHORT {
            return self.put(&[&mark, frames].concat());
        }
        self.put(&mark)?;
        self.put(frames)
    }

    /// Says that everything is on the disk, so that damage to it is not taken for a torn end.
    fn seal(&mut self) -> Result<()> {
        self.put(&frame::mark(self.seed, self.at))?;
        self.fit()?;
        self.sync()
    }

    /// Cuts off the zeroes behind what was written.
    fn fit(&mut self) -> Result<()> {
        if self.length > self.at {
            self.unsynced = true;
            self.file.truncate(self.at).map_err(|error| failed("writing", &self.name, &error))?;
            self.length = self.at;
        }
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.unsynced = true;
        let end = self.at + bytes.len() as u64;
        // Where this fails, the file grows with what is written.
        if self.shared.durability == Durability::Commit
            && end > self.length
            && self.file.extend(end + ROOM).is_ok()
        {
            self.length = end + ROOM;
        }
        write_all(self.file.as_mut(), bytes).map_err(|error| failed("writing", &self.name, &error))?;
        self.at = end;
        self.length = self.length.max(end);
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        if self.unsynced {
            self.file.sync().map_err(|error| failed("syncing", &self.name, &error))?;
            self.unsynced = false;
            self.last_sync = Instant::now();
        }
        Ok(())
    }
}
