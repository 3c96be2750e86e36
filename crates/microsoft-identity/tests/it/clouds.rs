//! One name in several clouds: every row of Microsoft's table, from its own login host and from a wrong one.

use std::time::{Duration, Instant};

use assent_entra_simulator::{Seed, SeedDocument, story};
use assent_microsoft_identity::CloudInstance::{China, Dod, Gcc, GccHigh, Worldwide};
use assent_microsoft_identity::{
    CloudInstance, Credentials, DiscoveryError, Entra, Settings, TenantMetadata, TenantRef,
};
use serde_json::json;
use url::Url;
use uuid::{Uuid, uuid};

use crate::authority::{Answer, Authority, PATIENCE, TENANT, settings_for};
use crate::wire::{Reaction, Wire, skip};

const OTHER: Uuid = uuid!("90000000-0000-4000-8000-00000000000f");

const COM: &str = "microsoftonline.com";
const US: &str = "microsoftonline.us";
const CN: &str = "partner.microsoftonline.cn";

/// Region scope, sub-scope, cloud instance and Graph host, as Microsoft publishes them.
#[rustfmt::skip]
const TABLE: &[([&str; 4], CloudInstance)] = &[
    (["NA", "", COM, "graph.microsoft.com"], Worldwide),
    (["EU", "", COM, "graph.microsoft.com"], Worldwide),
    (["WW", "", COM, "graph.microsoft.com"], Worldwide),
    (["NA", "GCC", COM, "graph.microsoft.com"], Gcc),
    (["WW", "GCC", COM, "graph.microsoft.com"], Gcc),
    (["USGov", "DODCON", US, "graph.microsoft.us"], GccHigh),
    (["USG", "DODCON", US, "graph.microsoft.us"], GccHigh),
    (["USGov", "DOD", US, "dod-graph.microsoft.us"], Dod),
    (["", "", CN, "microsoftgraph.chinacloudapi.cn"], China),
    (["", "", "chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn"], China),
];

fn document(tenant: Uuid, [region, sub_region, instance, graph]: [&'static str; 4]) -> Answer {
    let given = |text: &'static str| (!text.is_empty()).then_some(text);
    Answer::Json(
        200,
        json!({
            "issuer": format!("https://login.{instance}/{tenant}/v2.0"), "cloud_instance_name": instance,
            "msgraph_host": graph, "tenant_region_scope": given(region), "tenant_region_sub_scope": given(sub_region),
        }),
    )
}

/// The first row of a cloud.
fn row(cloud: CloudInstance) -> [&'static str; 4] {
    TABLE.iter().find(|(_, of)| *of == cloud).unwrap().0
}

/// Our own login host and one of another cloud.
struct Hosts {
    ours: Authority,
    other: Authority,
    entra: Entra,
}

const PATH: &str = "/contoso.example/v2.0/.well-known/openid-configuration";

impl Hosts {
    async fn start() -> Self {
        let (ours, other) = (Authority::start().await, Authority::start().await);
        let entra = client(&ours.url, [&other.url]);
        let hosts = Self { ours, other, entra };
        hosts.ours.at(PATH, unknown());
        hosts.other.at(PATH, unknown());
        hosts
    }

    async fn find(&self) -> Result<TenantMetadata, DiscoveryError> {
        self.entra.find_tenant(&contoso()).await
    }

    fn asked(&self) -> (usize, usize) {
        let count = |host: &Authority| host.requests("contoso.example").len();
        (count(&self.ours), count(&self.other))
    }
}

fn client<'a>(ours: &Url, others: impl IntoIterator<Item = &'a Url>) -> Entra {
    Entra::new(Settings {
        national_authorities: others.into_iter().cloned().collect(),
        ..settings_for(ours, Credentials::None)
    })
    .unwrap()
}

fn contoso() -> TenantRef {
    TenantRef::parse("contoso.example").unwrap()
}

fn unknown() -> Answer {
    Answer::Json(
        400,
        json!({"error": "invalid_tenant", "error_codes": [90002]}),
    )
}

fn found(tenant: &TenantMetadata) -> (CloudInstance, Uuid) {
    (tenant.cloud, tenant.tenant_id)
}

fn ambiguous(result: Result<TenantMetadata, DiscoveryError>) -> Vec<(CloudInstance, Uuid)> {
    let error = result.unwrap_err();
    assert!(
        matches!(error, DiscoveryError::Ambiguous { .. }),
        "{error:?}"
    );
    let DiscoveryError::Ambiguous { candidates } = error else {
        return Vec::new();
    };
    candidates.iter().map(found).collect()
}

