//! One process at a time has a store open.

use super::failed;
use super::names::LOCK;
use super::vfs::{Held, Vfs};
use crate::error::{Error, ErrorCode, Result};

/// Locks the directory until what it gives is dropped.
pub fn lock(vfs: &dyn Vfs) -> Result<Box<dyn Send + Sync>> {
    let owner = format!("process {} on {}", std::process::id(), host());
    match vfs.lock(LOCK, &owner).map_err(|error| failed("locking", LOCK, &error))? {
        Held::Here(lock) => Ok(lock),
        Held::Elsewhere(owner) => {
            let owner = if owner.is_empty() { "another process" } else { owner.as_str() };
            let message = format!(
                "the store at {} is open already, by {owner}: one process at a time can have it",
                vfs.place()
            );
            Err(Error::new(ErrorCode::StoreLocked, message))
        }
    }
}

fn host() -> String {
    let named = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let named =
        named.or_else(|| std::env::var("HOSTNAME").ok()).or_else(|| std::env::var("COMPUTERNAME").ok());
    named.map_or_else(|| "an unknown host".to_owned(), |name| name.trim().to_owned())
}
