//! Handles: numbers that JavaScript keeps in place of what lives on this side.
//!
//! A handle names its kind, its place in a table and the generation of that
//! place, so that a stale or mistaken one is recognised rather than obeyed.

use crate::error::{Error, ErrorCode, Result};

/// What a handle stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Store = 1,
    Transaction = 2,
    Plan = 3,
    Cursor = 4,
    Snapshot = 5,
    Feed = 6,
    Attempts = 7,
}

impl Kind {
    /// The error of a handle that no longer, or never, stood for this kind.
    pub(super) fn gone(self) -> Error {
        let (code, message) = match self {
            Self::Store => (ErrorCode::StoreClosed, "The store has been closed: open it again."),
            Self::Transaction => {
                (ErrorCode::TransactionClosed, "The transaction has ended already: begin a new one.")
            }
            Self::Plan => (ErrorCode::InvalidPlan, "The plan has been let go: compile it again."),
            Self::Cursor => (ErrorCode::InvalidPlan, "The cursor has been closed or read to its end."),
            Self::Feed => (ErrorCode::StoreClosed, "The reading of changes has ended: begin anew."),
            Self::Attempts => (ErrorCode::TransactionClosed, "The attempts have ended already."),
            Self::Snapshot => (ErrorCode::ForeignSnapshot, "The snapshot has been let go: take another."),
        };
        Error::new(code, message)
    }
}

const KIND_BITS: u32 = 3;
const INDEX_BITS: u32 = 24;
/// What is left of the whole numbers that a double holds exactly.
const GENERATION_BITS: u32 = 53 - KIND_BITS - INDEX_BITS;

/// A handle as the number that JavaScript holds: never zero, always whole and exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle(u64);

impl Handle {
    fn new(kind: Kind, index: usize, generation: u32) -> Self {
        let index = index as u64;
        Self(u64::from(generation) << (KIND_BITS + INDEX_BITS) | index << KIND_BITS | kind as u64)
    }

    /// The handle in a number from JavaScript. A number that never was one stands for nothing.
    pub(super) fn from_number(number: f64) -> Self {
        // A cast saturates and makes 0 of NaN, and no table has a place for 0.
        let bits = number as u64;
        Self(if bits as f64 == number { bits } else { 0 })
    }

    /// The number for JavaScript.
    pub(super) fn to_number(self) -> f64 {
        self.0 as f64
    }

    /// Whether this is a handle of the kind.
    pub(super) fn is(self, kind: Kind) -> bool {
        self.0 & ((1 << KIND_BITS) - 1) == kind as u64
    }

    fn index(self) -> usize {
        (self.0 >> KIND_BITS & ((1 << INDEX_BITS) - 1)) as usize
    }

    fn generation(self) -> u32 {
        (self.0 >> (KIND_BITS + INDEX_BITS)) as u32
    }
}

/// The things of one kind that JavaScript holds handles of.
#[derive(Debug)]
pub(super) struct Table<T> {
    kind: Kind,
    places: Vec<Place<T>>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Place<T> {
    generation: u32,
    item: Option<T>,
}

impl<T> Table<T> {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, places: Vec::new(), free: Vec::new() }
    }

    /// Keeps an item.
    pub(super) fn insert(&mut self, item: T) -> Result<Handle> {
        if let Some(index) = self.free.pop()
            && let Some(place) = self.places.get_mut(index)
        {
            place.item = Some(item);
            return Ok(Handle::new(self.kind, index, place.generation));
        }
        let index = self.places.len();
        if index >= 1 << INDEX_BITS {
            let message = format!("More than {index} handles ({:?}) are open: close some.", self.kind);
            return Err(Error::new(ErrorCode::OutOfRange, message));
        }
        self.places.push(Place { generation: 0, item: Some(item) });
        Ok(Handle::new(self.kind, index, 0))
    }

    /// The item of a handle.
    pub(super) fn get(&self, handle: Handle) -> Result<&T> {
        match self.places.get(handle.index()) {
            Some(Place { generation, item: Some(item) })
                if handle.is(self.kind) && *generation == handle.generation() =>
            {
                Ok(item)
            }
            _ => Err(self.kind.gone()),
        }
    }

    /// The item of a handle, to change it.
    pub(super) fn get_mut(&mut self, handle: Handle) -> Result<&mut T> {
        match self.places.get_mut(handle.index()) {
            Some(Place { generation, item: Some(item) })
                if handle.is(self.kind) && *generation == handle.generation() =>
            {
                Ok(item)
            }
            _ => Err(self.kind.gone()),
        }
    }

    /// Takes an item out; its handle is stale from now on.
    pub(super) fn remove(&mut self, handle: Handle) -> Result<T> {
        self.get(handle)?;
        let index = handle.index();
        let item = self.places.get_mut(index).and_then(|place| {
            place.generation = (place.generation + 1) & ((1 << GENERATION_BITS) - 1);
            place.item.take()
        });
        self.free.push(index);
        item.ok_or_else(|| self.kind.gone())
    }

    /// The handles of all items for which the condition holds.
    pub(super) fn handles(&self, condition: impl Fn(&T) -> bool) -> Vec<Handle> {
        let places = self.places.iter().enumerate();
        places
            .filter(|(_, place)| place.item.as_ref().is_some_and(&condition))
            .map(|(index, place)| Handle::new(self.kind, index, place.generation))
            .collect()
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        for handle in self.handles(|_| true) {
            drop(self.remove(handle));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_an_exact_whole_number() {
        let largest = Handle::new(Kind::Snapshot, (1 << INDEX_BITS) - 1, (1 << GENERATION_BITS) - 1);
        assert_eq!(Handle::from_number(largest.to_number()), largest);
        assert!(largest.to_number() <= 2f64.powi(53) - 1.0);
    }

    #[test]
    fn a_removed_item_is_gone_though_its_place_is_used_again() {
        let mut table = Table::new(Kind::Transaction);
        let old = table.insert("old").unwrap();
        assert_eq!(table.remove(old).unwrap(), "old");
        let new = table.insert("new").unwrap();
        assert_ne!(old, new);
        assert_eq!(table.get(old).unwrap_err().code, ErrorCode::TransactionClosed);
        assert_eq!(table.remove(old).unwrap_err().code, ErrorCode::TransactionClosed);
        assert_eq!(table.get(new).unwrap(), &"new");
    }

    #[test]
    fn a_handle_of_another_kind_or_no_handle_at_all_is_refused() {
        let mut plans = Table::new(Kind::Plan);
        let mut stores = Table::new(Kind::Store);
        let plan = plans.insert(()).unwrap();
        stores.insert(()).unwrap();
        assert_eq!(stores.get(plan).unwrap_err().code, ErrorCode::StoreClosed);
        for number in [0.0, -1.0, 0.5, f64::NAN, f64::INFINITY, 1e300] {
            assert!(plans.get(Handle::from_number(number)).is_err(), "{number}");
        }
    }

    #[test]
    fn clearing_drops_all_and_makes_all_handles_stale() {
        let mut table = Table::new(Kind::Cursor);
        let handles: Vec<_> = (0..3).map(|i| table.insert(i).unwrap()).collect();
        assert_eq!(table.handles(|i| *i > 0), handles[1..]);
        table.clear();
        assert!(handles.into_iter().all(|handle| table.get(handle).is_err()));
    }
}
