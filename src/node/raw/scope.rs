//! Node-API during a call, and the memory shared with it.

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

use napi::sys;

use super::callbacks::Connection;
use super::{Shared, misused};
use crate::error::{Error, ErrorCode, Result};
use crate::node::handle::Handle;
use crate::node::pack::PackedText;

/// A `Float64Array` of JavaScript that stays where it is.
pub(super) struct SharedArray {
    env: sys::napi_env,
    reference: sys::napi_ref,
    data: *mut f64,
    length: usize,
}

impl SharedArray {
    pub(super) fn as_slice(&self) -> &[f64] {
        // SAFETY: see the head of this file: the memory is alive, aligned, of
        // that length, and not written to meanwhile.
        unsafe { std::slice::from_raw_parts(self.data, self.length) }
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let (this, other) = (self.as_slice().as_ptr_range(), other.as_slice().as_ptr_range());
        this.start < other.end && other.start < this.end
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [f64] {
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
pub(super) struct Scope {
    pub(super) env: sys::napi_env,
}

pub(super) fn check(status: sys::napi_status, what: &str) -> Result<()> {
    if status == sys::Status::napi_ok {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Internal, format!("Node-API could not {what} (status {status}).")))
}

/// Node-API, for one environment. All methods hand it valid places for results;
/// values come from the call at hand, or Node-API refuses them with a status.
impl Scope {
    /// A function that carries a count of the connection, given back when it is collected.
    pub(super) fn function(
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

    pub(super) fn undefined(self) -> Result<sys::napi_value> {
        let mut value = ptr::null_mut();
        // SAFETY: see above.
        check(unsafe { sys::napi_get_undefined(self.env, &mut value) }, "make undefined")?;
        Ok(value)
    }

    pub(super) fn handle(self, value: sys::napi_value) -> Result<Handle> {
        self.read_number(value).map(Handle::from_number)
    }

    pub(super) fn read_number(self, value: sys::napi_value) -> Result<f64> {
        let mut number = 0.0;
        // SAFETY: see above.
        check(unsafe { sys::napi_get_value_double(self.env, value, &mut number) }, "read a number")?;
        Ok(number)
    }

    pub(super) fn read_bool(self, value: sys::napi_value) -> Result<bool> {
        let mut truth = false;
        // SAFETY: see above.
        check(unsafe { sys::napi_get_value_bool(self.env, value, &mut truth) }, "read a boolean")?;
        Ok(truth)
    }

    pub(super) fn number(self, number: f64) -> Result<sys::napi_value> {
        let mut value = ptr::null_mut();
        // SAFETY: see above.
        check(unsafe { sys::napi_create_double(self.env, number, &mut value) }, "make a number")?;
        Ok(value)
    }

    /// A typed array that will be used as long as the result lives.
    pub(super) fn shared_array(self, value: sys::napi_value) -> Result<SharedArray> {
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
    pub(super) fn read_text(self, value: sys::napi_value, length: usize, units: &mut Vec<u16>) -> Result<()> {
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

    pub(super) fn text(self, text: PackedText<'_>) -> Result<sys::napi_value> {
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

    pub(super) fn set(self, object: sys::napi_value, name: &CStr, value: sys::napi_value) -> Result<()> {
        // SAFETY: a name that ends with zero.
        let status = unsafe { sys::napi_set_named_property(self.env, object, name.as_ptr(), value) };
        check(status, "set a property")
    }

    /// Throws an error as [`Self::error`] makes it.
    pub(super) fn throw(self, error: &Error, parameter: Option<usize>) -> Result<sys::napi_value> {
        let thrown = self.error(error, parameter)?;
        // SAFETY: see above.
        check(unsafe { sys::napi_throw(self.env, thrown) }, "throw an error")?;
        Ok(ptr::null_mut())
    }

    /// An error with all that is known of it; `parameter` is the one that it is about.
    pub(super) fn error(self, error: &Error, parameter: Option<usize>) -> Result<sys::napi_value> {
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
            self.set(object, c"parameter", self.number(parameter as f64)?)?;
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
