//! Errors as they cross the border: JavaScript errors with `code`, a message
//! and, where there are some, `recipients`. The package makes its own class of them.

use napi::bindgen_prelude::{JsObjectValue, JsValue};
use napi::{Env, Status};
use plico::{Error, ErrorCode};

/// What a promise is rejected with, or a call throws.
pub(crate) fn thrown(env: &Env, error: &Error) -> napi::Error {
    let make = || {
        let plain = napi::Error::new(Status::GenericFailure, error.to_string());
        let mut object = env.create_error(plain)?;
        object.set_named_property("code", error.code().as_str())?;
        object.set_named_property("recipients", error.recipients().to_vec())?;
        Ok(napi::Error::from(object.to_unknown()))
    };
    make().unwrap_or_else(|failed: napi::Error| failed)
}

/// `INVALID_ARGUMENT` with what is wrong.
pub(crate) fn invalid(what: &str) -> Error {
    Error::new(ErrorCode::InvalidArgument).with_detail(what)
}
