//! The functions of a channel.

use std::cell::RefCell;
use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

use napi::sys;

use super::scope::{Scope, SharedArray, check};
use super::{defect, environment, misused};
use crate::error::Result;
use crate::node::channel::Channel;
use crate::node::params;
use crate::store::SavepointId;

/// What the functions of one channel share.
pub(super) struct Connection {
    channel: Channel,
    buffers: Option<Buffers>,
    /// The text of the parameters of the call at hand; kept for its memory.
    text: Vec<u16>,
}

/// The two arrays that a channel reads from and writes to.
struct Buffers {
    input: SharedArray,
    output: SharedArray,
}

/// An object with the hot functions of a new channel.
///
/// # Safety
/// `env` is the environment of the call that is running on this thread.
pub(super) unsafe fn channel_object(env: sys::napi_env) -> Result<sys::napi_value> {
    let scope = Scope { env };
    // SAFETY: as promised by the caller.
    let channel = Channel::new(unsafe { environment(env) }?);
    let connection = Rc::new(RefCell::new(Connection { channel, buffers: None, text: Vec::new() }));
    let mut object = ptr::null_mut();
    // SAFETY: a valid environment, and a place for the value.
    check(unsafe { sys::napi_create_object(env, &mut object) }, "create an object")?;
    let functions: [(&CStr, sys::napi_callback); 11] = [
        (c"attach", Some(attach)),
        (c"exec", Some(exec)),
        (c"start", Some(start)),
        (c"next", Some(next)),
        (c"closeCursor", Some(close_cursor)),
        (c"begin", Some(begin)),
        (c"commit", Some(commit)),
        (c"rollback", Some(rollback)),
        (c"savepoint", Some(savepoint)),
        (c"rollbackTo", Some(rollback_to)),
        (c"release", Some(release)),
    ];
    for (name, callback) in functions {
        let function = scope.function(name, callback, &connection)?;
        scope.set(object, name, function)?;
    }
    Ok(object)
}

/// `attach(input, output)`: which arrays to use from now on.
unsafe extern "C" fn attach(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by Node-API for a function made in `connect`.
    unsafe {
        call(env, info, |scope, connection, [input, output, _]| {
            let buffers = Buffers { input: scope.shared_array(input)?, output: scope.shared_array(output)? };
            if buffers.input.overlaps(&buffers.output) {
                return Err(misused("the input and the output array share their memory"));
            }
            connection.buffers = Some(buffers);
            scope.undefined()
        })
    }
}

/// `exec(session, plan, text)`: runs a plan, packs the first chunk of its rows.
unsafe extern "C" fn exec(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by Node-API for a function made in `connect`.
    unsafe { run(env, info, false) }
}

/// `start(session, plan, text)`: as `exec`, but one that takes too long only gets as far as a cursor for `runAside`.
unsafe extern "C" fn start(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by Node-API for a function made in `connect`.
    unsafe { run(env, info, true) }
}

/// Runs a plan.
///
/// # Safety
/// Only for callbacks that [`Scope::function`] was given.
unsafe fn run(env: sys::napi_env, info: sys::napi_callback_info, patient: bool) -> sys::napi_value {
    // SAFETY: as promised by the caller.
    unsafe {
        call(env, info, |scope, connection, [session, plan, text]| {
            let Connection { channel, buffers, text: units } = connection;
            let Buffers { input, output } = attached(buffers)?;
            let session = scope.handle(session)?;
            let plan = scope.handle(plan)?;
            let input = input.as_slice();
            scope.read_text(text, params::text_length(input), units)?;
            match channel.exec(session, plan, input, units, output.as_mut_slice(), patient) {
                Ok(text) => scope.text(text),
                Err(failure) => scope.throw(&failure.error, failure.parameter),
            }
        })
    }
}

/// `next(cursor)`: packs the next chunk.
unsafe extern "C" fn next(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by Node-API for a function made in `connect`.
    unsafe {
        call(env, info, |scope, connection, [cursor, ..]| {
            let Connection { channel, buffers, .. } = connection;
            let output = &mut attached(buffers)?.output;
            scope.text(channel.next(scope.handle(cursor)?, output.as_mut_slice())?)
        })
    }
}

/// `closeCursor(cursor)`: lets go of the rows that were not read.
unsafe extern "C" fn close_cursor(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by Node-API for a function made in `connect`.
    unsafe {
        call(env, info, |scope, connection, [cursor, ..]| {
            connection.channel.close_cursor(scope.handle(cursor)?)?;
            scope.undefined()
        })
    }
}

