//! A token for the application itself, with whatever an administrator granted it.

use serde_json::{Value, json};

use super::Call;
use super::issue::{Holder, access_token};
use crate::aadsts::{Aadsts, Code, Surface};
use crate::authority::Authority;
use crate::world::World;

impl Call<'_> {
    pub(super) fn application_itself(&self, world: &mut World) -> Result<Value, Aadsts> {
        self.parameters.require("scope")?;
        let Authority::Tenant(tenant) = self.authority else {
            let code = Code::MissingTenantRealmAndNoUserInformationProvided;
            return Err(code.at(Surface::Token));
        };
        let asked = self.scope(world)?.unwrap_or_default();
        if !asked.default || !asked.openid.is_empty() {
            return Err(Code::ClientCredentialScope.at(Surface::Token));
        }
        let home = self.installed_in(world, tenant)?;
        let permissions = home
            .installations
            .get(&self.client)
            .map(|installation| installation.app_roles.clone())
            .unwrap_or_default();
        let lifetime = self.access_token_seconds();
        let holder = Holder {
            tenant,
            user: None,
            continuous: self.claims.continuous,
        };
        let token = access_token(world, holder, permissions, lifetime);
        Ok(json!({
            "token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token,
        }))
    }
}