#[tokio::test]
async fn every_row_is_found_whichever_host_tells_it() {
    for (fields, cloud) in TABLE {
        for (by_ours, by_other) in [(true, false), (false, true), (true, true)] {
            let hosts = Hosts::start().await;
            for (tells, host) in [(by_ours, &hosts.ours), (by_other, &hosts.other)] {
                if tells {
                    host.at(PATH, document(TENANT, *fields));
                }
            }
            let tenant = hosts.find().await.unwrap();
            assert_eq!(
                found(&tenant),
                (*cloud, TENANT),
                "{fields:?} {by_ours} {by_other}"
            );
            assert_eq!(hosts.asked(), (1, 1));
        }
    }
}

#[tokio::test]
async fn nobody_knows_it() {
    let hosts = Hosts::start().await;
    for answer in [unknown(), Answer::Json(404, json!({}))] {
        hosts.other.at(PATH, answer);
        assert!(matches!(
            hosts.find().await,
            Err(DiscoveryError::UnknownTenant)
        ));
    }
    let error = hosts
        .entra
        .find_tenant(&TenantRef::Organizations)
        .await
        .unwrap_err();
    assert!(matches!(error, DiscoveryError::NotOneTenant), "{error:?}");
}

#[tokio::test]
async fn two_clouds_make_a_choice_and_the_served_one_comes_first() {
    for (ours, other, same_id) in [
        (Worldwide, China, true),
        (Worldwide, GccHigh, false),
        (Gcc, Dod, true),
        // The hosts may even have their roles exchanged.
        (China, Worldwide, false),
        (GccHigh, China, true),
    ] {
        let hosts = Hosts::start().await;
        let other_id = if same_id { TENANT } else { OTHER };
        hosts.ours.at(PATH, document(TENANT, row(ours)));
        hosts.other.at(PATH, document(other_id, row(other)));
        let mut expected = vec![(ours, TENANT), (other, other_id)];
        expected.sort_by_key(|(cloud, _)| !matches!(cloud, Worldwide | Gcc));
        assert_eq!(
            ambiguous(hosts.find().await),
            expected,
            "{ours:?} {other:?}"
        );
        // All that was asked once.
        assert_eq!(hosts.asked(), (1, 1));
    }
}

#[tokio::test]
async fn an_id_may_be_ambiguous_too_but_never_stand_for_another() {
    let (ours, other) = (Authority::start().await, Authority::start().await);
    let path = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
    ours.at(&path, document(TENANT, row(Worldwide)));
    other.at(&path, document(TENANT, row(China)));
    let entra = client(&ours.url, [&other.url]);
    let asked = TenantRef::Id(TENANT);
    let candidates = ambiguous(entra.find_tenant(&asked).await);
    assert_eq!(candidates, [(Worldwide, TENANT), (China, TENANT)]);
    // Tokens of ours come from our own cloud, so their tenants need no choice.
    assert_eq!(
        found(&entra.tenant(&asked).await.unwrap()),
        (Worldwide, TENANT)
    );

    other.at(&path, document(OTHER, row(China)));
    let entra = client(&ours.url, [&other.url]);
    assert_eq!(
        found(&entra.find_tenant(&asked).await.unwrap()),
        (Worldwide, TENANT)
    );
}

#[tokio::test]
async fn what_two_hosts_tell_differently_is_taken_from_the_clouds_own() {
    // A host of another cloud that does not know what makes a tenant GCC, or which kind of government cloud it is.
    for (ours, other, expected) in [
        (Gcc, Worldwide, Gcc),
        (Worldwide, Gcc, Worldwide),
        (GccHigh, Dod, Dod),
        (Dod, GccHigh, GccHigh),
    ] {
        let hosts = Hosts::start().await;
        hosts.ours.at(PATH, document(TENANT, row(ours)));
        hosts.other.at(PATH, document(TENANT, row(other)));
        assert_eq!(found(&hosts.find().await.unwrap()), (expected, TENANT));
    }
}

