//! The hot functions, as bare Node-API callbacks: no other file of the project
//! holds unsafe code.
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
//!   [`attach`]; the typed arrays are held by strong references, so their
//!   memory stays. It could only go if JavaScript detached it, and the arrays
//!   are private to `driver/native/crossing.ts`, which does not. JavaScript does
//!   not run while a callback runs, so nobody else reads or writes meanwhile;
//!   memory shared between threads is refused.
//! * No callback calls JavaScript while it borrows anything.
//! * No panic leaves a callback: each runs inside `catch_unwind`.

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

use napi::bindgen_prelude::Object;
use napi::sys;

use super::channel::Channel;
use super::handle::Handle;
use super::pack::PackedText;
use super::params::{self, Failure};
use super::state::Environment;
use crate::error::{Error, ErrorCode, Result};

type Shared<T> = Rc<RefCell<T>>;

/// What the functions of one channel share.
struct Connection {
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

/// A `Float64Array` of JavaScript that stays where it is.
struct SharedArray {
    env: sys::napi_env,
    reference: sys::napi_ref,
    data: *mut f64,
    length: usize,
}

impl SharedArray {
    fn as_slice(&self) -> &[f64] {
        // SAFETY: see the head of this file: the memory is alive, aligned, of
        // that length, and not written to meanwhile.
        unsafe { std::slice::from_raw_parts(self.data, self.length) }
    }

    fn overlaps(&self, other: &Self) -> bool {
        let (this, other) = (self.as_slice().as_ptr_range(), other.as_slice().as_ptr_range());
        this.start < other.end && other.start < this.end
    }

