//! Logs for the tests.
