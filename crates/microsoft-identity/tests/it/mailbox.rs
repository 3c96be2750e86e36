//! Where mailboxes are, by every answer that Graph and Autodiscover can give.

use std::time::{Duration, Instant};

use assent_entra_simulator::story;
use assent_microsoft_identity::{
    AccessToken, Credentials, Entra, GraphError, MailboxLocation, ScopeSet, Settings, TenantRef,
    UnknownReason,
};
use serde_json::{Value, json};

use crate::authority::{Answer, Authority, PATIENCE, PERSON, settings_for};
use crate::fixture::Fixture;
use crate::wire::{Reaction, Wire, patient};

use MailboxLocation::{ExchangeOnline, Missing, OnPremises, Unknown, Unlicensed};
use UnknownReason::{NotAllowed, NothingReadable, Throttled, TimedOut, Unavailable, Unexpected};

const INBOX: &str = "/v1.0/me/mailFolders/inbox";
const ME: &str = "/v1.0/me";
const AUTODISCOVER: &str = "/autodiscover/autodiscover.json";

/// Graph, and Autodiscover at another address.
struct Exchange {
    graph: Authority,
    autodiscover: Authority,
    entra: Entra,
}

impl Exchange {
    async fn start() -> Self {
        let (graph, autodiscover) = (Authority::start().await, Authority::start().await);
        let entra = Entra::new(Settings {
            autodiscover_url: autodiscover.url.clone(),
            ..settings_for(&graph.url, Credentials::None)
        })
        .unwrap();
        Self {
            graph,
            autodiscover,
            entra,
        }
    }

    /// Without a mailbox in Exchange Online, but with a plan for one, and known to Autodiscover.
    async fn without_mailbox() -> Self {
        let exchange = Self::start().await;
        exchange.graph.at(INBOX, no_mailbox());
        exchange
            .graph
            .at(ME, person(&json!([plan("exchange", "Enabled")])));
        exchange
            .autodiscover
            .at(AUTODISCOVER, found("https://outlook.office.com/api"));
        exchange
    }

    async fn locate(&self, scopes: &str) -> MailboxLocation {
        let token = AccessToken::new("at");
        self.entra.locate_mailbox(&token, &held(scopes)).await
    }
}

fn held(scopes: &str) -> ScopeSet {
    ScopeSet::parse(scopes, &"https://graph.microsoft.com".parse().unwrap())
}

fn graph_error(status: u16, code: &str) -> Answer {
    Answer::Json(
        status,
        json!({"error": {"code": code, "message": "about ana@contoso.example"}}),
    )
}

fn no_mailbox() -> Answer {
    graph_error(404, "MailboxNotEnabledForRESTAPI")
}

fn plan(service: &str, status: &str) -> Value {
    json!({"service": service, "capabilityStatus": status, "servicePlanId": PERSON})
}

fn person(plans: &Value) -> Answer {
    let address = "ana+test@contoso.example";
    Answer::Json(
        200,
        json!({"mail": address, "userPrincipalName": "upn@contoso.example", "assignedPlans": plans}),
    )
}

fn found(url: &str) -> Answer {
    Answer::Json(200, json!({"Protocol": "REST", "Url": url}))
}

#[tokio::test]
async fn the_cheapest_question_that_the_token_allows() {
    for (scopes, path) in [
        ("Mail.ReadBasic", "/v1.0/me/mailFolders/inbox?%24select=id"),
        (
            "Calendars.ReadWrite Mail.ReadWrite User.Read",
            "/v1.0/me/mailFolders/inbox?%24select=id",
        ),
        ("Calendars.Read Mail.Send", "/v1.0/me/calendar?%24select=id"),
        (
            "https://graph.microsoft.com/Contacts.Read",
            "/v1.0/me/contacts?%24top=1&%24select=id",
        ),
    ] {
        let exchange = Exchange::start().await;
        exchange.graph.at(
            path.split('?').next().unwrap(),
            Answer::Json(200, json!({"id": "x"})),
        );
        assert_eq!(exchange.locate(scopes).await, ExchangeOnline, "{scopes}");
        assert_eq!(exchange.graph.requests("/v1.0/").len(), 1);
        assert_eq!(exchange.graph.requests(path).len(), 1, "{scopes}");
        assert!(exchange.autodiscover.requests("").is_empty());
    }
    let exchange = Exchange::start().await;
    for scopes in [
        "",
        "openid User.Read",
        "Mail.Send",
        "https://outlook.office.com/Mail.Read",
    ] {
        assert_eq!(
            exchange.locate(scopes).await,
            Unknown(NothingReadable),
            "{scopes}"
        );
    }
    assert!(exchange.graph.requests("").is_empty());
}

