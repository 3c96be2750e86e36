//! Those who act in a story about Assent: the users of the host application, its login, its services, the people at
//! Microsoft. Each speaks the public interfaces only, as the real one would.
//!
//! Every call gives a [`Reply`], whatever its status; [`Reply::ok`] and [`Reply::refused`] say what was expected, and
//! their error says what came instead.

mod host_login;
mod host_service;
mod host_user;
mod microsoft;
mod people;
mod plain_browser;
mod settings_client;
mod sync_worker;

mod client;
mod reply;

pub use client::Http;
pub use host_login::HostLogin;
pub use host_service::HostService;
pub use host_user::HostUser;
pub use microsoft::{Landing, Microsoft, Reaction, SignIn, Visit};
pub use people::{
    ADATUM, ANA, BEN, CONTOSO, DANA, ERIK, FABRIKAM, FARID, GRACE, NOOR, NORTHWIND_GOV, OLGA,
    Person,
};
pub use plain_browser::{PageForm, PlainBrowser, forms};
pub use reply::{ActorError, Reply};
pub use settings_client::{SettingsClient, hidden_field, open_session, session_cookie};
pub use sync_worker::{ReceivedChange, SyncWorker};
