//! Stores that survive: every version is appended to a log before it is
//! published, and checkpoints of versions replace what the log has of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::{Condvar, Mutex};

use super::backup::unreachable_at;
use super::image;
use super::recent::Change;
use super::root::Root;
use super::{Core, Store};
use crate::error::{Error, ErrorCode, Result};
use crate::log::{self, Directory, Done, Durability, Log, Opened, Statistics, Vfs};

/// The log is worth a checkpoint from so many bytes on, if nothing else is said.
pub const CHECKPOINT_AFTER: u64 = 64 << 20;

/// How a store is kept in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// When a commit counts as made.
    pub durability: Durability,
    /// A checkpoint is made when the log has so many bytes and as many as the last checkpoint.
    pub checkpoint_after: u64,
}

impl Default for Keep {
    fn default() -> Self {
        Self { durability: Durability::default(), checkpoint_after: CHECKPOINT_AFTER }
    }
}

/// What keeps a store.
pub(super) struct Durable {
    path: PathBuf,
    keep: Keep,
    log: Arc<dyn Log>,
    signal: Arc<Signal>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    /// Held while a checkpoint is made.
    checkpointing: Mutex<()>,
    notices: Vec<String>,
}

/// What the thread that makes checkpoints waits for.
#[derive(Default)]
struct Signal {
    state: Mutex<Wanted>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Wanted {
    #[default]
    Nothing,
    Checkpoint,
    Stop,
}

/// The stores of directories that are open, and how many handles each has.
static OPEN: Mutex<BTreeMap<PathBuf, (Arc<Core>, usize)>> = Mutex::new(BTreeMap::new());

impl Durable {
    /// Appends a version that is about to be published.
    pub fn append(&self, current: &Root, next: &Root, change: &Change) -> Result<()> {
        let image = image::of_change(current, next, change)?;
        self.log.append(next.sequence, &mut |record| image.write(record))?;
        if self.log.wants_checkpoint() {
            self.signal.set(Wanted::Checkpoint);
        }
        Ok(())
    }

    /// Ends checkpoints, then the log.
    fn close(&self) -> Result<()> {
        self.signal.set(Wanted::Stop);
        if let Some(thread) = self.thread.lock().take() {
            // A panic there has no consequence but that the log is longer.
            let _ = thread.join();
        }
        self.log.close()
    }
}

impl Signal {
    fn set(&self, wanted: Wanted) {
        let mut state = self.state.lock();
        if *state != Wanted::Stop {
            *state = wanted;
            self.changed.notify_all();
        }
    }

    /// Waits until a checkpoint is wanted; false if none will be any more.
    fn wait(&self) -> bool {
        let mut state = self.state.lock();
        loop {
            match *state {
                Wanted::Nothing => self.changed.wait(&mut state),
                Wanted::Checkpoint => {
                    *state = Wanted::Nothing;
                    return true;
                }
                Wanted::Stop => return false,
            }
        }
    }
}

impl Core {
    /// Writes a checkpoint of the newest version while others go on.
    fn checkpoint(&self) -> Result<()> {
        let Some(durable) = &self.durable else { return Ok(()) };
        let one_at_a_time = durable.checkpointing.lock();
        let publishing = self.publishing.lock();
        let root = self.current();
        let boundary = durable.log.begin_checkpoint()?;
        drop(publishing);
        let result = durable.log.write_checkpoint(boundary, &image::of_root(&root));
        drop(one_at_a_time);
        result
    }

