//! The wire: how events, queries, commands and changes look to other programs.
//!
//! The domain knows no serialisation, and the wire knows no rules. What is stored is
//! written here as types of its own, so that the domain can change while events of any
//! age stay readable.
//!
//! Events are read strictly. An unknown type, version, field or value makes an event
//! unreadable, because what we don't understand might take a permission away. Answers, changes and
//! commands between our own programs are not: a field that is unknown is ignored, so that services
//! of two versions run side by side.
//!
//! 1. [`names`]: subjects, streams, services.
//! 2. [`values`] and [`allowed`]: the small values that the messages are made of.
//! 3. [`body`]: the JSON bodies of the four events.
//! 4. [`codec`]: a whole event as CloudEvents 1.0 in binary mode, and back.
//! 5. [`event_hash`]: the hash that ties an event to its predecessor.
//! 6. [`structured`]: a stored event as a line of CloudEvents JSON, and back.
//! 7. [`query`], [`command`] and [`change`]: the other messages.
//! 8. [`replica`]: what each projection tells operators of itself, and [`rebuild`]: what they ask of it; [`operation`]:
//!    what operators did.
//! 9. [`custody`]: access tokens, and what the token broker holds.
//! 10. [`problem`]: errors, over NATS as over HTTP.
//! 11. [`store`]: what is kept in JetStream.
//! 12. [`strict`]: how other people's queries are read.
//! 13. [`variables`]: how programs are configured, by name.
//! 14. [`schema`]: the messages described for programs in other languages.
//! 15. [`mod@words`]: what codes, states, reasons and alarms mean, and who can mend what they say;
//!     [`meaning`]: the shape of that.

pub mod allowed;
pub mod body;
pub mod change;
pub mod codec;
pub mod command;
pub mod custody;
pub mod event_hash;
pub mod meaning;
pub mod names;
pub mod operation;
pub mod problem;
pub mod query;
pub mod rebuild;
pub mod replica;
pub mod schema;
pub mod store;
pub mod strict;
pub mod structured;
pub mod values;
pub mod variables;
pub mod words;