#[tokio::test]
async fn another_clouds_trouble_is_not_ours() {
    for trouble in [
        Answer::Silence,
        Answer::Json(500, json!({})),
        Answer::Json(200, json!({"issuer": "nonsense"})),
        Answer::Huge,
        Answer::Redirect("/elsewhere".to_owned()),
        document(
            OTHER,
            ["DE", "", "microsoftonline.de", "graph.microsoft.de"],
        ),
    ] {
        let hosts = Hosts::start().await;
        hosts.ours.at(PATH, document(TENANT, row(Worldwide)));
        hosts.other.at(PATH, trouble);
        let begun = Instant::now();
        assert_eq!(found(&hosts.find().await.unwrap()), (Worldwide, TENANT));
        assert!(begun.elapsed() < 2 * PATIENCE);
        assert!(hosts.other.requests("elsewhere").is_empty());
    }
}

#[tokio::test]
async fn another_cloud_that_never_answers_is_soon_left_alone() {
    let wire = Wire::start([Reaction::Hang(String::new())]).await;
    let ours = Authority::start().await;
    let entra = client(&ours.url, [&wire.url]);
    for number in 0..10 {
        let name = format!("contoso{number}.example");
        let path = format!("/{name}/v2.0/.well-known/openid-configuration");
        ours.at(&path, document(TENANT, row(Worldwide)));
        entra
            .find_tenant(&TenantRef::parse(&name).unwrap())
            .await
            .unwrap();
    }
    assert_eq!(wire.count(), 5);
}

#[tokio::test]
async fn without_our_own_host_nothing_is_said() {
    for (trouble, name) in [
        (Answer::Silence, "TimedOut"),
        (Answer::Json(500, json!({})), "Unreachable"),
        (Answer::Json(200, json!({})), "Nonsense"),
    ] {
        let hosts = Hosts::start().await;
        hosts.ours.at(PATH, trouble);
        hosts.other.at(PATH, document(TENANT, row(China)));
        let error = format!("{:?}", hosts.find().await.unwrap_err());
        assert!(error.starts_with(name), "{error}");
    }
}

#[tokio::test]
async fn what_not_all_have_told_is_asked_again_soon() {
    let hosts = Hosts::start().await;
    hosts.ours.at(PATH, document(TENANT, row(Worldwide)));
    hosts.other.at(PATH, Answer::Json(200, json!({})));
    for _ in 0..3 {
        hosts.find().await.unwrap();
    }
    assert_eq!(hosts.asked(), (1, 1));
    skip(Duration::from_mins(5)).await;
    hosts.other.at(PATH, unknown());
    for _ in 0..3 {
        hosts.find().await.unwrap();
    }
    assert_eq!(hosts.asked(), (2, 2));
    skip(Duration::from_mins(5)).await;
    hosts.find().await.unwrap();
    assert_eq!(hosts.asked(), (2, 2));
    skip(Duration::from_hours(6)).await;
    hosts.find().await.unwrap();
    assert_eq!(hosts.asked(), (3, 3));
}

#[tokio::test]
async fn two_simulators_are_two_clouds() {
    const THERE: Uuid = uuid!("90000000-0000-4000-8000-0000000000aa");
    let seed = json!({"tenants": [
        {"id": THERE, "name": "Contoso Government", "domain": "contoso.example", "cloud": "gcc_high"},
        {"name": "Elsewhere", "domain": "elsewhere.example", "cloud": "china"},
        // The same tenant that the worldwide host tells of.
        {"id": story::NORTHWIND_GOV, "name": "Northwind", "domain": "northwind-gov.example", "cloud": "gcc_high"},
    ]});
    let here = assent_entra_simulator::Settings::story(["https://assent.example/callback"]);
    let there = assent_entra_simulator::Settings {
        seed: Seed::Document(SeedDocument::parse(&seed.to_string()).unwrap()),
        ..here.clone()
    };
    let here = assent_entra_simulator::start(here).await.unwrap();
    let there = assent_entra_simulator::start(there).await.unwrap();
    let entra = client(
        &here.base_url.parse().unwrap(),
        [&there.base_url.parse().unwrap()],
    );
    let named = |name: &str| TenantRef::parse(name).unwrap();

    let candidates = ambiguous(entra.find_tenant(&named("contoso.example")).await);
    assert_eq!(candidates, [(Worldwide, story::CONTOSO), (GccHigh, THERE)]);

    for (name, cloud) in [
        ("fabrikam.example", Gcc),
        ("northwind-gov.example", GccHigh),
        ("elsewhere.example", China),
    ] {
        assert_eq!(
            entra.find_tenant(&named(name)).await.unwrap().cloud,
            cloud,
            "{name}"
        );
    }
    let nobody = entra.find_tenant(&named("nobody.example")).await;
    assert!(
        matches!(nobody, Err(DiscoveryError::UnknownTenant)),
        "{nobody:?}"
    );
}