#[tokio::test]
async fn what_graph_calls_no_mailbox_is_told_apart() {
    let elsewhere = || found("https://mail.contoso.example/api");
    let at_microsoft = || found("https://outlook.office.com/api");
    let nobody = || Answer::Json(404, json!({"ErrorCode": "UserNotFound"}));
    let licensed = json!([plan("exchange", "Enabled"), plan("SharePoint", "Enabled")]);
    let late = json!([plan("exchange", "Warning")]);
    let unlicensed = json!([plan("SharePoint", "Enabled"), plan("exchange", "Deleted")]);
    let table = [
        // On-premises mailboxes often have no plan: Autodiscover comes first.
        (&licensed, elsewhere(), OnPremises),
        (&unlicensed, elsewhere(), OnPremises),
        (&json!(null), elsewhere(), OnPremises),
        (&licensed, at_microsoft(), Missing),
        (&late, at_microsoft(), Missing),
        (&unlicensed, at_microsoft(), Unlicensed),
        (&json!([]), at_microsoft(), Unlicensed),
        (&json!(null), at_microsoft(), Missing),
        (&licensed, nobody(), Missing),
        (&unlicensed, nobody(), Unlicensed),
        (
            &unlicensed,
            Answer::Json(200, json!({"Protocol": "REST"})),
            Unlicensed,
        ),
        (
            &unlicensed,
            Answer::Redirect("https://mail.contoso.example/".to_owned()),
            Unlicensed,
        ),
    ];
    for code in [
        "MailboxNotEnabledForRESTAPI",
        "MailboxNotSupportedForRESTAPI",
    ] {
        for (plans, discovered, expected) in &table {
            let exchange = Exchange::without_mailbox().await;
            exchange.graph.at(INBOX, graph_error(404, code));
            exchange.graph.at(ME, person(plans));
            exchange.autodiscover.at(AUTODISCOVER, discovered.clone());
            assert_eq!(exchange.locate("Mail.Read").await, *expected, "{plans}");
            let asked = "Email=ana%2Btest%40contoso.example&Protocol=REST";
            assert_eq!(exchange.autodiscover.requests(asked).len(), 1);
        }
    }
}

#[tokio::test]
async fn without_a_name_or_the_right_to_ask_for_it_nobody_can_tell_why() {
    let exchange = Exchange::without_mailbox().await;
    exchange
        .graph
        .at(ME, graph_error(403, "Authorization_RequestDenied"));
    assert_eq!(exchange.locate("Mail.Read").await, Missing);
    exchange
        .graph
        .at(ME, Answer::Json(200, json!({"assignedPlans": []})));
    assert_eq!(exchange.locate("Mail.Read").await, Unlicensed);
    assert!(exchange.autodiscover.requests("").is_empty());
    exchange.graph.at(
        ME,
        Answer::Json(
            200,
            json!({"mail": null, "userPrincipalName": "upn@contoso.example"}),
        ),
    );
    assert_eq!(exchange.locate("Mail.Read").await, Missing);
    assert_eq!(
        exchange
            .autodiscover
            .requests("Email=upn%40contoso.example")
            .len(),
        1
    );
}

#[tokio::test]
async fn all_else_says_nothing_about_a_location() {
    let troubles = [
        (graph_error(401, "InvalidAuthenticationToken"), NotAllowed),
        (graph_error(403, "ErrorAccessDenied"), NotAllowed),
        (graph_error(404, "ErrorItemNotFound"), Unexpected),
        (Answer::Json(404, json!("no JSON of Graph's")), Unexpected),
        (graph_error(400, "BadRequest"), Unexpected),
        (Answer::Json(200, json!("<html>")), Unexpected),
        (graph_error(429, "TooManyRequests"), Throttled),
        (graph_error(503, "ServiceUnavailable"), Unavailable),
        (Answer::Huge, Unexpected),
        (Answer::Silence, TimedOut),
    ];
    for (trouble, reason) in &troubles {
        let exchange = Exchange::without_mailbox().await;
        exchange.graph.at(INBOX, trouble.clone());
        assert_eq!(exchange.locate("Mail.Read").await, Unknown(*reason));
        assert!(exchange.graph.requests("%2CassignedPlans").is_empty());
    }
    // The same at the second question, except for what only concerns that one.
    for (trouble, reason) in &troubles {
        if matches!(reason, NotAllowed) {
            continue;
        }
        let exchange = Exchange::without_mailbox().await;
        exchange.graph.at(ME, trouble.clone());
        assert_eq!(exchange.locate("Mail.Read").await, Unknown(*reason));
    }
    // And at the third: while Autodiscover is silent, nobody is called unlicensed.
    for (trouble, reason) in [
        (Answer::Json(429, json!({})), Throttled),
        (Answer::Json(500, json!({})), Unavailable),
        (Answer::Silence, TimedOut),
    ] {
        let exchange = Exchange::without_mailbox().await;
        exchange.graph.at(ME, person(&json!([])));
        exchange.autodiscover.at(AUTODISCOVER, trouble);
        let begun = Instant::now();
        assert_eq!(exchange.locate("Mail.Read").await, Unknown(reason));
        assert!(begun.elapsed() < 2 * PATIENCE);
    }
}

