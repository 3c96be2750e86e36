//! The login hook: the host application asks it at every login what to do about
//! Microsoft 365 permissions, and it answers at once, whatever else is down.
//!
//! Two rules shape it. *Logins fail open*: when something needed for the decision can't be
//! reached in time, the answer is to go on, marked as degraded. *Permissions fail closed*:
//! what is not known to be allowed is answered as not allowed.
//!
//! Read in this order:
//!
//! 1. [`app`] puts everything together; [`config`] is what it is told.
//! 2. `http` is who may ask, and how; `answer` is what they get.
//! 3. `decide_login` is the use case: it verifies, asks, decides and acts.
//! 4. `sign_in` and `clouds` say who signed in; `projection` what is known of that user;
//!    `gateway` acts on it; `custody` is where refresh tokens go, once the decision stands;
//!    `offers` the way to one that is lacking. What was found a moment ago is `remembered`.
//! 5. `outage` and `readiness` tell operators what is away.

pub mod app;
pub mod config;

mod answer;
mod http;

mod decide_login;

mod clouds;
mod custody;
mod gateway;
mod offers;
mod projection;
mod remembered;
mod sign_in;
mod whose;

mod login_facts;
mod outage;
mod readiness;
