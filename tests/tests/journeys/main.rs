//! Whole journeys through real processes.

mod browser;
mod world;

mod example_host;
mod python_worker;
mod story;
mod visitor;

mod administrator_consent;
mod brand;
mod callbacks;
mod clouds;
mod credentials;
mod hand_off;
mod identity_proofs;
mod known_before_asked;
mod mailboxes;
mod own_consent;
mod redirects;

mod bad_forms;
mod bad_input;
mod bad_messages;
mod callers;

mod crashes;
mod microsoft_away;
mod outage;
mod racing;
mod refusals;

mod processes;
mod secrets;
mod sessions;
