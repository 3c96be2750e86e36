//! A token for the application itself, with whatever an administrator granted it.

use serde_json::{Value, json};

use super::Call;
use super::issue::{Holder, access_token};
use crate::aadsts::{Aadsts, Code, Surface};
use crate::authority::Authority;
use crate::state::SimulatedState;

impl Call<'_> {
    pub(super) fn application_itself(&self, state: &mut SimulatedState) -> Result<Value, Aadsts> {
        self.parameters.require("scope")?;
        let Authority::Tenant(tenant) = self.authority else {
            let code = Code::MissingTenantRealmAndNoUserInformationProvided;
            return Err(code.error_on(Surface::Token));
        };
        let asked = self.scope(state)?.unwrap_or_default();
        if !asked.default || !asked.openid.is_empty() {
            return Err(Code::ClientCredentialScope.error_on(Surface::Token));
        }
        let home = self.installed_in(state, tenant)?;
        let permissions = home
            .installations
            .get(&self.client)
            .map(|installation| installation.app_roles.clone())
            .unwrap_or_default();
        let lifetime = self.access_token_seconds(state);
        let holder = Holder {
            tenant,
            user: None,
            continuous: self.claims.continuous,
        };
        let token = access_token(state, holder, permissions, lifetime);
        Ok(json!({
            "token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token,
        }))
    }
}
