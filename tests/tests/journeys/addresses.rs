//! Addresses and names as people paste them: with an old outcome in them, with a full stop behind them, or to no page at all.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, CONTOSO, HostUser, OLGA, Person, Reaction, Reply, forms};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{authorize_url, start};
use crate::session_client::{self, open};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// The query of where somebody came to rest, in its order.
async fn landed_on(
    stack: &Stack,
    started: &Reply,
    person: Person,
) -> anyhow::Result<(String, Vec<(String, String)>)> {
    let on = authorize_url(started)?;
    let landing = stack.microsoft().walk(on, person, Reaction::Accept).await?;
    let url = reqwest::Url::parse(&landing.address)?;
    Ok((landing.address, url.query_pairs().into_owned().collect()))
}

#[tokio::test]
async fn an_outcome_of_an_earlier_flow_is_not_carried_along() -> anyhow::Result<()> {
    let stack = start().await?;
    let origin = stack.host.origin();
    let old = "flow=019ab000-0000-7000-8000-000000000000&a=%20+1&outcome=declined&reason=declined&b&confirm=old";
    let return_to = format!("{origin}/me?{old}#part");
    let names = ["a", "b", "flow", "outcome"];
    let in_order = |(address, query): &(String, Vec<(String, String)>), more: &[&str]| {
        let found: Vec<_> = query.iter().map(|(name, _)| name.as_str()).collect();
        ensure!(found == [&names[..], more].concat(), "{address}");
        ensure!(
            address.starts_with(&format!("{origin}/me?a=%20+1&b&flow="))
                && address.ends_with("#part"),
            "{address}"
        );
        Ok(())
    };

    let ana = stack.user("acme", "ana");
    let body = json!({"permissions": ["calendar"], "return_to": return_to,
        "microsoft_identity": {"tenant_id": ANA.tenant, "object_id": ANA.object_id}});
    let path = "/v1/accounts/acme/users/ana/grants";
    let started = ana.send(Method::POST, path, |request| request.json(&body));
    let started = started.await?.ok()?;
    // Nobody vouches for her here: the only confirmation is the new one.
    in_order(&landed_on(&stack, &started, ANA).await?, &["confirm"])?;

    let sam = stack.super_admin("acme", "sam");
    let body = json!({"administrator_confirmed": true, "return_to": return_to,
        "permissions": {"calendar": true, "contacts": false, "email": "full"}});
    let started = sam.start_admin_consent(&body).await?.ok()?;
    in_order(&landed_on(&stack, &started, OLGA).await?, &[])?;

    let body = json!({"account_id": "beta", "user_id": "ana", "return_to": return_to,
        "sign_in": {"provider": "microsoft", "id_token": stack.microsoft().id_token(ANA, None).await?}});
    let asked = stack.login("beta").ask(&body).await?.ok()?;
    in_order(&landed_on(&stack, &asked, ANA).await?, &[])?;

    let token = || stack.host.token_for("ana", "acme").sign();
    let opened = open(&stack, &token(), &return_to).await?;
    let there = format!("{origin}/me?a=%20+1&b#part");
    ensure!(opened.header("location") == Some(&there), "{opened:?}");
    let opened = open(&stack, &token(), &format!("/settings/account?{old}")).await?;
    let there = format!("{}/settings/account?a=%20+1&b", stack.gateway.url());
    ensure!(opened.header("location") == Some(&there), "{opened:?}");
    Ok(())
}

/// What mail programs, chats and people leave behind an address.
const BEHIND: [&str; 16] = [
    ".",
    ")",
    ",",
    ">",
    "\"",
    "/",
    "%2E",
    "%29.",
    "/)",
    "%20",
    "%E2%80%9D",
    "'",
    ";",
    "&amp;",
    "?utm_source=mail&fbclid=x",
    ".?utm_source=mail",
];

