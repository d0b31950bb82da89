//! The manifest: which checkpoint and which segments count. A new one takes the
//! place of the old in one step.

use std::io::Read;

use super::header::{Header, Kind, LENGTH};
use super::names::{MANIFEST, NEXT_MANIFEST};
use super::vfs::{Vfs, write_all};
use super::{damaged, failed};
use crate::error::Result;

/// What the manifest says.
pub fn read(vfs: &dyn Vfs) -> Result<Header> {
    let io = |error: std::io::Error| failed("reading", MANIFEST, &error);
    let mut bytes = Vec::new();
    // One byte more than there should be, to see that there is none.
    vfs.read(MANIFEST).map_err(io)?.take(LENGTH as u64 + 1).read_to_end(&mut bytes).map_err(io)?;
    let header = Header::decode(Kind::Manifest, MANIFEST, &bytes)?;
    header
        .filter(|_| bytes.len() == LENGTH)
        .ok_or_else(|| damaged(MANIFEST, 0, "its checksum or its length is wrong"))
}

/// Makes this the manifest, on the disk when it returns.
pub fn write(vfs: &dyn Vfs, header: &Header) -> Result<()> {
    let switch = || {
        let mut file = vfs.create(NEXT_MANIFEST)?;
        write_all(file.as_mut(), &header.encode())?;
        file.sync()?;
        drop(file);
        vfs.rename(NEXT_MANIFEST, MANIFEST)?;
        vfs.sync()
    };
    switch().map_err(|error| failed("writing", MANIFEST, &error))
}
