//! Memory that writers use one after the other, so that a statement of one row need not ask for any.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

use crate::value::RowBuilder;

/// More of it than this many bytes is not kept for the next.
const MOST: usize = 1 << 16;

thread_local! {
    static KEPT: Cell<Buffers> = const { Cell::new(Buffers::none()) };
}

/// What rows and their keys are made in.
pub(super) struct Buffers {
    pub builder: RowBuilder,
    pub key: Vec<u8>,
    pub entry: Vec<u8>,
}

impl Buffers {
    const fn none() -> Self {
        Self { builder: RowBuilder::new(), key: Vec::new(), entry: Vec::new() }
    }
}

/// Buffers that are left for the next writer of the thread.
pub(super) struct Memory(Buffers);

impl Memory {
    /// What the last writer of the thread has left.
    pub fn take() -> Self {
        let none = Buffers::none();
        Self(KEPT.try_with(|kept| kept.replace(none)).unwrap_or(Buffers::none()))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let buffers = std::mem::replace(&mut self.0, Buffers::none());
        if buffers.builder.capacity() + buffers.key.capacity() + buffers.entry.capacity() <= MOST {
            // A thread that ends has nowhere to keep them.
            let _ = KEPT.try_with(|kept| kept.set(buffers));
        }
    }
}

impl Deref for Memory {
    type Target = Buffers;

    fn deref(&self) -> &Buffers {
        &self.0
    }
}

impl DerefMut for Memory {
    fn deref_mut(&mut self) -> &mut Buffers {
        &mut self.0
    }
}
