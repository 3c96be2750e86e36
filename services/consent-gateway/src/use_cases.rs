//! What can be asked of the gateway: one file for each thing.

pub(crate) mod ask_again;
pub(crate) mod change_mode;
pub(crate) mod confirm_admin_consent;
pub(crate) mod confirm_grant;
pub(crate) mod continue_admin_consent;
pub(crate) mod end_flow;
pub(crate) mod find_flow;
pub(crate) mod finish_admin_consent;
pub(crate) mod finish_own_consent;
pub(crate) mod hand_off;
pub(crate) mod head_count;
pub(crate) mod learn;
pub(crate) mod look_up;
pub(crate) mod open_session;
pub(crate) mod premises;
pub(crate) mod prompt_at_login;
pub(crate) mod record_admin_consent;
pub(crate) mod record_automatic_grant;
pub(crate) mod redeem;
pub(crate) mod revoke_own_grant;
pub(crate) mod save_own_permissions;
pub(crate) mod start_admin_consent;
pub(crate) mod start_own_consent;
pub(crate) mod take_callback;
pub(crate) mod use_another_account;
pub(crate) mod void_message;
