//! The pages of the settings, over plain HTTP.

mod bad_forms;
mod sessions;
