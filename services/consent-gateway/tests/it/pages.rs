//! The pages of the settings, over plain HTTP.

mod bad_forms;
mod long_history;
mod sessions;
