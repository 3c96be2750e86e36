//! Whether access is allowed, asked in the words of the `AuthZEN` Authorization API 1.0: a subject (a user), an action
//! (`sync`) and a resource (a permission of an account). What is answered is what `effective` says, and why.
//!
//! 1. [`entities`]: what subjects, actions, resources and requests look like.
//! 2. [`asked`]: what of it is known here, and which account it is about.
//! 3. [`decision`]: the decision about one of them, from the view.
//! 4. [`evaluate`]: one evaluation, or many in one request. [`search`]: who may, what may be done, and with what.
//! 5. [`page`]: where a page of a search ended.

pub(crate) mod asked;
pub(crate) mod decision;
pub(crate) mod entities;
pub(crate) mod evaluate;
mod page;
pub(crate) mod search;
