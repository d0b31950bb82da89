//! The parameters of a run.

use crate::value::Value;

/// The values that a plan's numbers stand for.
#[derive(Clone, Debug, Default)]
pub struct Params(Vec<Option<Value>>);

impl Params {
    /// The parameters in order; `None` is absent: a default, or a field left as it is.
    pub fn new(values: Vec<Option<Value>>) -> Self {
        Self(values)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A parameter by its number; `Some(None)` is absent.
    pub(super) fn get(&self, number: usize) -> Option<&Option<Value>> {
        self.0.get(number)
    }

    /// How many rows of so many values they hold, at most.
    pub(super) fn rows(&self, width: usize) -> usize {
        self.0.len() / width.max(1)
    }

    /// The parameters from a number on.
    pub(super) fn from(&self, number: usize) -> &[Option<Value>] {
        self.0.get(number..).unwrap_or_default()
    }
}

impl From<Vec<Value>> for Params {
    fn from(values: Vec<Value>) -> Self {
        Self(values.into_iter().map(Some).collect())
    }
}
