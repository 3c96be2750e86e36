//! What operators watch Assent with: the reference of metrics, the alerts and the dashboard.

mod alerts;
mod dashboard;
mod promql;
mod promtool;
mod reference;
