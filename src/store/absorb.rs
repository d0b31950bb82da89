//! Doing on a version with many changes what others have committed meanwhile.
//!
//! The other way, doing the changes again on the newest version ([`super::replay`]),
//! takes as long as the changes are many, and others commit on in that time.

use std::sync::Arc;

use super::foreign::Cause;
use super::recent::{Change, Commit};
use super::root::{Clock, Root};
use super::writer::{Effect, Writer};

/// The version `worked` with some commits, which lead from the version that it
/// stands on to `newest`. `None` where that is not all there is to it, because
/// they touch what was changed here: then replaying tells what it comes to.
pub(super) fn absorb(
    worked: &Arc<Root>,
    commits: &[Arc<Commit>],
    newest: &Root,
    clock: &Clock,
) -> Option<Arc<Root>> {
    if !Arc::ptr_eq(&worked.catalog, &newest.catalog) {
        return None;
    }
    let mut root = Arc::clone(worked);
    let mut done = Vec::new();
    let mut writer = Writer::new(&mut root, &mut done, clock);
    let mut count = 0;
    for commit in commits {
        let Change::Rows(effects) = &commit.change else { return None };
        count += effects.len();
        effects.iter().try_for_each(|effect| take(&mut writer, effect, newest))?;
    }
    writer.finish(Cause::Replay).ok()?;
    // What follows from their changes for the rows changed here is not theirs.
    (done.len() == count).then_some(root)
}

fn take(writer: &mut Writer<'_>, effect: &Effect, newest: &Root) -> Option<()> {
    let own = writer.root().find(effect.collection)?;
    if !Arc::ptr_eq(&own.shared, &newest.find(effect.collection)?.shared) {
        return None;
    }
    if let Some(before) = &effect.before
        && !own.rows.get(&own.schema.primary_key(before)).is_some_and(|row| row.ptr_eq(before))
    {
        return None;
    }
    let schema = Arc::clone(&own.schema);
    writer.replace(&schema, effect.before.clone(), effect.after.clone()).ok()
}
