//! Building the view anew because an operator asked for it, while the one that there is goes on being served and written.
//!
//! 1. `order` is what was asked for, kept in the data directory until it is done: whoever is killed goes on with it.
//! 2. `command` is how it is asked for; `rebuilds` takes orders, one at a time, and tells how the one is that is under way.
//! 3. `turn`: whoever holds it is the only one to change the view that is served.
//! 4. `whole_view` builds, compares and swaps; `one_account` folds one account and its users anew. `rebuilder` does either,
//!    beside following the log.
//! 5. `ended` is why one ended; `report` puts what was found into words.

mod command;
mod ended;
mod log_reader;
mod one_account;
mod order;
mod rebuilder;
mod rebuilds;
mod report;
mod turn;
mod whole_view;

pub(crate) use command::endpoint;
pub(crate) use rebuilder::Rebuilder;
pub(crate) use rebuilds::Rebuilds;
pub(crate) use turn::Turn;