#[tokio::test]
async fn all_questions_share_one_deadline() {
    let slow =
        |body: &Value| Reaction::Late(PATIENCE * 2 / 3, crate::wire::response(404, "", body));
    let no_mailbox = json!({"error": {"code": "MailboxNotEnabledForRESTAPI"}});
    let wire = Wire::start([slow(&no_mailbox), slow(&json!({}))]).await;
    let begun = Instant::now();
    let entra = patient(&wire.url, PATIENCE);
    let location = entra
        .locate_mailbox(&AccessToken::new("at"), &held("Mail.Read"))
        .await;
    assert_eq!(location, Unknown(TimedOut));
    assert!(
        begun.elapsed() < PATIENCE + Duration::from_millis(500),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(wire.count(), 2);
}

#[tokio::test]
async fn autodiscover_learns_no_token() {
    let autodiscover = Wire::start([Reaction::status(
        200,
        "",
        &json!({"Url": "https://mail.contoso.example/"}),
    )])
    .await;
    let graph = Authority::start().await;
    graph.at(INBOX, no_mailbox());
    graph.at(ME, person(&json!([])));
    let entra = Entra::new(Settings {
        autodiscover_url: autodiscover.url.clone(),
        ..settings_for(&graph.url, Credentials::None)
    })
    .unwrap();
    let location = entra
        .locate_mailbox(&AccessToken::new("at"), &held("Mail.Read"))
        .await;
    assert_eq!(location, OnPremises);
    let requests = autodiscover.requests();
    assert!(
        requests
            .iter()
            .all(|request| !request.to_ascii_lowercase().contains("authorization")),
        "{requests:?}"
    );
}

#[tokio::test]
async fn whose_token_it_is() {
    let exchange = Exchange::start().await;
    let whose = async || exchange.entra.token_owner(&AccessToken::new("at")).await;
    exchange
        .graph
        .at(ME, Answer::Json(200, json!({"id": PERSON})));
    assert_eq!(whose().await.unwrap(), PERSON);
    assert_eq!(exchange.graph.requests("/v1.0/me?%24select=id").len(), 1);
    exchange
        .graph
        .at(ME, Answer::Json(200, json!({"id": "ana"})));
    assert!(matches!(whose().await, Err(GraphError::Nonsense(_))));
    exchange
        .graph
        .at(ME, graph_error(401, "InvalidAuthenticationToken"));
    assert!(matches!(
        whose().await,
        Err(GraphError::Refused { status: 401 })
    ));
    exchange.graph.at(ME, Answer::Json(500, json!({})));
    assert!(matches!(whose().await, Err(GraphError::Unreachable(_))));
}

#[tokio::test]
async fn in_the_story() {
    let fixture = Fixture::new().await;
    let autodiscover = Authority::start().await;
    autodiscover.at(AUTODISCOVER, found("https://mail.adatum.example/api"));
    let secret =
        assent_microsoft_identity::ClientCredential::Secret(story::ASSENT_CLIENT_SECRET.into());
    let url = fixture.simulator.base_url.parse().unwrap();
    let entra = Entra::new(Settings {
        autodiscover_url: autodiscover.url.clone(),
        ..settings_for(&url, Credentials::One(secret))
    })
    .unwrap();
    for (tenant, person, scopes, expected) in [
        (
            story::CONTOSO,
            story::ANA,
            json!(["Mail.Read", "User.Read"]),
            ExchangeOnline,
        ),
        (
            story::CONTOSO,
            story::BEN,
            json!(["Calendars.Read"]),
            ExchangeOnline,
        ),
        (
            story::FABRIKAM,
            story::FARID,
            json!(["Contacts.Read"]),
            ExchangeOnline,
        ),
        (
            story::CONTOSO,
            story::OLGA,
            json!(["Mail.Send"]),
            Unknown(NothingReadable),
        ),
        (
            story::ADATUM,
            story::DANA,
            json!(["Calendars.ReadWrite", "User.Read"]),
            OnPremises,
        ),
    ] {
        let grant = json!({"tenant": tenant, "client_id": story::ASSENT_CLIENT_ID, "user": person, "scopes": scopes});
        fixture.control("grants", grant).await;
        let default = "https://graph.microsoft.com/.default";
        let (url, flow) = fixture.authorize(TenantRef::Id(tenant), default);
        let query = fixture.back(&url, person, "accept").await;
        let redeemed = fixture.redeem_in(tenant, &flow, &query).await.unwrap();
        let location = entra.locate_mailbox(&redeemed.access_token, &redeemed.scopes);
        assert_eq!(location.await, expected, "{person} {:?}", redeemed.scopes);
        if redeemed.scopes.covers(&["User.Read".to_owned()]) {
            let holder = entra.token_owner(&redeemed.access_token).await.unwrap();
            assert_eq!(holder, person);
        }
    }
}
