//! Whole journeys through real processes.

mod world;

mod story;

mod administrator_consent;
mod callbacks;
mod hand_off;
mod known_before_asked;
mod own_consent;

mod bad_input;
mod bad_messages;
mod callers;

mod crashes;
mod outage;
mod racing;
mod refusals;

mod processes;
mod secrets;
