//! The open stores of the process, by name.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Core;
use crate::error::{Error, ErrorCode, Result};

/// The named stores that are open, and how many handles each has.
static OPEN: Mutex<BTreeMap<String, (Arc<Core>, usize)>> = Mutex::new(BTreeMap::new());

/// The store of a name, with one handle more; without a name a new one.
pub(super) fn open(name: Option<&str>) -> Arc<Core> {
    let Some(name) = name else { return Arc::new(Core::new(None)) };
    let mut open = OPEN.lock();
    let (core, handles) = open.entry(name.to_owned()).or_insert_with(|| (Arc::new(Core::new(Some(name))), 0));
    *handles += 1;
    Arc::clone(core)
}

/// Makes a store findable by its name, if it has one, with one handle.
///
/// # Errors
/// `StoreExists` if there is one of that name.
pub(super) fn add(core: Core) -> Result<Arc<Core>> {
    let core = Arc::new(core);
    if let Some(name) = &core.name {
        match OPEN.lock().entry(name.clone()) {
            Entry::Vacant(vacant) => vacant.insert((Arc::clone(&core), 1)),
            Entry::Occupied(_) => {
                let message = format!("a store named \"{name}\" is open already: choose another name");
                return Err(Error::new(ErrorCode::StoreExists, message));
            }
        };
    }
    Ok(core)
}

/// Takes a handle away; with the last one the data goes.
pub(super) fn close(core: &Arc<Core>) {
    let mut open = OPEN.lock();
    if let Some(name) = &core.name
        && let Some((_, handles)) = open.get_mut(name)
    {
        *handles -= 1;
        if *handles > 0 {
            return;
        }
        open.remove(name);
    }
    drop(open);
    // After a commit that is under way: it must not bring the data back.
    let publishing = core.publishing.lock();
    core.replace_whole(Arc::default());
    drop(publishing);
}
