//! Letting go of a lot of data, which takes as long as the data is large.

/// More rows than this are let go in a thread of their own.
const LARGE: usize = 20_000;

/// Drops what may be the last that holds so many rows: where they are many, not
/// in the time of whoever lets go of them.
pub(super) fn dispose<T: Send + 'static>(data: T, rows: usize) {
    if rows < LARGE {
        return drop(data);
    }
    // Where no thread can be had, it is dropped here.
    let thread = std::thread::Builder::new().name("store-drop".to_owned()).spawn(move || drop(data));
    drop(thread);
}
