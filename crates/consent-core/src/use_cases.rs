//! What can be asked of the gateway: one file for each thing.

pub(crate) mod ask_again;
pub mod change_mode;
pub(crate) mod conclude_flow;
pub mod confirm_admin_consent;
pub mod confirm_grant;
pub(crate) mod continue_admin_consent;
pub(crate) mod find_flow;
pub(crate) mod finish_admin_consent;
pub mod finish_own_consent;
pub mod hand_off;
pub mod handle_callback;
pub mod head_count;
pub(crate) mod observe_consent;
pub mod open_session;
pub mod premises;
pub mod prompt_at_login;
pub mod queries;
pub(crate) mod record_admin_consent;
pub mod record_automatic_grant;
pub(crate) mod redeem;
pub mod revoke_own_grant;
pub mod save_own_permissions;
pub mod start_admin_consent;
pub mod start_own_consent;
pub mod use_another_account;
pub mod void_message;
