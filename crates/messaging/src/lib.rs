//! The NATS layer: everything Assent does with NATS. The event log stands on it.
//!
//! No type of the NATS client appears in a public signature here, so what a service may do with
//! NATS is what this crate offers, and every offer has a deadline.
//!
//! Read in this order:
//!
//! 1. [`connection`]: connecting, knowing whether we are connected, hearing of denied operations.
//!    [`server_certificate`]: how long the server's certificate is good for. `server_choice`: leaving a server of a cluster.
//! 2. [`request`]: asking a service and reading its answer or its error, `answers_of_all`: those of all its
//!    replicas; [`message`]: plain publish and subscribe.
//! 3. [`micro_service`]: answering requests, as a NATS micro service (ADR-32).
//! 4. [`jetstream`]: streams, what they hold, and storing in them.
//! 5. [`bucket`]: a JetStream key-value bucket, compare-and-set.
//! 6. [`changes`]: the derived stream, written exactly once and in order by any number of replicas.

mod answers_of_all;
pub mod bucket;
pub mod changes;
pub mod connection;
mod denials;
pub mod jetstream;
pub mod message;
pub mod micro_service;
mod replies;
pub mod request;
pub mod server_certificate;
mod server_choice;
pub mod server_version;
pub mod settings;

pub use bucket::{
    Bucket, BucketError, BucketOrigin, BucketPage, BucketSettings, BucketSpace, BucketWriter,
    Entry, Room, difference_from_a_bucket,
};
pub use changes::{
    Anew, Change, ChangePublisher, ChangeStream, ChangeStreamError, ChangeStreamSettings, Position,
    PublishChangesError, Published, Stamp, Told,
};
pub use connection::{ConnectError, Connection, ConnectionState, DrainError};
pub use jetstream::{Full, JetStreamError, Storage, StreamState};
pub use message::{Message, Messages, PublishError, SubscribeError};
pub use micro_service::{
    Endpoint, Listening, Request, ServeError, ServiceDefinition, ServiceError, Troubles, listen,
    serve,
};
pub use request::RequestError;
pub use server_certificate::{CertificateError, ServerCertificate, server_certificates};
pub use server_choice::ServerChoice;
pub use server_version::{ServerVersion, ServerVersionError};
pub use settings::ConnectionSettings;
