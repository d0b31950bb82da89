//! A sequence whose full pieces are shared between the copies of a node.
//!
//! A copy of 64 counted pointers that lie next to each other touches 64 counters
//! all over the memory. In pieces of eight it touches eight and, where one
//! element changes, those of one piece.

use std::sync::Arc;

use arrayvec::ArrayVec;

use super::node::MAX;

/// Elements of a full piece.
const PIECE: usize = 8;

/// Elements by position. `Clone` shares the full pieces.
pub(super) struct Run<T> {
    full: ArrayVec<Arc<[T; PIECE]>, { MAX / PIECE }>,
    /// What is behind the full pieces: fewer than a piece, or all elements where
    /// they have no size, and nothing is won by sharing them.
    tail: Vec<T>,
}

impl<T: Clone> Clone for Run<T> {
    fn clone(&self) -> Self {
        let mut tail = if self.tail.is_empty() { Vec::new() } else { Self::new_tail() };
        tail.extend_from_slice(&self.tail);
        Self { full: self.full.clone(), tail }
    }
}

impl<T> Default for Run<T> {
    fn default() -> Self {
        Self { full: ArrayVec::new(), tail: Vec::new() }
    }
}

impl<T> Run<T> {
    /// A piece is collected where it does not have to grow.
    fn new_tail() -> Vec<T> {
        Vec::with_capacity(PIECE)
    }

    fn in_pieces(&self) -> usize {
        self.full.len() * PIECE
    }

    pub(super) fn len(&self) -> usize {
        self.in_pieces() + self.tail.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<&T> {
        match self.full.get(at / PIECE) {
            Some(piece) => piece.get(at % PIECE),
            None => self.tail.get(at - self.in_pieces()),
        }
    }

    pub(super) fn first(&self) -> Option<&T> {
        self.get(0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.full.iter().flat_map(|piece| piece.iter()).chain(&self.tail)
    }
}

impl<T: Clone> Run<T> {
    /// An element for writing. Its piece is copied where others share it.
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        let behind = at.checked_sub(self.in_pieces());
        match self.full.get_mut(at / PIECE) {
            Some(piece) => Arc::make_mut(piece).get_mut(at % PIECE),
            None => self.tail.get_mut(behind?),
        }
    }

    pub(super) fn push(&mut self, item: T) {
        self.insert(self.len(), item);
    }

    /// Puts an element before the one at a position, or behind all.
    pub(super) fn insert(&mut self, at: usize, item: T) {
        let mut carried = item;
        let mut start = at % PIECE;
        for piece in self.full.iter_mut().skip(at / PIECE) {
            if let Some(moved) = Arc::make_mut(piece).get_mut(start..) {
                moved.rotate_right(1);
                if let Some(slot) = moved.first_mut() {
                    std::mem::swap(slot, &mut carried);
                }
            }
            start = 0;
        }
        if self.tail.capacity() == 0 {
            self.tail = Self::new_tail();
        }
        let behind = at.saturating_sub(self.in_pieces());
        self.tail.insert(behind.min(self.tail.len()), carried);
        self.fold_tail();
    }

    /// Makes a piece of a tail that has grown to one.
    fn fold_tail(&mut self) {
        if size_of::<T>() == 0 || self.full.is_full() {
            return;
        }
        match <[T; PIECE]>::try_from(std::mem::take(&mut self.tail)) {
            Ok(piece) => self.full.push(Arc::new(piece)),
            Err(tail) => self.tail = tail,
        }
    }

    /// Takes the last piece apart where nothing is behind it.
    fn unfold_tail(&mut self) {
        if self.tail.is_empty()
            && let Some(piece) = self.full.pop()
        {
            self.tail = Arc::unwrap_or_clone(piece).into();
        }
    }

    /// Takes out an element.
    pub(super) fn remove(&mut self, at: usize) -> Option<T> {
        if at >= self.len() {
            return None;
        }
        self.unfold_tail();
        if let Some(behind) = at.checked_sub(self.in_pieces()) {
            return Some(self.tail.remove(behind));
        }
        let mut carried = self.tail.remove(0);
        for (index, piece) in self.full.iter_mut().enumerate().skip(at / PIECE).rev() {
            let start = if index == at / PIECE { at % PIECE } else { 0 };
            if let Some(moved) = Arc::make_mut(piece).get_mut(start..) {
                moved.rotate_left(1);
                if let Some(slot) = moved.last_mut() {
                    std::mem::swap(slot, &mut carried);
                }
            }
        }
        Some(carried)
    }

    /// Takes away the elements from a position on.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        let mut right = Self::default();
        right.append(self, at);
        while self.len() > at {
            self.unfold_tail();
            self.tail.truncate(at.saturating_sub(self.in_pieces()));
        }
        self.tail.shrink_to_fit();
        right
    }