/// `begin(store, mode, attempts)`: begins a transaction, or the next of several attempts at one; gives its handle.
unsafe extern "C" fn begin(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by Node-API for a function made in `connect`.
    unsafe {
        call(env, info, |scope, connection, [store, mode, attempts]| {
            let (store, attempts) = (scope.handle(store)?, scope.handle(attempts)?);
            let begun = connection.channel.begin(store, scope.read_number(mode)? as u32, attempts)?;
            scope.number(begun.to_number())
        })
    }
}

/// `commit(transaction, patient)`: commits; gives the number of the version, or -1 where that is for `commitAside`.
unsafe extern "C" fn commit(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by Node-API for a function made in `connect`.
    unsafe {
        call(env, info, |scope, connection, [transaction, patient, _]| {
            let transaction = scope.handle(transaction)?;
            let sequence = connection.channel.commit(transaction, scope.read_bool(patient)?)?;
            scope.number(sequence.map_or(-1.0, |sequence| sequence as f64))
        })
    }
}

/// `rollback(transaction)`: rolls back.
unsafe extern "C" fn rollback(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by Node-API for a function made in `connect`.
    unsafe {
        call(env, info, |scope, connection, [transaction, ..]| {
            connection.channel.rollback(scope.handle(transaction)?)?;
            scope.undefined()
        })
    }
}

/// `savepoint(transaction, readOnly)`: sets a savepoint and gives its number.
unsafe extern "C" fn savepoint(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by Node-API for a function made in `connect`.
    unsafe {
        call(env, info, |scope, connection, [transaction, read_only, _]| {
            let transaction = scope.handle(transaction)?;
            let savepoint = connection.channel.savepoint(transaction, scope.read_bool(read_only)?)?;
            scope.number(savepoint.0 as f64)
        })
    }
}

/// `rollbackTo(transaction, savepoint)`: goes back to a savepoint.
unsafe extern "C" fn rollback_to(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by Node-API for a function made in `connect`.
    unsafe {
        call(env, info, |scope, connection, [transaction, savepoint, _]| {
            let savepoint = SavepointId(scope.read_number(savepoint)? as u64);
            connection.channel.rollback_to(scope.handle(transaction)?, savepoint)?;
            scope.undefined()
        })
    }
}

/// `release(transaction, savepoint)`: ends a savepoint.
unsafe extern "C" fn release(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by Node-API for a function made in `connect`.
    unsafe {
        call(env, info, |scope, connection, [transaction, savepoint, _]| {
            let savepoint = SavepointId(scope.read_number(savepoint)? as u64);
            connection.channel.release(scope.handle(transaction)?, savepoint)?;
            scope.undefined()
        })
    }
}

/// What every callback does around its body: arguments, connection, errors and panics.
///
/// # Safety
/// Only for callbacks that [`Scope::function`] was given.
unsafe fn call(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    body: impl FnOnce(Scope, &mut Connection, [sys::napi_value; 3]) -> Result<sys::napi_value>,
) -> sys::napi_value {
    let scope = Scope { env };
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut arguments = [ptr::null_mut(); 3];
        let mut count = arguments.len();
        let mut data = ptr::null_mut();
        // SAFETY: room for as many arguments as `count` says; the rest is filled with `undefined`.
        let status = unsafe {
            sys::napi_get_cb_info(env, info, &mut count, arguments.as_mut_ptr(), ptr::null_mut(), &mut data)
        };
        check(status, "read the arguments")?;
        // SAFETY: `Scope::function` made the data of such a pointer, and the
        // function, which is being called, still holds its count.
        let connection = unsafe { &*data.cast::<RefCell<Connection>>().cast_const() };
        let mut connection = connection.try_borrow_mut().map_err(|_| misused("re-entered"))?;
        body(scope, &mut connection, arguments)
    }));
    let thrown = match result {
        Ok(Ok(value)) => return value,
        Ok(Err(error)) => scope.throw(&error, None),
        Err(panic) => scope.throw(&defect(panic.as_ref()), None),
    };
    // Not even an error could be made: the environment is ending.
    thrown.unwrap_or(ptr::null_mut())
}

fn attached(buffers: &mut Option<Buffers>) -> Result<&mut Buffers> {
    buffers.as_mut().ok_or_else(|| misused("used before attach"))
}
