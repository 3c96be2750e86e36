//! What people see and do, in a real browser on the real stack.

mod driver;
