//! The view: what the log adds up to for every account and user, kept in sled.
//!
//! It is a cache that knows how much of which log it holds. Rows and the cursor are written
//! in one atomic batch, so whatever interrupts a write, the two agree; and a view that is
//! damaged, of another log, or of another version is put aside and built anew, never mended.
//!
//! The rows of a company and of its users are kept apart, and met when they are read: a change
//! of a company's method writes one row, however many users it has.
//!
//! An event that can't be read, or that can't follow what is known, blocks its account or user
//! until a newer program rebuilds the view, or an operator declares void what is no event. Nothing
//! is effective for them; all others go on.
//!
//! Read in this order:
//!
//! 1. [`entry`]: what comes in, and what is told of it.
//! 2. [`projected`]: what is known of an account or a user, and how an entry changes it.
//! 3. [`cursor`]: how much of which log a view holds.
//! 4. [`open`]: from a directory to a [`View`], or to a [`BulkLoad`] where there is none to trust.
//! 5. [`bulk`]: building a view from the whole log. [`apply`]: following the log. [`refold`]:
//!    folding one account or user anew. [`beside`]: building a view anew while this one is read; [`compare`]: what is
//!    different in it, and [`corrections`]: of whom others have to hear that.
//! 6. [`view`]: reading. [`current_changes`]: reading all, as it is told; [`rows`]: as it is kept. [`verify`]: the
//!    digest, and whether the rows are what was written. [`log_check`]: whether the log is still what they were built from.

pub mod entry;
pub mod projected;

pub mod cursor;

mod checksum;
mod key;
mod row;

mod hash_prefixes;

mod directory;
mod home;
mod pass;
mod table;

pub mod open;

mod held;

pub mod bulk;

pub mod apply;

pub mod refold;

pub mod beside;

pub mod compare;

pub mod corrections;

pub mod view;

pub mod current_changes;

pub mod rows;

pub mod verify;

pub mod log_check;

pub use apply::ApplyError;
pub use beside::{Candidate, LoadBeside, NotAdopted};
pub use bulk::{BulkError, BulkLoad};
pub use compare::{Comparison, FieldDifference, NotCompared, RowDifference};
pub use current_changes::ChangesPage;
pub use cursor::{Counts, Cursor, Source};
pub use entry::{AggregateChange, Content, Entry};
pub use home::{OpenError, RebuildReason};
pub use log_check::{LogCheck, LogVerdict};
pub use open::Opened;
pub use projected::{Projected, effective, mailbox};
pub use refold::Refold;
pub use rows::{Row, RowsPage};
pub use table::Damage;
pub use verify::{Digest, DigestAtError, RowsCheck};
pub use view::{Blocked, Page, ReadError, Reading, View};
