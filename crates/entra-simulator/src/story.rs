//! The built-in seed, `story`: four tenants, their people and two applications, with fixed identifiers.
//!
//! | tenant | domain | cloud | policy | people |
//! |---|---|---|---|---|
//! | Contoso | `contoso.example` | commercial | legacy | Ana, Ben; Olga, global administrator |
//! | Fabrikam | `fabrikam.example` | GCC | legacy | Farid; Grace, global administrator |
//! | Northwind Government | `northwind-gov.example` | GCC High | managed | Noor, global administrator |
//! | Adatum | `adatum.example` | commercial | managed | Dana; Erik, cloud application administrator |

use uuid::{Uuid, uuid};

use crate::directory::{Cloud, Mailbox, TenantConsent};
use crate::identifiers::{ClientId, ObjectId, TenantId};
use crate::policy::ConsentPolicy;
use crate::seed::{ApplicationSpec, SeedDocument, TenantSpec, UserSpec};

/// The multi-tenant application whose consents are asked for.
pub const ASSENT_CLIENT_ID: Uuid = uuid!("a55e0000-0000-4000-8000-00000000c1d1");
/// The application's client secret. It opens nothing but this simulator.
pub const ASSENT_CLIENT_SECRET: &str = "simulator-only-assent-client-secret";
/// The host application, where people sign in with Microsoft.
pub const HOST_CLIENT_ID: Uuid = uuid!("a55e0000-0000-4000-8000-00000000c1d2");
/// The host application's client secret. It opens nothing but this simulator.
pub const HOST_CLIENT_SECRET: &str = "simulator-only-host-client-secret";

/// Contoso: commercial, users may consent to what needs no administrator.
pub const CONTOSO: Uuid = uuid!("c0000000-0000-4000-8000-000000000001");
/// Contoso's domain.
const CONTOSO_DOMAIN: &str = "contoso.example";
/// Ana, an ordinary user of Contoso.
pub const ANA: Uuid = uuid!("c0000000-0000-4000-8000-0000000000a1");
/// Ben, an ordinary user of Contoso.
pub const BEN: Uuid = uuid!("c0000000-0000-4000-8000-0000000000b1");
/// Olga, global administrator of Contoso.
pub const OLGA: Uuid = uuid!("c0000000-0000-4000-8000-0000000000c1");

/// Fabrikam: a US government customer on the worldwide endpoints (GCC).
pub const FABRIKAM: Uuid = uuid!("f0000000-0000-4000-8000-000000000001");
/// Fabrikam's domain.
const FABRIKAM_DOMAIN: &str = "fabrikam.example";
/// Farid, an ordinary user of Fabrikam.
pub const FARID: Uuid = uuid!("f0000000-0000-4000-8000-0000000000a1");
/// Grace, global administrator of Fabrikam.
pub const GRACE: Uuid = uuid!("f0000000-0000-4000-8000-0000000000c1");

/// Northwind Government: GCC High, another cloud.
pub const NORTHWIND_GOV: Uuid = uuid!("90000000-0000-4000-8000-000000000001");
/// Northwind Government's domain.
const NORTHWIND_GOV_DOMAIN: &str = "northwind-gov.example";
/// Noor, global administrator of Northwind Government.
pub const NOOR: Uuid = uuid!("90000000-0000-4000-8000-0000000000c1");

/// Adatum: commercial, with Microsoft's managed consent policy.
pub const ADATUM: Uuid = uuid!("ada00000-0000-4000-8000-000000000001");
/// Adatum's domain.
const ADATUM_DOMAIN: &str = "adatum.example";
/// Dana, an ordinary user of Adatum, whose mailbox is on premises.
pub const DANA: Uuid = uuid!("ada00000-0000-4000-8000-0000000000a1");
/// Erik, cloud application administrator of Adatum.
pub const ERIK: Uuid = uuid!("ada00000-0000-4000-8000-0000000000c1");