    fn open(vfs: Arc<dyn Vfs>, path: &Path, keep: Keep) -> Result<Arc<Self>> {
        let Opened { state, log, notices } = log::open(vfs, keep.durability, keep.checkpoint_after)?;
        let (root, last_tick) = image::to_root(state)?;
        let signal = Arc::new(Signal::default());
        let mut core = Self::new(None);
        core.clock.move_to(last_tick);
        core.durable = Some(Durable {
            path: path.to_owned(),
            keep,
            log: Arc::new(log),
            signal: Arc::clone(&signal),
            thread: Mutex::default(),
            checkpointing: Mutex::default(),
            notices,
        });
        core.replace(Arc::new(root));
        let core = Arc::new(core);
        let weak = Arc::downgrade(&core);
        let thread = std::thread::Builder::new().name("store-checkpoint".to_owned());
        let thread = thread.spawn(move || make_checkpoints(&weak, &signal)).map_err(|error| {
            Error::new(ErrorCode::Storage, format!("the thread of checkpoints could not be started: {error}"))
        })?;
        if let Some(durable) = &core.durable {
            *durable.thread.lock() = Some(thread);
        }
        Ok(core)
    }
}

fn make_checkpoints(core: &Weak<Core>, signal: &Signal) {
    while signal.wait() {
        let Some(core) = core.upgrade() else { return };
        // The log is longer without it, and it is tried again when it has grown.
        let _ = core.checkpoint();
    }
}

/// Ends a store that is kept, with its last handle.
pub(super) fn close(core: &Arc<Core>, durable: &Durable) -> Result<()> {
    // Held until the end, so that whoever opens it anew comes after.
    let mut open = OPEN.lock();
    if let Some((same, handles)) = open.get_mut(&durable.path)
        && Arc::ptr_eq(same, core)
    {
        *handles -= 1;
        if *handles > 0 {
            return Ok(());
        }
        open.remove(&durable.path);
    }
    let publishing = core.publishing.lock();
    drop(publishing);
    let result = durable.close();
    core.replace_whole(Arc::default());
    result
}

impl Store {
    /// Opens the store that is kept in a directory, or makes an empty one there.
    /// Handles of one process to the same directory are of the same store.
    ///
    /// # Errors
    /// `StoreLocked` if another process has it open, or this one otherwise;
    /// `Corrupt` with what is damaged, where, and what can be done; `NewerFormat`;
    /// `Storage` for what the disk says.
    pub fn open_path(path: &Path, keep: Keep) -> Result<Arc<Self>> {
        let directory = Directory::open(path).map_err(|error| unreachable_at(path, &error))?;
        let path = directory.path().to_owned();
        let mut open = OPEN.lock();
        if let Some((core, handles)) = open.get_mut(&path) {
            let same = core.durable.as_ref().is_some_and(|durable| durable.keep == keep);
            if !same {
                let message = format!(
                    "the store at {} is open already in this process, with other options: use the same",
                    path.display()
                );
                return Err(Error::new(ErrorCode::StoreLocked, message));
            }
            *handles += 1;
            return Ok(Self::of(Arc::clone(core)));
        }
        let core = Core::open(Arc::new(directory), &path, keep)?;
        open.insert(path, (Arc::clone(&core), 1));
        Ok(Self::of(core))
    }

    /// The store that is kept in a directory, in memory: nothing is changed in the
    /// directory, nor is what is written kept there.
    ///
    /// # Errors
    /// Those of [`Store::open_path`], and `Storage` where there is no store.
    pub fn view_path(path: &Path) -> Result<Arc<Self>> {
        let directory = Directory::existing(path).map_err(|error| unreachable_at(path, &error))?;
        let (root, last_tick) = image::to_root(log::view(&directory)?)?;
        let core = Core::new(None);
        core.clock.move_to(last_tick);
        core.replace(Arc::new(root));
        Ok(Self::of(Arc::new(core)))
    }

    /// Opens the store of a directory that nobody else knows of.
    #[cfg(test)]
    pub(crate) fn open_in(vfs: Arc<dyn Vfs>, keep: Keep) -> Result<Arc<Self>> {
        Ok(Self::of(Core::open(vfs, Path::new(""), keep)?))
    }

    /// What [`Store::when_durable`] would tell at once, if it would.
    pub fn durable(&self, sequence: u64) -> Option<Result<()>> {
        self.core.durable.as_ref().map_or(Some(Ok(())), |durable| durable.log.durable(sequence))
    }

    /// Calls back once a version and all before it are kept as [`Durability`]
    /// promises: at once where nothing is kept, or nothing is to be waited for.
    pub fn when_durable(&self, sequence: u64, done: Done) {
        match &self.core.durable {
            Some(durable) => durable.log.when_durable(sequence, done),
            None => done(Ok(())),
        }
    }

    /// Waits for what [`Store::when_durable`] would tell.
    ///
    /// # Errors
    /// `Storage` with the cause if it could not be written.
    pub fn wait_durable(&self, sequence: u64) -> Result<()> {
        let (told, hears) = std::sync::mpsc::sync_channel(1);
        self.when_durable(
            sequence,
            Box::new(move |result| {
                // Whoever asked is waiting below.
                let _ = told.send(result);
            }),
        );
        hears
            .recv()
            .unwrap_or_else(|_| Err(Error::new(ErrorCode::Internal, "the log has forgotten a commit")))
    }

    /// Writes a checkpoint of the newest version, so that the store is opened
    /// faster and the log is short; nothing where nothing is kept.
    ///
    /// # Errors
    /// `Storage` if it could not be written, `StoreClosed`.
    pub fn checkpoint(&self) -> Result<()> {
        self.check_open()?;
        self.core.checkpoint()
    }

    /// How the log is doing; `None` where nothing is kept.
    pub fn statistics(&self) -> Option<Statistics> {
        Some(self.core.durable.as_ref()?.log.statistics())
    }

    /// The directory that the store is kept in, if it is.
    pub fn path(&self) -> Option<&Path> {
        Some(&self.core.durable.as_ref()?.path)
    }

    /// What was found when the store was opened that its owner should know.
    pub fn notices(&self) -> &[String] {
        self.core.durable.as_ref().map_or(&[], |durable| &durable.notices)
    }
}
