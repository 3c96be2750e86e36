//! What the consent gateway does, whoever asks and however: one file in [`use_cases`] for each thing that somebody can ask
//! for, and what they work with. No HTTP and no page is known here.
//!
//! Start at [`gateway`], which holds everything together; then [`use_cases`], [`flow`] and [`hand_off`].

pub mod browser;
pub mod clock;
pub mod command_executor;
pub mod custody;
mod custody_status;
pub mod cutoff;
pub mod failure;
pub mod flow;
mod flow_state;
pub mod gateway;
pub mod hand_off;
pub mod kv_store;
pub mod lenient_address;
pub mod limits;
pub mod log_guard;
pub mod log_trouble;
mod long_histories;
pub mod messages;
pub mod names;
pub mod observations;
pub mod reasons;
pub mod return_to;
pub mod rights;
pub mod secrets;
pub mod session;
mod stripes;
pub mod use_cases;
pub mod view;
pub mod views;

#[cfg(test)]
mod test_gateway;
