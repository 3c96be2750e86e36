//! What is true about consent, and when: the rules of the product.
//!
//! A company (an *account* of the host application) decides how its users give consent
//! to Microsoft 365. Four events say everything that ever happened; from them follow the
//! state of the account, the state of each user, and what may be done for a user now.
//!
//! Everything here is pure and synchronous: no clock, no randomness, no I/O, no
//! serialisation. Facts are looked up first and handed in.
//!
//! Read it in this order:
//!
//! 1. [`ids`], [`permissions`] and [`mode`]: the words.
//! 2. [`event`]: the four events, and nothing else is ever recorded.
//! 3. [`account`] and [`user`]: `evolve`, how an event changes what is known.
//! 4. [`effective`]: what the host application may do for a user now.
//! 5. [`refusal`] and [`decide`]: what may happen, one file for each command.
//! 6. [`login`]: the decision at a login.
//! 7. [`explanation`]: which events made each permission what it is.

pub mod account;
pub mod decide;
pub mod effective;
pub mod event;
pub mod explanation;
pub mod ids;
pub mod login;
pub mod mode;
pub mod permissions;
pub mod refusal;
pub mod user;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod samples;