    fn as_mut_slice(&mut self) -> &mut [f64] {
        // SAFETY: as above; and `attach` has made sure that no other
        // `SharedArray` of the connection has the same memory.
        unsafe { std::slice::from_raw_parts_mut(self.data, self.length) }
    }
}

impl Drop for SharedArray {
    fn drop(&mut self) {
        // SAFETY: the reference was created in `attach` and is deleted once.
        // Dropped in a callback or a finalizer, hence on the environment's thread.
        // A failure would leave the array alive, which is all there is to say.
        unsafe { sys::napi_delete_reference(self.env, self.reference) };
    }
}

/// An environment during a call of one of its callbacks.
#[derive(Clone, Copy)]
struct Scope {
    env: sys::napi_env,
}

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
    let object = thrown(env, guarded(|| unsafe { channel_object(env.raw()) }))?;
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

/// An object with the hot functions of a new channel.
///
/// # Safety
/// `env` is the environment of the call that is running on this thread.
unsafe fn channel_object(env: sys::napi_env) -> Result<sys::napi_value> {
    let scope = Scope { env };
    // SAFETY: as promised by the caller.
    let channel = Channel::new(unsafe { environment(env) }?);
    let connection = Rc::new(RefCell::new(Connection { channel, buffers: None, text: Vec::new() }));
    let mut object = ptr::null_mut();
    // SAFETY: a valid environment, and a place for the value.
    check(unsafe { sys::napi_create_object(env, &mut object) }, "create an object")?;
    let functions: [(&CStr, sys::napi_callback); 5] = [
        (c"attach", Some(attach)),
        (c"exec", Some(exec)),
        (c"start", Some(start)),
        (c"next", Some(next)),
        (c"closeCursor", Some(close_cursor)),
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

/// The error that stands for a panic.
fn defect(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unknown");
    Error::new(ErrorCode::Internal, format!("A defect of the engine; please report it: {text}"))
}

fn attached(buffers: &mut Option<Buffers>) -> Result<&mut Buffers> {
    buffers.as_mut().ok_or_else(|| misused("used before attach"))
}

fn misused(how: &str) -> Error {
    Error::new(ErrorCode::Internal, format!("The native functions were misused: {how}."))
}

fn check(status: sys::napi_status, what: &str) -> Result<()> {
    if status == sys::Status::napi_ok {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Internal, format!("Node-API could not {what} (status {status}).")))
}

/// Node-API, for one environment. All methods hand it valid places for results;
/// values come from the call at hand, or Node-API refuses them with a status.
impl Scope {
    /// A function that carries a count of the connection, given back when it is collected.
    fn function(
        self,
        name: &CStr,
        callback: sys::napi_callback,
        connection: &Shared<Connection>,
    ) -> Result<sys::napi_value> {
        let data: *mut c_void = Rc::into_raw(connection.clone()).cast_mut().cast();
        let mut function = ptr::null_mut();
        let name = (name.as_ptr(), name.count_bytes() as isize);
        // SAFETY: a name of that length, and a callback that expects such data.
        let created =
            unsafe { sys::napi_create_function(self.env, name.0, name.1, callback, data, &mut function) };
        let held = check(created, "create a function").and_then(|()| {
            // SAFETY: the function was just made, and the finalizer expects such data.
            let status = unsafe {
                sys::napi_add_finalizer(
                    self.env,
                    function,
                    data,
                    Some(drop_connection),
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            };
            check(status, "watch a function")
        });
        if let Err(error) = held {
            // SAFETY: there is no finalizer; the function, if any, is dropped unseen.
            drop(unsafe { Rc::from_raw(data.cast::<RefCell<Connection>>().cast_const()) });
            return Err(error);
        }
        Ok(function)
    }

    fn undefined(self) -> Result<sys::napi_value> {
        let mut value = ptr::null_mut();
        // SAFETY: see above.
        check(unsafe { sys::napi_get_undefined(self.env, &mut value) }, "make undefined")?;
        Ok(value)
    }

    fn handle(self, value: sys::napi_value) -> Result<Handle> {
        let mut number = 0.0;
        // SAFETY: see above.
        check(
            unsafe { sys::napi_get_value_double(self.env, value, &mut number) },
            "read a handle, which is a number",
        )?;
        Ok(Handle::from_number(number))
    }

    /// A typed array that will be used as long as the result lives.
    fn shared_array(self, value: sys::napi_value) -> Result<SharedArray> {
        let mut kind = 0;
        let mut length = 0;
        let mut data = ptr::null_mut();
        let mut memory = ptr::null_mut();
        let mut offset = 0;
        // SAFETY: see above.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                self.env,
                value,
                &mut kind,
                &mut length,
                &mut data,
                &mut memory,
                &mut offset,
            )
        };
        check(status, "read a typed array")?;
        let mut unshared = false;
        // SAFETY: see above. False for memory shared between threads.
        let status = unsafe { sys::napi_is_arraybuffer(self.env, memory, &mut unshared) };
        check(status, "read the memory of a typed array")?;
        if kind != sys::TypedarrayType::float64_array || !unshared || length == 0 || data.is_null() {
            return Err(misused("a buffer is a Float64Array with memory of its own"));
        }
        let mut reference = ptr::null_mut();
        // SAFETY: see above; a strong reference.
        let status = unsafe { sys::napi_create_reference(self.env, value, 1, &mut reference) };
        check(status, "refer to a typed array")?;
        Ok(SharedArray { env: self.env, reference, data: data.cast(), length })
    }

    /// Reads the first `length` UTF-16 units of a text into `units`, whose memory is used again.
    fn read_text(self, value: sys::napi_value, length: usize, units: &mut Vec<u16>) -> Result<()> {
        const LARGEST_KEPT: usize = 1 << 20;
        units.clear();
        units.shrink_to(LARGEST_KEPT);
        if length == 0 {
            return Ok(());
        }
        let room = length.saturating_add(1);
        units.try_reserve(room).map_err(|_| misused("no memory for the text of parameters"))?;
        let mut written = 0;
        // SAFETY: `room` units of memory, of which the last written becomes a zero.
        let status = unsafe {
            sys::napi_get_value_string_utf16(self.env, value, units.as_mut_ptr(), room, &mut written)
        };
        check(status, "read a text")?;
        // SAFETY: so many units were written, fewer than there is room for.
        unsafe { units.set_len(written) };
        Ok(())
    }

    fn text(self, text: PackedText<'_>) -> Result<sys::napi_value> {
        let mut value = ptr::null_mut();
        // SAFETY: memory of that length, which Node-API copies.
        let status = unsafe {
            match text {
                PackedText::Latin1(bytes) => sys::napi_create_string_latin1(
                    self.env,
                    bytes.as_ptr().cast::<c_char>(),
                    bytes.len() as isize,
                    &mut value,
                ),
                PackedText::Wide(units) => {
                    sys::napi_create_string_utf16(self.env, units.as_ptr(), units.len() as isize, &mut value)
                }
            }
        };
        check(status, "make the text of the rows")?;
        Ok(value)
    }

    fn utf8(self, text: &str) -> Result<sys::napi_value> {
        let mut value = ptr::null_mut();
        let (data, length) = (text.as_ptr().cast::<c_char>(), text.len() as isize);
        // SAFETY: memory of that length, which Node-API copies.
        let status = unsafe { sys::napi_create_string_utf8(self.env, data, length, &mut value) };
        check(status, "make a text")?;
        Ok(value)
    }

    fn set(self, object: sys::napi_value, name: &CStr, value: sys::napi_value) -> Result<()> {
        // SAFETY: a name that ends with zero.
        let status = unsafe { sys::napi_set_named_property(self.env, object, name.as_ptr(), value) };
        check(status, "set a property")
    }

    /// Throws an error as [`Self::error`] makes it.
    fn throw(self, error: &Error, parameter: Option<usize>) -> Result<sys::napi_value> {
        let thrown = self.error(error, parameter)?;
        // SAFETY: see above.
        check(unsafe { sys::napi_throw(self.env, thrown) }, "throw an error")?;
        Ok(ptr::null_mut())
    }

    /// An error with all that is known of it; `parameter` is the one that it is about.
    fn error(self, error: &Error, parameter: Option<usize>) -> Result<sys::napi_value> {
        let code = self.utf8(error.code.as_str())?;
        let message = self.utf8(&error.message)?;
        let mut object = ptr::null_mut();
        // SAFETY: see above.
        let status = unsafe { sys::napi_create_error(self.env, code, message, &mut object) };
        check(status, "make an error")?;
        if let Some(collection) = &error.collection {
            self.set(object, c"collection", self.utf8(collection)?)?;
        }
        if let Some(constraint) = &error.constraint {
            self.set(object, c"constraint", self.utf8(constraint)?)?;
        }
        if !error.fields.is_empty() {
            self.set(object, c"fields", self.texts(&error.fields)?)?;
        }
        if let Some(key) = &error.key {
            self.set(object, c"key", self.utf8(key)?)?;
        }
        if let Some(parameter) = parameter {
            let mut number = ptr::null_mut();
            // SAFETY: see above.
            let status = unsafe { sys::napi_create_double(self.env, parameter as f64, &mut number) };
            check(status, "make a number")?;
            self.set(object, c"parameter", number)?;
        }
        Ok(object)
    }

    fn texts(self, texts: &[String]) -> Result<sys::napi_value> {
        let mut array = ptr::null_mut();
        // SAFETY: see above.
        let status = unsafe { sys::napi_create_array_with_length(self.env, texts.len(), &mut array) };
        check(status, "make an array")?;
        for (i, text) in (0..).zip(texts) {
            // SAFETY: see above.
            let status = unsafe { sys::napi_set_element(self.env, array, i, self.utf8(text)?) };
            check(status, "fill an array")?;
        }
        Ok(array)
    }
}

/// Gives back the count that a collected function held.
unsafe extern "C" fn drop_connection(_: sys::napi_env, data: *mut c_void, _: *mut c_void) {
    // SAFETY: the count that `Scope::function` turned raw.
    let connection = unsafe { Rc::from_raw(data.cast::<RefCell<Connection>>().cast_const()) };
    // There is nobody to tell of a panic.
    drop(catch_unwind(AssertUnwindSafe(|| drop(connection))));
}
