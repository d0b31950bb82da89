//! The directory that a store lies in, as the log sees it.

#[cfg(test)]
mod crash;
mod directory;

use std::io::{self, Read};

#[cfg(test)]
pub use crash::{Fault, TestDirectory};
pub use directory::Directory;

/// A directory of files. What is written survives the loss of power only once it
/// is synced: contents by [`VfsFile::sync`], names by [`Vfs::sync`].
pub trait Vfs: Send + Sync {
    /// The names of all files.
    fn names(&self) -> io::Result<Vec<String>>;
    /// The length of a file in bytes.
    fn size(&self, name: &str) -> io::Result<u64>;
    /// Reads a file from its beginning.
    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>>;
    /// Creates a file; one that is there is emptied.
    fn create(&self, name: &str) -> io::Result<Box<dyn VfsFile>>;
    /// Opens a file that is there, to write behind its end.
    fn append(&self, name: &str) -> io::Result<Box<dyn VfsFile>>;
    /// Gives a file another name, in place of whichever had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Brings what was created, renamed and removed to the disk.
    fn sync(&self) -> io::Result<()>;
    /// Locks the directory by a file that tells who did; where another has, what it tells.
    fn lock(&self, name: &str, owner: &str) -> io::Result<Held>;
    /// Where it is, for messages.
    fn place(&self) -> String;
}

/// A file that is written from its beginning, or from the end that it had, on.
pub trait VfsFile: Send {
    /// Writes some of the bytes, at least one, and tells how many.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Makes the file so long, with zeroes behind what is written, which take no room.
    fn extend(&mut self, length: u64) -> io::Result<()>;
    /// Cuts off what is behind a length, and goes on from there.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
    /// Brings the contents to the disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// What became of a wish for a lock.
pub enum Held {
    /// It is held until this is dropped.
    Here(Box<dyn Send + Sync>),
    /// Another holds it, who says this of itself.
    Elsewhere(String),
}

/// Writes all of the bytes.
pub(super) fn write_all(file: &mut dyn VfsFile, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
