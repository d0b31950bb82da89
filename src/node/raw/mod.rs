//! The hot functions ([`callbacks`]), as bare Node-API callbacks: no other folder of
//! the project holds unsafe code.
//!
//! A generated binding costs 90 to 240 ns a call before it does anything, a
//! bare callback 14. What makes the unsafe parts sound is gathered here:
//!
//! * An environment (`napi_env`) belongs to one thread, and callbacks and
//!   finalizers are only called on it. Nothing here is shared between
//!   threads: each environment has an [`Environment`] of its own, in its
//!   instance data, not in a static or thread-local.
//! * Every value handed to JavaScript as a data pointer is an `Rc` turned raw,
//!   with one strong count per pointer, given back by the finalizer of what
//!   carries the pointer. So a callback can never outlive its data.
//! * The buffers shared with JavaScript are reached through pointers taken in
//!   `attach`; the typed arrays are held by strong references, so their
//!   memory stays. It could only go if JavaScript detached it, and the arrays
//!   are private to `driver/native/crossing.ts`, which does not. JavaScript does
//!   not run while a callback runs, so nobody else reads or writes meanwhile;
//!   memory shared between threads is refused.
//! * No callback calls JavaScript while it borrows anything.
//! * No panic leaves a callback: each runs inside `catch_unwind`.

mod callbacks;
mod scope;

use std::cell::RefCell;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

use napi::bindgen_prelude::Object;
use napi::sys;

use super::params::Failure;
use super::state::Environment;
use crate::error::{Error, ErrorCode, Result};
use scope::{Scope, check};

type Shared<T> = Rc<RefCell<T>>;

/// Runs the body of a generated function with the state of its environment;
/// errors and panics are thrown as those of the callbacks are.
pub(super) fn with_environment<T>(
    env: &napi::Env,
    body: impl FnOnce(&mut Environment) -> Result<T>,
) -> napi::Result<T> {
    thrown(env, in_environment(env, body))
}

/// As [`with_environment`], for what settles a promise: errors and panics are
/// what it is rejected with.
pub(super) fn settled<T, E: Into<Failure> + From<Error>>(
    env: &napi::Env,
    body: impl FnOnce(&mut Environment) -> std::result::Result<T, E>,
) -> napi::Result<T> {
    in_environment(env, body).map_err(|error| {
        let Failure { error, parameter } = error.into();
        match (Scope { env: env.raw() }.error(&error, parameter)) {
            // SAFETY: a value that was just made in this environment.
            Ok(object) => unsafe { napi::Unknown::from_raw_unchecked(env.raw(), object) }.into(),
            Err(_) => napi::Error::new(napi::Status::GenericFailure, error.message),
        }
    })
}

fn in_environment<T, E: From<Error>>(
    env: &napi::Env,
    body: impl FnOnce(&mut Environment) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    guarded(|| {
        // SAFETY: an `Env` is only given to functions that are being called.
        let environment = unsafe { environment(env.raw()) }?;
        let mut environment = environment.try_borrow_mut().map_err(|_| misused("re-entered"))?;
        body(&mut environment)
    })
}

/// Turns a panic, which must not get as far as the runtime, into an error.
pub(super) fn guarded<T, E: From<Error>>(
    body: impl FnOnce() -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(defect(panic.as_ref()).into()))
}

/// Makes a channel: an object with the hot functions.
pub(super) fn connect(env: &napi::Env) -> napi::Result<Object<'static>> {
    // SAFETY: an `Env` is only given to functions that are being called.
    let object = thrown(env, guarded(|| unsafe { callbacks::channel_object(env.raw()) }))?;
    Ok(Object::from_raw(env.raw(), object))
}

/// The result, or its error thrown with all that is known of it.
fn thrown<T>(env: &napi::Env, result: Result<T>) -> napi::Result<T> {
    result.map_err(|error| {
        // A pending exception goes before the error returned here. Where it
        // could not be thrown, that error at least says what happened.
        drop(Scope { env: env.raw() }.throw(&error, None));
        napi::Error::new(napi::Status::PendingException, error.message)
    })
}

/// The state of an environment; made when it is first asked for.
///
/// # Safety
/// `env` is the environment of the call that is running on this thread.
unsafe fn environment(env: sys::napi_env) -> Result<Shared<Environment>> {
    let mut data = ptr::null_mut();
    // SAFETY: a valid environment, and a place for the pointer.
    check(unsafe { sys::napi_get_instance_data(env, &mut data) }, "read the instance data")?;
    if !data.is_null() {
        let environment = data.cast::<RefCell<Environment>>().cast_const();
        // SAFETY: nothing else sets instance data of this module, so the
        // pointer is one that was made below, and its own count is still there.
        return Ok(unsafe {
            Rc::increment_strong_count(environment);
            Rc::from_raw(environment)
        });
    }
    let environment = Rc::new(RefCell::new(Environment::new()));
    let data = Rc::into_raw(environment.clone()).cast_mut().cast();
    // SAFETY: the finalizer gives back the count that was turned raw.
    let status = unsafe { sys::napi_set_instance_data(env, data, Some(end_environment), ptr::null_mut()) };
    if let Err(error) = check(status, "set the instance data") {
        // SAFETY: the environment did not take the pointer.
        drop(unsafe { Rc::from_raw(data.cast::<RefCell<Environment>>().cast_const()) });
        return Err(error);
    }
    Ok(environment)
}

/// The end of an environment: of the process, or of a worker thread in the
/// middle of whatever it did. Channels may live a little longer, so what is
/// open is closed here rather than by the last count.
unsafe extern "C" fn end_environment(_: sys::napi_env, data: *mut c_void, _: *mut c_void) {
    // SAFETY: the count that `environment` turned raw.
    let environment = unsafe { Rc::from_raw(data.cast::<RefCell<Environment>>().cast_const()) };
    let ended = catch_unwind(AssertUnwindSafe(|| {
        if let Ok(mut environment) = environment.try_borrow_mut() {
            environment.clear();
        }
    }));
    // There is nobody left to tell.
    drop(ended);
}

/// The error that stands for a panic.
fn defect(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unknown");
    Error::new(ErrorCode::Internal, format!("A defect of the engine; please report it: {text}"))
}

fn misused(how: &str) -> Error {
    Error::new(ErrorCode::Internal, format!("The native functions were misused: {how}."))
}
