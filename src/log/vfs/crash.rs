//! A disk in memory that fails when it is told to, and forgets what was not synced.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, ErrorKind, Read};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Held, Vfs, VfsFile};
use crate::log::tests::Random;

/// What happens at one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The power goes: nothing works from then on.
    Stop,
    /// It fails, once.
    Error(ErrorKind),
    /// A write takes half of the bytes.
    Short,
}

/// A directory on such a disk. A clone is the same directory.
#[derive(Clone, Default)]
pub struct TestDirectory(Arc<Mutex<Disk>>, Arc<Mutex<()>>);

#[derive(Default)]
struct Disk {
    files: Vec<File>,
    /// The names as they are seen, and as they are on the disk.
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    pending_names: Vec<Naming>,
    operations: u64,
    fault: Option<(u64, Fault)>,
    /// The bytes that there is room for, if that is limited.
    room: Option<usize>,
    stopped: bool,
    locked: bool,
    /// The most bytes that a file has had that were not synced.
    backlog: usize,
    /// The files that there was no room for, and from which byte on.
    refused: BTreeSet<(String, usize)>,
}

#[derive(Clone, Default)]
struct File {
    seen: Vec<u8>,
    /// How far it was written: zeroes behind that take no room.
    written: usize,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Extend(usize),
    Truncate(usize),
}

#[derive(Clone)]
enum Naming {
    Link(String, usize),
    Rename(String, String, usize),
    Remove(String),
}

const SECTOR: usize = 512;

impl TestDirectory {
    fn with(disk: Disk) -> Self {
        Self(Arc::new(Mutex::new(disk)), Arc::default())
    }

    /// Fails at an operation, counted from now.
    pub fn fail_at(&self, operation: u64, fault: Fault) {
        let mut disk = self.0.lock();
        disk.fault = Some((disk.operations + operation, fault));
    }

