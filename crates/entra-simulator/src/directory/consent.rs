//! What a consent changes in a tenant: grants for everybody and for one person, side by side.

use std::collections::BTreeSet;

use super::grant::Grant;
use super::tenant::{Installation, Tenant, TenantConsent};
use crate::identifiers::{ClientId, ObjectId};
use crate::random;
use crate::scopes::OPENID_SCOPES;

impl Tenant {
    /// What the application may do for this user: the user's own grant and everybody's together.
    pub(crate) fn effective(&self, client: ClientId, user: ObjectId) -> BTreeSet<String> {
        self.grants
            .iter()
            .filter(|grant| {
                grant.client == client && grant.principal.is_none_or(|principal| principal == user)
            })
            .flat_map(|grant| grant.scopes.iter().cloned())
            .collect()
    }

    /// Records a user's own consent, beside what they had granted before.
    pub(crate) fn grant_for_user(
        &mut self,
        client: ClientId,
        user: ObjectId,
        scopes: &BTreeSet<String>,
    ) {
        self.record(client, Some(user), scopes, TenantConsent::Merge);
    }

    /// Records an administrator's consent for everybody, as the tenant's setting says: in place of the former one.
    pub(crate) fn grant_for_everyone(&mut self, client: ClientId, scopes: &BTreeSet<String>) {
        self.record(client, None, scopes, self.second_consent);
    }

    fn record(
        &mut self,
        client: ClientId,
        principal: Option<ObjectId>,
        scopes: &BTreeSet<String>,
        how: TenantConsent,
    ) {
        self.installations
            .entry(client)
            .or_insert_with(Installation::new);
        // Every consent page shows these, so every grant holds them.
        let scopes: BTreeSet<String> = scopes
            .iter()
            .filter(|scope| !self.withheld_scopes.contains(*scope))
            .cloned()
            .chain(OPENID_SCOPES.map(str::to_owned))
            .collect();
        let known = self
            .grants
            .iter_mut()
            .find(|grant| grant.client == client && grant.principal == principal);
        match known {
            Some(grant) => match how {
                TenantConsent::Replace => grant.scopes = scopes,
                TenantConsent::Merge => grant.scopes.extend(scopes),
            },
            None => self.grants.push(Grant {
                id: random::secret(""),
                client,
                principal,
                scopes,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{TenantSpec, UserSpec};

    fn tenant() -> (Tenant, ObjectId, ClientId) {
        let user = UserSpec::named("Ana", "ana@contoso.example");
        let tenant = TenantSpec::named("Contoso", "contoso.example", vec![user])
            .build()
            .unwrap();
        let user = *tenant.users.keys().next().unwrap();
        (tenant, user, ClientId::new_random())
    }

    fn scopes(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_users_own_grant_and_everybodys_add_up_and_stay_apart() {
        let (mut tenant, user, client) = tenant();
        tenant.grant_for_user(client, user, &scopes(&["Mail.Send"]));
        tenant.grant_for_everyone(client, &scopes(&["Mail.Read"]));
        assert_eq!(tenant.grants.len(), 2);
        let effective = tenant.effective(client, user);
        assert!(
            effective.contains("Mail.Send")
                && effective.contains("Mail.Read")
                && effective.contains("openid")
        );
        assert!(
            !tenant
                .effective(client, ObjectId::new_random())
                .contains("Mail.Send")
        );
    }

    #[test]
    fn a_second_consent_for_everybody_drops_what_it_does_not_name() {
        let (mut tenant, user, client) = tenant();
        tenant.grant_for_everyone(client, &scopes(&["Mail.Read"]));
        tenant.grant_for_everyone(client, &scopes(&["Mail.Send"]));
        assert!(!tenant.effective(client, user).contains("Mail.Read"));
        tenant.second_consent = TenantConsent::Merge;
        tenant.grant_for_everyone(client, &scopes(&["Mail.Read"]));
        assert!(
            tenant
                .effective(client, user)
                .is_superset(&scopes(&["Mail.Read", "Mail.Send"]))
        );
    }

    #[test]
    fn withheld_scopes_are_never_granted() {
        let (mut tenant, user, client) = tenant();
        tenant.withheld_scopes = scopes(&["Mail.Read"]);
        tenant.grant_for_user(client, user, &scopes(&["Mail.Read", "Mail.Send"]));
        assert!(!tenant.effective(client, user).contains("Mail.Read"));
    }
}
