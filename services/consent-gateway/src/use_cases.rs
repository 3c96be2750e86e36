//! What can be asked of the gateway: one file for each thing.

pub(crate) mod change_mode;
pub(crate) mod confirm_grant;
pub(crate) mod continue_admin_consent;
pub(crate) mod finish_admin_consent;
pub(crate) mod finish_own_consent;
pub(crate) mod look_up;
pub(crate) mod record_automatic_grant;
pub(crate) mod revoke_own_grant;
pub(crate) mod start_admin_consent;
pub(crate) mod start_own_consent;
pub(crate) mod take_callback;
