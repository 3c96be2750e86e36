//! What a platform team installs: the chart, the container file, the systemd units, NATS' configuration for production.

mod chart;
mod container;
mod image;
mod nats;
mod systemd;
mod tools;
