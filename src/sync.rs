//! Locks and atomics that threads meet at. With the feature `shuttle` a model
//! stands in for them, which decides at each who goes on.

#[cfg(feature = "shuttle")]
pub use shuttle::sync::atomic;
#[cfg(feature = "shuttle")]
pub use shuttle_parking_lot::{Mutex, MutexGuard, RwLock};

#[cfg(not(feature = "shuttle"))]
pub use parking_lot::{Mutex, MutexGuard, RwLock};
#[cfg(not(feature = "shuttle"))]
pub use std::sync::atomic;
