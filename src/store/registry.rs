//! The open stores of the process, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Core;

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
    core.replace(Arc::default());
    drop(publishing);
}
