//! Whether a signed-in person may have what a request asks for, and what their consent changes.

pub(crate) mod admin;
mod code;
pub(crate) mod user;

pub(crate) use code::issue_code;
