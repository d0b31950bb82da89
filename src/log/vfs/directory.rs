//! A directory of the operating system.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Held, Vfs, VfsFile};

/// A directory of the operating system.
#[derive(Debug)]
pub struct Directory(PathBuf);

impl Directory {
    /// The directory at a path, created with those above where it is missing.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let path = path.canonicalize()?;
        // The directory's own name is to survive as well.
        if let Some(parent) = path.parent() {
            sync_directory(parent)?;
        }
        Ok(Self(path))
    }

    /// The directory at a path, if it is there.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn existing(path: &Path) -> io::Result<Self> {
        Ok(Self(fs::read_dir(path).and_then(|_| path.canonicalize())?))
    }

    /// The whole path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// Elsewhere than on Unix directories cannot be synced, and need not be.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

impl Vfs for Directory {
    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            // Names that are no text are not ours.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.0.join(name))?.len())
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(self.0.join(name))?))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn VfsFile>> {
        Ok(Box::new(RealFile(File::create(self.0.join(name))?)))
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn VfsFile>> {
        let mut file = OpenOptions::new().write(true).open(self.0.join(name))?;
        file.seek(SeekFrom::End(0))?;
        Ok(Box::new(RealFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        sync_directory(&self.0)
    }

    fn lock(&self, name: &str, owner: &str) -> io::Result<Held> {
        let path = self.0.join(name);
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Ok(Held::Elsewhere(fs::read_to_string(&path).unwrap_or_default()));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // The system lets go of the locks of processes that have ended, so what
        // the file tells of an earlier owner is of no consequence.
        file.set_len(0)?;
        file.write_all(owner.as_bytes())?;
        Ok(Held::Here(Box::new(LockFile(file))))
    }

    fn place(&self) -> String {
        self.0.display().to_string()
    }
}

struct RealFile(File);

impl VfsFile for RealFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn extend(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)?;
        self.0.seek(SeekFrom::Start(length)).map(drop)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// A lock, which goes with the file being closed.
struct LockFile(File);

impl Drop for LockFile {
    fn drop(&mut self) {
        // The owner's name is for people; the lock goes either way.
        let _ = self.0.set_len(0);
    }
}