#[tokio::test]
async fn a_link_is_found_whatever_was_left_behind_it() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme|1.x", "sam");
    let body = json!({"purpose": "administrator_consent",
        "permissions": {"calendar": true, "contacts": false, "email": "none"}});
    let made = sam.make_hand_off(&body).await?.ok()?;
    let link = made.word("/url").context("no link")?;
    for behind in BEHIND {
        let address = format!("{link}{behind}");
        let mut browser = stack.microsoft().new_browser();
        let page = browser.get(&address).await?;
        ensure!(page.status == 200, "{behind}: {}", page.status);
        ensure!(page.text.contains("acme|1.x"), "{behind}: {}", page.text);
        let form = forms(&page.text).into_iter().next().context("no form")?;
        let ticked = [("administrator_confirmed", "true")];
        let on = browser.submit(&address, &form, &ticked).await?;
        ensure!(on.status == 303, "{behind}: {} {}", on.status, on.text);
    }
    // The secret is needed whole, and the log of the gateway has none of it.
    let (most, secret) = link.rsplit_once('.').context("no secret")?;
    let cut = secret.get(..secret.len() - 1).context("no secret")?;
    for wrong in [
        format!("{most}.{cut}"),
        format!("{most}.{cut}."),
        format!("{most}./"),
    ] {
        let page = stack.microsoft().new_browser().get(&wrong).await?;
        ensure!(page.status == 404, "{}", page.status);
        ensure!(page.text.contains("There is no such link"), "{}", page.text);
    }
    ensure!(
        !stack.gateway.log_text().contains(cut),
        "a secret was logged"
    );
    Ok(())
}

#[tokio::test]
async fn our_other_addresses_are_found_too() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.super_admin("acme", "sam");
    let body = json!({"administrator_confirmed": true,
        "permissions": {"calendar": true, "contacts": false, "email": "full"}});
    let started = sam.start_admin_consent(&body).await?.ok()?;
    let microsoft = stack.microsoft();
    let mut browser = microsoft.new_browser();
    let confirmation = microsoft
        .walk_up_to_us(
            &mut browser,
            authorize_url(&started)?,
            OLGA,
            Reaction::Accept,
        )
        .await?;
    for behind in BEHIND {
        let page = browser.get(&format!("{confirmation}{behind}")).await?;
        ensure!(page.status == 200, "{behind}: {}", page.status);
        ensure!(page.text.contains("acme"), "{behind}: {}", page.text);
        let settings = format!("{}/settings/account{behind}", stack.gateway.url());
        let page = browser.get(&settings).await?;
        ensure!(
            page.status == 401 && page.text.contains("Your session is over"),
            "{behind}: {} {}",
            page.status,
            page.text
        );
    }
    let address = format!("{confirmation}.");
    let recorded = microsoft.confirm(&mut browser, &address).await?;
    ensure!(recorded.status == 303, "{}", recorded.text);
    sam.account()
        .await?
        .ok()?
        .with_text("/method", "admin_configured")?;
    Ok(())
}

async fn start_in(sam: &HostUser, tenant: &str) -> anyhow::Result<Reply> {
    let body = json!({"administrator_confirmed": true, "tenant": tenant,
        "permissions": {"calendar": true, "contacts": false, "email": "full"}});
    Ok(sam.start_admin_consent(&body).await?)
}

