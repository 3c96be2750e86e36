//! Whole journeys through real processes.

mod browser;
mod fixture;
mod whose_mailbox;

mod example_host;
mod node_library;
mod other_languages;
mod python_library;
mod python_worker;
mod session_client;
mod story;
mod syncing;

mod a_no_is_final;
mod addresses;
mod administrator_page;
mod administrators_at_once;
mod brand;
mod callbacks;
mod checkpoints;
mod connecting;
mod consent_spreading;
mod credentials;
mod custody;
mod cut_off;
mod dead_end;
mod hand_off;
mod identity_proofs;
mod ids;
mod kills;
mod known_before_asked;
mod linear;
mod lost_log;
mod mailboxes;
mod moved_away;
mod operating;
mod own_consent;
mod proving;
mod rebuilt;
mod redirects;
mod tokens;
mod tokens_judged;
mod tokens_killed;
mod tokens_under_fire;
mod which_account;
mod withdrawn_consent;

mod bad_input;
mod bad_messages;
mod callers;
mod token_shapes;

mod cluster;
mod crashes;
mod damaged_log;
mod descriptions;
mod disk_full;
mod floods;
mod garbage;
mod guests;
mod microsoft_away;
mod onlookers;
mod outage;
mod racing;
mod read_by_sdks;
mod refusals;
mod stores;
mod visits;
mod voided;

mod metrics;
mod processes;
mod runbook;
mod secrets;
mod session_of_the_flow;
mod traces;
