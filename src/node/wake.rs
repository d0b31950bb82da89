//! Telling JavaScript, from whatever thread, that something it waits for has come to an end.

use std::sync::Arc;

use napi::bindgen_prelude::{FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};

/// What is told: the number of the wait, and how it ended.
pub(super) type Told = FnArgs<(f64, f64)>;

/// A function of JavaScript that any thread may call. It does not keep the
/// process alive: whoever waits does, if they want to.
#[derive(Clone)]
pub(super) struct Waker(Arc<ThreadsafeFunction<Told, (), Told, napi::Status, false, true>>);

impl Waker {
    /// A waker that calls this function.
    pub fn new(function: &Function<'_, Told, ()>) -> napi::Result<Self> {
        let built = function.build_threadsafe_function().callee_handled::<false>().weak::<true>().build()?;
        Ok(Self(Arc::new(built)))
    }

    /// Tells how a wait ended, when JavaScript next has time.
    pub fn tell(&self, wait: u64, how: u8) {
        // Where the environment has ended meanwhile there is nobody left to tell.
        self.0.call((wait as f64, f64::from(how)).into(), ThreadsafeFunctionCallMode::NonBlocking);
    }
}