/// The story as a seed. Both applications may return to every one of `redirect_uris`.
pub(crate) fn document(redirect_uris: &[String]) -> SeedDocument {
    SeedDocument {
        tenants: tenants(),
        applications: applications(redirect_uris),
    }
}

fn tenants() -> Vec<TenantSpec> {
    vec![
        tenant(
            (CONTOSO, "Contoso", CONTOSO_DOMAIN),
            (Cloud::Commercial, ConsentPolicy::Legacy),
            vec![
                user(ANA, "Ana Alvarez", "ana@contoso.example"),
                user(BEN, "Ben Baker", "ben@contoso.example"),
                administrator(
                    OLGA,
                    "Olga Orlova",
                    "olga@contoso.example",
                    "global_administrator",
                ),
            ],
        ),
        tenant(
            (FABRIKAM, "Fabrikam", FABRIKAM_DOMAIN),
            (Cloud::Gcc, ConsentPolicy::Legacy),
            vec![
                user(FARID, "Farid Fane", "farid@fabrikam.example"),
                administrator(
                    GRACE,
                    "Grace Green",
                    "grace@fabrikam.example",
                    "global_administrator",
                ),
            ],
        ),
        tenant(
            (NORTHWIND_GOV, "Northwind Government", NORTHWIND_GOV_DOMAIN),
            (Cloud::GccHigh, ConsentPolicy::Managed),
            vec![administrator(
                NOOR,
                "Noor Nassar",
                "noor@northwind-gov.example",
                "global_administrator",
            )],
        ),
        tenant(
            (ADATUM, "Adatum", ADATUM_DOMAIN),
            (Cloud::Commercial, ConsentPolicy::Managed),
            vec![
                UserSpec {
                    mailbox: Mailbox::OnPremises,
                    ..user(DANA, "Dana Dahl", "dana@adatum.example")
                },
                administrator(
                    ERIK,
                    "Erik Ek",
                    "erik@adatum.example",
                    "cloud_application_administrator",
                ),
            ],
        ),
    ]
}

fn applications(redirect_uris: &[String]) -> Vec<ApplicationSpec> {
    let application = |client_id, name: &str, secret: &str, permissions: &[&str]| ApplicationSpec {
        client_id: Some(ClientId(client_id)),
        name: name.to_owned(),
        redirect_uris: redirect_uris.to_vec(),
        secrets: vec![secret.to_owned()],
        expired_secrets: Vec::new(),
        certificates: Vec::new(),
        delegated_permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
        application_permissions: Vec::new(),
        installed_in: Vec::new(),
        emit_wids: true,
        require_pkce: true,
        publisher_verified: true,
        risky: false,
    };
    let mailbox = [
        "User.Read",
        "Mail.ReadBasic",
        "Mail.Read",
        "Mail.ReadWrite",
        "Mail.Send",
        "Calendars.ReadBasic",
        "Calendars.Read",
        "Calendars.ReadWrite",
        "Contacts.Read",
        "Contacts.ReadWrite",
    ];
    vec![
        application(ASSENT_CLIENT_ID, "Hirely", ASSENT_CLIENT_SECRET, &mailbox),
        application(
            HOST_CLIENT_ID,
            "Hirely sign-in",
            HOST_CLIENT_SECRET,
            &["User.Read"],
        ),
    ]
}

fn tenant(
    (id, name, domain): (Uuid, &str, &str),
    (cloud, policy): (Cloud, ConsentPolicy),
    users: Vec<UserSpec>,
) -> TenantSpec {
    TenantSpec {
        id: Some(TenantId(id)),
        cloud,
        policy,
        tenant_consent: TenantConsent::Replace,
        ..TenantSpec::named(name, domain, users)
    }
}

fn user(id: Uuid, name: &str, upn: &str) -> UserSpec {
    UserSpec {
        id: Some(ObjectId(id)),
        ..UserSpec::named(name, upn)
    }
}

fn administrator(id: Uuid, name: &str, upn: &str, role: &str) -> UserSpec {
    UserSpec {
        roles: vec![role.to_owned()],
        ..user(id, name, upn)
    }
}