#[tokio::test]
async fn a_tenant_is_named_as_people_name_it() -> anyhow::Result<()> {
    let stack = start().await?;
    let books = "c0000000-0000-4000-8000-00000000b00c";
    let tenant = json!({"id": books, "name": "B\u{fc}cher", "domain": "xn--bcher-kva.example"});
    stack
        .microsoft()
        .control(Method::POST, "tenants", Some(&tenant))
        .await?;
    let sam = stack.super_admin("acme", "sam");
    for (named, id) in [
        ("b\u{fc}cher.example", books),
        ("  B\u{dc}CHER.example. ", books),
        ("olga@contoso.example", CONTOSO),
        (
            "mailto:olga@contoso.example?cc=farid@fabrikam.example",
            CONTOSO,
        ),
        ("contoso.example.", CONTOSO),
        ("https://contoso.example/", CONTOSO),
        ("https://www.contoso.example/jobs?x=1", CONTOSO),
        (&format!("{{{}}}", CONTOSO.to_uppercase()), CONTOSO),
        (&format!(" {CONTOSO}\n"), CONTOSO),
        (
            &format!("https://login.microsoftonline.com/{CONTOSO}/oauth2/v2.0/authorize"),
            CONTOSO,
        ),
    ] {
        let started = start_in(&sam, named).await?.ok()?;
        let on = authorize_url(&started)?;
        ensure!(on.contains(&format!("/{id}/")), "{named}: {on}");

        let body = json!({"purpose": "administrator_consent", "tenant": named,
            "permissions": {"calendar": true, "contacts": false, "email": "none"}});
        let made = sam.make_hand_off(&body).await?.ok()?;
        ensure!(
            made.word("/tenant_id") == Some(id),
            "{named}: {}",
            made.text
        );
        let link = made.word("/hand_off_id").context("no link")?;
        sam.cancel_hand_off(link).await?.ok()?;
        let link = made.word("/url").context("no link")?;
        let page = stack.microsoft().open(link).await?;
        ensure!(!page.text.contains("olga@"), "{}", page.text);
    }
    // The same in the field of the settings page; what is wrong stands there to be mended, and nowhere else.
    let visitor = session_client::super_admin(&stack, "acme", "sam").await?;
    let path = "/settings/company/administrator-consent";
    for (named, id) in [
        (" olga@contoso.example. ", Some(CONTOSO)),
        ("https://b\u{fc}cher.example/", Some(books)),
        ("Contoso Ltd", None),
    ] {
        let fields = [
            ("administrator_confirmed", "true"),
            ("calendar", "true"),
            ("tenant", named),
        ];
        let sent = visitor.post("/settings/company", path, &fields).await?;
        match id {
            Some(id) => {
                let on = sent.header("location").unwrap_or_default();
                ensure!(on.contains(&format!("/{id}/")), "{named}: {}", sent.text);
            }
            None => ensure!(
                sent.text.contains("such as contoso.com"),
                "{named}: {}",
                sent.text
            ),
        }
    }
    ensure!(
        !stack.logs_text().contains("olga@"),
        "an address was logged"
    );
    for named in [
        "contoso",
        "Contoso Ltd",
        "olga@",
        "olga@contoso.example, farid@fabrikam.example",
        "https://localhost/",
        "organizations",
    ] {
        let refused = start_in(&sam, named)
            .await?
            .refused(400, "invalid_request")?;
        let detail = refused.word("/detail").unwrap_or_default();
        ensure!(
            detail.contains("GUID") && detail.contains("contoso.com"),
            "{detail}"
        );
    }
    Ok(())
}

/// Every path of the description and some besides, with every method.
fn everywhere() -> anyhow::Result<Vec<(Method, String)>> {
    let document: Value = serde_json::from_str(include_str!(
        "../../../services/consent-gateway/openapi.json"
    ))?;
    let paths = document.pointer("/paths").and_then(Value::as_object);
    let described = paths.context("no paths")?.keys().map(String::as_str);
    let others = [
        "/",
        "/nowhere",
        "/v1",
        "/v1/nowhere",
        "/settings",
        "/hand-off",
        "/hand-off/",
        "/assets/x",
        "/session/x",
        "/%ff",
        "/hand-off/%ff",
        "/administrator-confirmation/%ff",
        "/v1/flows/%ff",
        "/v1/accounts/%ff",
        "/..%2f..",
        "/index.html",
    ];
    let mut all = Vec::new();
    for path in described.chain(others) {
        // A parameter that no route can read.
        let path = path.replace(['{', '}'], "%ff");
        for method in [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::PATCH,
        ] {
            all.push((method, path.clone()));
        }
    }
    Ok(all)
}

