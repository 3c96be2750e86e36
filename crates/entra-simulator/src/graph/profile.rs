//! A user's profile: what Graph knows of a person, and of their licences.

use serde_json::{Map, Value, json};

use super::access::allow;
use super::error::GraphError;
use crate::directory::{Mailbox, Tenant, User};
use crate::state::AccessToken;

const READ: &[&str] = &["User.Read", "User.Read.All", "Directory.Read.All"];

/// Answered unless `$select` says otherwise.
const BY_DEFAULT: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];
/// What a person has in Graph, and nobody has given here.
const UNSET: [&str; 20] = [
    "city",
    "companyName",
    "country",
    "department",
    "employeeId",
    "faxNumber",
    "jobTitle",
    "mailNickname",
    "mobilePhone",
    "officeLocation",
    "onPremisesDomainName",
    "onPremisesImmutableId",
    "onPremisesSamAccountName",
    "onPremisesUserPrincipalName",
    "postalCode",
    "preferredDataLocation",
    "preferredLanguage",
    "state",
    "streetAddress",
    "usageLocation",
];

/// "Exchange Online (Plan 2)".
const EXCHANGE: &str = "efb87545-963c-4e0d-99df-69c6916d9eb0";
/// "Microsoft Entra ID P1", which has nothing to do with mail.
const ENTRA_P1: &str = "41781fb2-bc02-4b7c-bd55-b576c07bb09d";

pub(super) fn read(
    user: &User,
    token: &AccessToken,
    query: &str,
    base_url: &str,
) -> Result<Value, GraphError> {
    allow(token, READ)?;
    let select = url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "$select")
        .map(|(_, value)| value.into_owned());
    let names: Vec<&str> = match &select {
        Some(names) => names.split(',').map(str::trim).collect(),
        None => BY_DEFAULT.to_vec(),
    };
    let entity = match &select {
        Some(names) => format!("users({names})/$entity"),
        None => "users/$entity".to_owned(),
    };
    let mut profile = Map::new();
    let context = format!("{base_url}/v1.0/$metadata#{entity}");
    profile.insert("@odata.context".to_owned(), json!(context));
    for name in names {
        let value = property(user, name).ok_or_else(|| GraphError::no_property(name, "user"))?;
        profile.insert(name.to_owned(), value);
    }
    Ok(Value::Object(profile))
}

fn property(user: &User, name: &str) -> Option<Value> {
    Some(match name {
        "id" => json!(user.id),
        "displayName" => json!(user.name),
        "givenName" => json!(user.name.split(' ').next()),
        "surname" => json!(user.name.split_once(' ').map(|(_, surname)| surname)),
        "accountEnabled" => json!(user.enabled),
        "userType" => json!("Member"),
        "businessPhones" | "imAddresses" | "otherMails" | "proxyAddresses" => json!([]),
        "userPrincipalName" | "mail" => json!(user.upn),
        "assignedPlans" => plans(user.mailbox),
        // Null where the person was never synchronised.
        "onPremisesSyncEnabled" => match user.mailbox {
            Mailbox::OnPremises => json!(true),
            Mailbox::Ok | Mailbox::NotEnabled | Mailbox::Unlicensed | Mailbox::Gone => Value::Null,
        },
        unset if UNSET.contains(&unset) => Value::Null,
        _ => return None,
    })
}

/// The person's tenant, in the list that it is the only one of.
pub(super) fn organization(
    tenant: &Tenant,
    token: &AccessToken,
    base_url: &str,
) -> Result<Value, GraphError> {
    allow(token, READ)?;
    let domains: Vec<Value> = tenant
        .domains
        .iter()
        .enumerate()
        .map(|(number, name)| json!({ "name": name, "isDefault": number == 0, "isInitial": false }))
        .collect();
    Ok(json!({
        "@odata.context": format!("{base_url}/v1.0/$metadata#organization"),
        "value": [{
            "id": tenant.id, "displayName": tenant.name, "tenantType": "AAD", "verifiedDomains": domains,
        }],
    }))
}

/// A licence for Exchange does not make a mailbox, nor is one that was taken away simply not there.
fn plans(mailbox: Mailbox) -> Value {
    let plan = |service: &str, id: &str, status: &str| {
        json!({
            "assignedDateTime": "2026-01-01T00:00:00Z", "capabilityStatus": status, "service": service,
            "servicePlanId": id,
        })
    };
    let exchange = match mailbox {
        Mailbox::Ok | Mailbox::NotEnabled | Mailbox::OnPremises => Some("Enabled"),
        Mailbox::Gone => Some("Deleted"),
        Mailbox::Unlicensed => None,
    };
    let exchange = exchange.map(|status| plan("exchange", EXCHANGE, status));
    let other = plan("AADPremiumService", ENTRA_P1, "Enabled");
    exchange.into_iter().chain([other]).collect()
}