    /// Writes nothing until what it gives is dropped.
    pub fn hold(&self) -> parking_lot::MutexGuard<'_, ()> {
        self.1.lock()
    }

    /// Limits the room for all files together; lifts the limit.
    pub fn limit(&self, room: Option<usize>) {
        self.0.lock().room = room;
    }

    /// The room that all files take.
    pub fn used(&self) -> usize {
        self.0.lock().used()
    }

    /// The most bytes that a file has had that were not synced.
    pub fn backlog(&self) -> usize {
        self.0.lock().backlog
    }

    /// The files that there was no room for, and from which byte on.
    pub fn refused(&self) -> BTreeSet<(String, usize)> {
        self.0.lock().refused.clone()
    }

    /// How many operations there have been.
    pub fn operations(&self) -> u64 {
        self.0.lock().operations
    }

    /// Whether the fault has happened.
    pub fn stopped(&self) -> bool {
        self.0.lock().stopped
    }

    /// The disk as it may be after the power has gone: of what was not synced, any
    /// part is there, in sectors.
    pub fn reboot(&self, random: &mut Random) -> Self {
        let disk = self.0.lock();
        let mut names = disk.durable_names.clone();
        let keep_names = random.below(4);
        for naming in &disk.pending_names {
            if keep_names == 0 || (keep_names > 1 && random.below(2) == 0) {
                naming.apply(&mut names);
            }
        }
        let files: Vec<File> = disk.files.iter().map(|file| file.torn(random)).collect();
        Self::with(Disk { files, durable_names: names.clone(), names, room: disk.room, ..Disk::default() })
    }

    /// The same files as they are seen, as after the process has been killed.
    pub fn kill(&self) -> Self {
        let disk = self.0.lock();
        Self::with(Disk {
            files: disk.files.clone(),
            names: disk.names.clone(),
            durable_names: disk.durable_names.clone(),
            pending_names: disk.pending_names.clone(),
            room: disk.room,
            ..Disk::default()
        })
    }

    /// The files with their contents.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let disk = self.0.lock();
        disk.names.iter().map(|(name, file)| (name.clone(), disk.files[*file].seen.clone())).collect()
    }

    /// A disk with these files.
    pub fn of(contents: BTreeMap<String, Vec<u8>>) -> Self {
        let mut disk = Disk::default();
        for (name, seen) in contents {
            disk.names.insert(name, disk.files.len());
            disk.files.push(File { written: seen.len(), durable: seen.clone(), seen, pending: Vec::new() });
        }
        disk.durable_names = disk.names.clone();
        Self::with(disk)
    }
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Link(name, file) => {
                names.insert(name.clone(), *file);
            }
            Self::Rename(from, to, file) => {
                names.remove(from);
                names.insert(to.clone(), *file);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

impl File {
    fn write(&mut self, at: usize, bytes: &[u8]) {
        let end = at + bytes.len();
        self.seen.resize(self.seen.len().max(end), 0);
        self.seen[at..end].copy_from_slice(bytes);
        self.written = self.written.max(end);
        self.pending.push(Change::Write(at, bytes.to_vec()));
    }

    fn backlog(&self) -> usize {
        let written = |change: &Change| if let Change::Write(_, bytes) = change { bytes.len() } else { 0 };
        self.pending.iter().map(written).sum()
    }

    fn extend(&mut self, length: usize) {
        self.seen.resize(self.seen.len().max(length), 0);
        self.pending.push(Change::Extend(length));
    }

    fn truncate(&mut self, length: usize) {
        self.seen.truncate(length);
        self.written = self.written.min(length);
        self.pending.push(Change::Truncate(length));
    }

    fn torn(&self, random: &mut Random) -> Self {
        let mut durable = self.durable.clone();
        let keep = random.below(4);
        for change in &self.pending {
            match change {
                Change::Truncate(length) => {
                    if random.below(2) == 0 {
                        durable.truncate(*length);
                    }
                }
                Change::Extend(length) => {
                    if random.below(2) == 0 {
                        durable.resize(durable.len().max(*length), 0);
                    }
                }
                Change::Write(at, bytes) => {
                    let mut start = 0;
                    while start < bytes.len() {
                        let end = ((at + start) / SECTOR + 1) * SECTOR - at;
                        let end = end.min(bytes.len());
                        if keep == 0 || (keep > 1 && random.below(2) == 0) {
                            durable.resize(durable.len().max(at + end), 0);
                            durable[at + start..at + end].copy_from_slice(&bytes[start..end]);
                        }
                        start = end;
                    }
                }
            }
        }
        if random.below(3) == 0 {
            // The length may have been noted before the contents.
            durable.resize(durable.len().max(self.seen.len()), 0);
        }
        Self { written: durable.len().min(self.written), seen: durable.clone(), durable, pending: Vec::new() }
    }
}

impl Disk {
    /// Counts an operation; says what is to go wrong with it.
    fn operate(&mut self) -> io::Result<Option<Fault>> {
        self.check()?;
        self.operations += 1;
        let fault = self.fault.filter(|(at, _)| *at == self.operations).map(|(_, fault)| fault);
        if fault == Some(Fault::Stop) {
            self.stopped = true;
        }
        Ok(fault)
    }

    fn check(&self) -> io::Result<()> {
        if self.stopped { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    fn used(&self) -> usize {
        self.names.values().map(|file| self.files[*file].written).sum()
    }

    fn file(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.names);
        self.pending_names.push(naming);
    }
}

/// The error of a fault where there is nothing to do by halves.
fn raise(fault: Option<Fault>) -> io::Result<()> {
    match fault {
        Some(Fault::Stop) => Err(io::Error::other("the power is off")),
        Some(Fault::Error(kind)) => Err(kind.into()),
        Some(Fault::Short) | None => Ok(()),
    }
}

impl Vfs for TestDirectory {
    fn names(&self) -> io::Result<Vec<String>> {
        let disk = self.0.lock();
        disk.check()?;
        Ok(disk.names.keys().cloned().collect())
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        let disk = self.0.lock();
        disk.check()?;
        Ok(disk.files[disk.file(name)?].seen.len() as u64)
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        let disk = self.0.lock();
        disk.check()?;
        Ok(Box::new(Cursor::new(disk.files[disk.file(name)?].seen.clone())))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn VfsFile>> {
        let mut disk = self.0.lock();
        let fault = disk.operate()?;
        if !matches!(fault, Some(Fault::Error(_))) {
            match disk.names.get(name).copied() {
                Some(file) => {
                    disk.files[file].truncate(0);
                }
                None => {
                    let file = disk.files.len();
                    disk.files.push(File::default());
                    disk.name(Naming::Link(name.to_owned(), file));
                }
            }
        }
        raise(fault)?;
        let file = disk.file(name)?;
        Ok(Box::new(TestFile { directory: self.clone(), file, at: 0 }))
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn VfsFile>> {
        let disk = self.0.lock();
        disk.check()?;
        let file = disk.file(name)?;
        let at = disk.files[file].seen.len();
        Ok(Box::new(TestFile { directory: self.clone(), file, at }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.0.lock();
        let fault = disk.operate()?;
        if !matches!(fault, Some(Fault::Error(_))) {
            let file = disk.file(from)?;
            disk.name(Naming::Rename(from.to_owned(), to.to_owned(), file));
        }
        raise(fault)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut disk = self.0.lock();
        let fault = disk.operate()?;
        disk.file(name)?;
        if !matches!(fault, Some(Fault::Error(_))) {
            disk.name(Naming::Remove(name.to_owned()));
        }
        raise(fault)
    }

    fn sync(&self) -> io::Result<()> {
        let mut disk = self.0.lock();
        let fault = disk.operate()?;
        raise(fault)?;
        disk.durable_names = disk.names.clone();
        disk.pending_names.clear();
        Ok(())
    }

    fn lock(&self, _name: &str, owner: &str) -> io::Result<Held> {
        let mut disk = self.0.lock();
        disk.check()?;
        if std::mem::replace(&mut disk.locked, true) {
            return Ok(Held::Elsewhere(owner.to_owned()));
        }
        Ok(Held::Here(Box::new(TestLock(self.clone()))))
    }

    fn place(&self) -> String {
        "memory".to_owned()
    }
}

struct TestLock(TestDirectory);

impl Drop for TestLock {
    fn drop(&mut self) {
        self.0.0.lock().locked = false;
    }
}

struct TestFile {
    directory: TestDirectory,
    file: usize,
    /// Where it is written next.
    at: usize,
}

impl VfsFile for TestFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        drop(self.directory.hold());
        let mut disk = self.directory.0.lock();
        let fault = disk.operate()?;
        let free = disk.room.map_or(usize::MAX, |room| room.saturating_sub(disk.used()));
        let count = match fault {
            Some(Fault::Short) => bytes.len().div_ceil(2),
            Some(Fault::Error(_)) => bytes.len() / 2,
            _ => bytes.len(),
        };
        let file = &mut disk.files[self.file];
        let count = count.min(file.written.saturating_sub(self.at).saturating_add(free));
        file.write(self.at, &bytes[..count]);
        let backlog = file.backlog();
        disk.backlog = disk.backlog.max(backlog);
        self.at += count;
        raise(fault)?;
        if count > 0 {
            return Ok(count);
        }
        let name = disk.names.iter().find(|(_, file)| **file == self.file).map(|(name, _)| name.clone());
        disk.refused.extend(name.map(|name| (name, self.at)));
        Err(ErrorKind::StorageFull.into())
    }

    fn extend(&mut self, length: u64) -> io::Result<()> {
        let mut disk = self.directory.0.lock();
        let fault = disk.operate()?;
        if !matches!(fault, Some(Fault::Error(_))) {
            disk.files[self.file].extend(length as usize);
        }
        raise(fault)
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        let mut disk = self.directory.0.lock();
        let fault = disk.operate()?;
        if !matches!(fault, Some(Fault::Error(_))) {
            disk.files[self.file].truncate(length as usize);
            self.at = length as usize;
        }
        raise(fault)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.directory.0.lock();
        let fault = disk.operate()?;
        raise(fault)?;
        let file = &mut disk.files[self.file];
        file.durable = file.seen.clone();
        file.pending.clear();
        Ok(())
    }
}