#[tokio::test]
async fn people_get_a_page_that_leads_back_and_programs_a_problem() -> anyhow::Result<()> {
    let stack = start().await?;
    let nobody = stack.user("acme", "nobody").in_a_browser();
    let home = format!("href=\"{}\"", stack.host.origin());
    let mut unknown = 0;
    for (method, path) in everywhere()? {
        let what = format!("{method} {path}");
        let as_person = nobody.send(method.clone(), &path, |request| {
            request.header("accept", BROWSER)
        });
        let as_person = as_person.await?;
        let as_program = nobody
            .send(method.clone(), &path, |request| request)
            .await?;
        ensure!(
            as_person.status == as_program.status && as_person.status < 500,
            "{what}: {} {}",
            as_person.status,
            as_program.status
        );
        if as_person.status < 400 {
            continue;
        }
        let is_page = as_person.header("content-type") == Some("text/html; charset=utf-8");
        ensure!(is_page, "{what}: {as_person:?}");
        ensure!(
            as_person.text.contains("<h1>"),
            "{what}: {}",
            as_person.text
        );
        if matches!(as_person.status, 404 | 405) && !as_person.text.contains("no such link") {
            unknown += 1;
            let leads_back =
                as_person.text.contains(&home) || as_person.text.contains("nothing to confirm");
            ensure!(leads_back, "{what}: {}", as_person.text);
        }
        if as_person.status == 405 {
            ensure!(as_person.header("allow").is_some(), "{what}: {as_person:?}");
        }
        if matches!(as_program.status, 404 | 405)
            && as_program.header("content-type") != Some("text/html; charset=utf-8")
        {
            as_program
                .refused(
                    as_person.status,
                    if as_person.status == 404 {
                        "not_found"
                    } else {
                        "method_not_allowed"
                    },
                )
                .context(what)?;
        }
    }
    ensure!(unknown > 100, "{unknown}");
    Ok(())
}

/// What a proxy in front keeps from the world by its path has no second spelling, and nothing leads off.
#[tokio::test]
async fn what_is_not_for_people_is_found_by_its_very_address_only() -> anyhow::Result<()> {
    let stack = start().await?;
    let person = stack.user("acme", "nobody").in_a_browser();
    let opens = async |path: &str| {
        let asked = person.send(Method::GET, path, |request| {
            request.header("accept", BROWSER)
        });
        asked.await
    };
    for path in ["/metrics", "/livez", "/readyz", "/openapi.json"] {
        ensure!(opens(path).await?.status == 200, "{path}");
        let name = path.trim_start_matches('/');
        for spelled in [
            format!("{path}."),
            format!("{path})"),
            format!("{path}%2E"),
            format!("{path}/"),
            format!("//{name}"),
            format!("/.//{name}"),
            format!("/%2F{name}"),
            path.replace('e', "%65"),
            format!("/settings%2F..%2F{name}"),
        ] {
            let found = opens(&spelled).await?;
            ensure!(found.status == 404, "{spelled}: {found:?}");
        }
    }
    for path in [
        "//evil.example",
        "//evil.example/settings/account",
        "/settings/account/%5C%5Cevil.example",
        "/callbacks%2Fmicrosoft%2Fauthorize?state=x",
        "/session/..//evil.example/",
    ] {
        let found = opens(path).await?;
        ensure!(matches!(found.status, 401 | 404), "{path}: {found:?}");
        ensure!(found.header("location").is_none(), "{path}: {found:?}");
        ensure!(!found.text.contains("evil"), "{path}: {}", found.text);
    }
    Ok(())
}

/// Java's `HttpURLConnection` asks for HTML wherever nobody tells it otherwise.
#[tokio::test]
async fn who_calls_the_api_with_a_token_gets_problems_whatever_it_accepts() -> anyhow::Result<()> {
    const JAVAS: &str = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2";
    let stack = start().await?;
    for caller in [
        stack.user("acme", "ana"),
        stack.user("acme", "ana").bearing("expired"),
    ] {
        for path in ["/v1/accounts/other", "/v1/nowhere"] {
            let called = caller.send(Method::GET, path, |request| request.header("accept", JAVAS));
            let called = called.await?;
            let kind = called.header("content-type");
            ensure!(
                kind == Some("application/problem+json"),
                "{path}: {called:?}"
            );
        }
    }
    Ok(())
}
