//! What people see and do, in a real browser on the real stack.

mod fixture;

mod driver;
mod example_host;
mod hand_off;
mod settings_account;
mod settings_company;
mod settings_trouble;
mod withdrawn;
