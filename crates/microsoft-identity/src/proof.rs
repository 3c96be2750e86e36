//! What proves that an administrator consented for the whole tenant.
//!
//! A token's scopes alone cannot: they look the same when somebody consented for themselves only.

use serde::Deserialize;
use tokio::time::Instant;
use url::Url;
use uuid::{Uuid, uuid};

use crate::client::Entra;
use crate::graph::{GraphError, read};
use crate::id_token::VerifiedIdentity;
use crate::redemption::AccessToken;
use crate::scopes::ScopeSet;

/// The directory roles whose holders may consent to delegated permissions for a whole tenant: template id and name.
const CONSENTING_ROLES: [(Uuid, &str); 4] = [
    (
        uuid!("62e90394-69f5-4237-9190-012177145e10"),
        "Global Administrator",
    ),
    (
        uuid!("e8611ab8-c189-46e8-94e1-60213ab1f814"),
        "Privileged Role Administrator",
    ),
    (
        uuid!("158c047a-c907-4556-b7ef-446551a6b5f7"),
        "Cloud Application Administrator",
    ),
    (
        uuid!("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"),
        "Application Administrator",
    ),
];

/// What Microsoft calls a directory role, by its template id; `None` for one that may not consent for a whole tenant.
pub fn role_name(role: Uuid) -> Option<&'static str> {
    let mut roles = CONSENTING_ROLES.iter();
    let (_, name) = roles.find(|(id, _)| *id == role)?;
    Some(name)
}

/// Microsoft Graph's own application id, the same in every tenant.
const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";

/// An application has one tenant-wide grant per resource; many pages of them would be nonsense.
const MOST_PAGES: usize = 5;

/// The roles of this person that may consent for the whole tenant. None proves nothing: custom roles and roles held
/// for an hour need not be among them.
pub fn roles_able_to_consent(identity: &VerifiedIdentity) -> Vec<Uuid> {
    identity
        .directory_roles
        .iter()
        .copied()
        .filter(|role| role_name(*role).is_some())
        .collect()
}

/// What Microsoft Graph says about the tenant-wide grant of our application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantProof {
    /// There is one, and it covers what was wanted.
    Covered {
        /// All that is granted tenant-wide.
        scopes: ScopeSet,
    },
    /// There is none, or it covers less.
    NotCovered {
        /// What was wanted and is not granted tenant-wide.
        missing: Vec<String>,
    },
    /// The application may not ask.
    NotPermitted,
}

impl Entra {
    /// Asks Microsoft Graph, with the token of somebody in the tenant, whether our application holds a grant for all
    /// its users that covers the scopes.
    pub async fn tenant_wide_grant(
        &self,
        token: &AccessToken,
        wanted: &[String],
    ) -> Result<GrantProof, GraphError> {
        let deadline = self.shared.transport.graph.deadline();
        let none = || GrantProof::NotCovered {
            missing: wanted.to_vec(),
        };
        // A grant names service principals by their object ids in this tenant, not by application ids.
        let ours = match self
            .service_principal(token, &self.shared.client_id, deadline)
            .await?
        {
            PrincipalLookup::Found(id) => id,
            PrincipalLookup::Absent => return Ok(none()),
            PrincipalLookup::NotPermitted => return Ok(GrantProof::NotPermitted),
        };
        let graph = match self
            .service_principal(token, GRAPH_APP_ID, deadline)
            .await?
        {
            PrincipalLookup::Found(id) => id,
            PrincipalLookup::Absent => return Ok(none()),
            PrincipalLookup::NotPermitted => return Ok(GrantProof::NotPermitted),
        };
        let Some(granted) = self
            .grants_for_everybody(token, [ours, graph], deadline)
            .await?
        else {
            return Ok(GrantProof::NotPermitted);
        };
        let scopes = ScopeSet::parse(&granted, &self.shared.graph_url);
        let missing = scopes.missing(wanted);
        Ok(if missing.is_empty() {
            GrantProof::Covered { scopes }
        } else {
            GrantProof::NotCovered { missing }
        })
    }

    async fn service_principal(
        &self,
        token: &AccessToken,
        app_id: &str,
        deadline: Instant,
    ) -> Result<PrincipalLookup, GraphError> {
        let principal = format!("servicePrincipals(appId='{app_id}')");
        let address = self.graph_address(&[&principal], &[("$select", "id")]);
        let answer = self.ask_graph(&address, token, deadline).await?;
        match answer.status {
            200 => {}
            403 => return Ok(PrincipalLookup::NotPermitted),
            404 => return Ok(PrincipalLookup::Absent),
            status => return Err(GraphError::Refused { status }),
        }
        let principal: ServicePrincipal =
            read(&answer).ok_or(GraphError::Nonsense("not a service principal"))?;
        Ok(PrincipalLookup::Found(principal.id))
    }

    /// The scopes of all tenant-wide grants of one application on one resource; `None` if we may not ask.
    async fn grants_for_everybody(
        &self,
        token: &AccessToken,
        [client, resource]: [Uuid; 2],
        deadline: Instant,
    ) -> Result<Option<String>, GraphError> {
        let filter = format!("clientId eq '{client}' and consentType eq 'AllPrincipals'");
        let mut address = self.graph_address(&["oauth2PermissionGrants"], &[("$filter", &filter)]);
        let mut scopes = String::new();
        for _page in 0..MOST_PAGES {
            let answer = self.ask_graph(&address, token, deadline).await?;
            match answer.status {
                200 => {}
                403 => return Ok(None),
                status => return Err(GraphError::Refused { status }),
            }
            let page: GrantPage =
                read(&answer).ok_or(GraphError::Nonsense("not a list of grants"))?;
            // The filter is asked for, and its result is checked: this is evidence.
            let ours = |grant: &Grant| {
                grant.client_id == client
                    && grant.resource_id == resource
                    && grant.consent_type == "AllPrincipals"
            };
            for grant in page.value.into_iter().filter(ours) {
                scopes.push(' ');
                scopes.push_str(&grant.scope.unwrap_or_default());
            }
            match page.next {
                None => return Ok(Some(scopes)),
                // The token goes to Microsoft Graph and to nobody else.
                Some(next) if next.origin() == self.shared.graph_url.origin() => address = next,
                Some(_) => return Err(GraphError::Nonsense("the next page is elsewhere")),
            }
        }
        Err(GraphError::Nonsense("too many pages of grants"))
    }
}

enum PrincipalLookup {
    Found(Uuid),
    Absent,
    NotPermitted,
}

#[derive(Deserialize)]
struct ServicePrincipal {
    id: Uuid,
}

#[derive(Deserialize)]
struct GrantPage {
    value: Vec<Grant>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<Url>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Grant {
    client_id: Uuid,
    resource_id: Uuid,
    consent_type: String,
    scope: Option<String>,
}