    /// Appends the elements of another from a position on.
    pub(super) fn append(&mut self, other: &Self, from: usize) {
        for item in other.iter().skip(from) {
            self.push(item.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn holds<T: Clone + PartialEq + std::fmt::Debug>(run: &Run<T>, model: &[T]) -> Result<(), TestCaseError> {
        prop_assert_eq!(run.len(), model.len());
        prop_assert_eq!(run.iter().cloned().collect::<Vec<_>>(), model);
        for at in 0..=model.len() {
            prop_assert_eq!(run.get(at), model.get(at));
        }
        Ok(())
    }

    /// What may be done, with a number that is scaled to a position.
    #[derive(Clone, Debug)]
    enum Step {
        Insert(usize),
        Push,
        Remove(usize),
        Replace(usize),
        Split(usize),
        Join,
        Copy,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => any::<usize>().prop_map(Step::Insert),
            3 => Just(Step::Push),
            3 => any::<usize>().prop_map(Step::Remove),
            2 => any::<usize>().prop_map(Step::Replace),
            1 => any::<usize>().prop_map(Step::Split),
            1 => Just(Step::Join),
            1 => Just(Step::Copy),
        ];
        prop::collection::vec(step, 1..200)
    }

    /// Does the steps on a run and on a vector; copies taken meanwhile must stay as they were.
    fn agrees<T: Clone + PartialEq + std::fmt::Debug>(
        steps: Vec<Step>,
        item: fn(usize) -> T,
    ) -> Result<(), TestCaseError> {
        let (mut run, mut model) = (Run::default(), Vec::new());
        let (mut rest, mut rest_model) = (Run::default(), Vec::new());
        let mut copies = Vec::new();
        for (count, step) in steps.into_iter().enumerate() {
            let item = item(count);
            match step {
                Step::Insert(at) if model.len() <= MAX => {
                    let at = at % (model.len() + 1);
                    run.insert(at, item.clone());
                    model.insert(at, item);
                }
                Step::Push if model.len() <= MAX => {
                    run.push(item.clone());
                    model.push(item);
                }
                Step::Remove(at) if !model.is_empty() => {
                    let at = at % model.len();
                    prop_assert_eq!(run.remove(at), Some(model.remove(at)));
                }
                Step::Replace(at) if !model.is_empty() => {
                    let at = at % model.len();
                    *run.get_mut(at).unwrap() = item.clone();
                    model[at] = item;
                }
                Step::Split(at) => {
                    let at = at % (model.len() + 1);
                    (rest, rest_model) = (run.split_off(at), model.split_off(at));
                }
                Step::Join if model.len() + rest_model.len() <= MAX => {
                    run.append(&rest, 0);
                    model.extend_from_slice(&rest_model);
                }
                Step::Copy => copies.push((run.clone(), model.clone())),
                _ => {}
            }
            holds(&run, &model)?;
            holds(&rest, &rest_model)?;
        }
        prop_assert_eq!(run.remove(model.len()), None);
        copies.iter().try_for_each(|(run, model)| holds(run, model))
    }

    proptest! {
        #[test]
        fn behaves_like_a_vector(steps in steps()) {
            agrees(steps, |count| count)?;
        }

        #[test]
        fn behaves_like_a_vector_of_what_has_no_size(steps in steps()) {
            agrees(steps, |_| ())?;
        }
    }
}
