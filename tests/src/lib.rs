//! Whole journeys: every program as a process of its own, a real nats-server between them, a simulated Microsoft in
//! front; and the tests that hold the architecture.
//!
//! `tests/journeys` is one binary. Each of its tests starts a stack of its own and plays on it with the actors of
//! `assent-dev-stack`, by the public interfaces only. `tests/architecture` looks at the manifests and the source.
//!
//! The journeys of people through pages, in a real browser, are a package of their own in `browser`.
//!
//! The programs have to be built first: `cargo build --workspace --bins`, which `cargo xtask test` does.
