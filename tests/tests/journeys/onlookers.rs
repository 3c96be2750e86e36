//! Whoever only looks changes nothing: HEAD requests of link checkers and mail scanners, and pages that a browser
//! fetches before anybody asked for them. On every route there is, taken from the description of the API.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{ANA, CONTOSO, HostUser, OLGA, Reply, SettingsClient};
use assent_dev_stack::{NatsUser, Stack};
use assent_messaging::Connection;
use reqwest::Method;
use serde_json::{Value, json};

use crate::administrator_page::waiting;
use crate::fixture::{PATIENCE, authorize_url, connect, query_value, selection, sent_back, start};
use crate::session_client;

const AHEAD: [(&str, &str); 4] = [
    ("sec-purpose", "prefetch"),
    ("sec-purpose", "prefetch;prerender"),
    ("purpose", "prefetch"),
    ("x-moz", "prefetch"),
];

/// How much was ever written, anywhere.
async fn written(operator: &Connection) -> anyhow::Result<BTreeMap<&'static str, u64>> {
    let mut written = BTreeMap::new();
    for stream in [
        "CONSENT_EVENTS",
        "CONSENT_OPERATIONS",
        "KV_CONSENT_FLOWS",
        "KV_CONSENT_HAND_OFFS",
        "KV_CONSENT_SESSIONS",
        "KV_CONSENT_OBSERVATIONS",
    ] {
        let subject = format!("$JS.API.STREAM.INFO.{stream}");
        let answer = operator
            .request(&subject, Vec::new(), None, PATIENCE)
            .await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        let last = answer.pointer("/state/last_seq").and_then(Value::as_u64);
        let last = last.context("no last_seq")?;
        written.insert(stream, last);
    }
    Ok(written)
}

/// Things under way, each waiting for somebody to come by a GET.
struct UnderWay {
    admin_consent: String,
    authorize: String,
    confirmation: String,
    administrator: String,
    link: String,
    hand_off: String,
    flow: String,
    ana: SettingsClient,
}

impl UnderWay {
    async fn begin(stack: &Stack, sam: &HostUser) -> anyhow::Result<Self> {
        let begun = async || -> anyhow::Result<Reply> {
            Ok(sam
                .start_admin_consent(&selection(Some(CONTOSO)))
                .await?
                .ok()?)
        };
        let first = begun().await?;
        let admin_consent = sent_back(stack, authorize_url(&first)?, OLGA).await?;
        let second = sent_back(stack, authorize_url(&begun().await?)?, OLGA).await?;
        let on = stack.microsoft().open(&second).await?;
        let on = on.header("location").context("no way on")?;
        let authorize = sent_back(stack, on, OLGA).await?;

        let ana = session_client::user(stack, "acme", "ana").await?;
        let save = "/settings/account/permissions";
        let sent = ana
            .post("/settings/account", save, &[("contacts", "true")])
            .await?;
        let on = sent.header("location").context("no way on")?;
        let back = sent_back(stack, on, ANA).await?;
        let landed = stack.microsoft().open(&back).await?;
        let confirmation = landed.header("location").context("no way on")?.to_owned();
        query_value(&confirmation, "confirm")?;

        let mut wish = selection(None);
        if let Some(fields) = wish.as_object_mut() {
            fields.remove("administrator_confirmed");
            fields.insert("purpose".to_owned(), json!("administrator_consent"));
        }
        let made = sam.make_hand_off(&wish).await?.ok()?;
        Ok(Self {
            flow: query_value(&confirmation, "flow")?,
            link: made.word("/url").context("no link")?.to_owned(),
            hand_off: made.word("/hand_off_id").context("no id")?.to_owned(),
            administrator: waiting(stack, sam).await?.address,
            admin_consent,
            authorize,
            confirmation,
            ana,
        })
    }

    /// A path of the description, with all that it needs to have an effect.
    fn address(&self, path: &str) -> String {
        let whole = match path {
            "/callbacks/microsoft/admin-consent" => Some(&self.admin_consent),
            "/callbacks/microsoft/authorize" => Some(&self.authorize),
            "/settings/account" => Some(&self.confirmation),
            "/administrator-confirmation/{page}" => Some(&self.administrator),
            "/hand-off/{token}" => Some(&self.link),
            _ => None,
        };
        whole.cloned().unwrap_or_else(|| {
            path.replace("{account}", "acme")
                .replace("{user}", "ana")
                .replace("{flow}", &self.flow)
                .replace("{hand_off}", &self.hand_off)
                .replace("{link}", &self.hand_off)
                .replace("{permission}", "calendar")
        })
    }
}

#[tokio::test]
async fn nobody_who_only_looks_changes_anything_on_any_route() -> anyhow::Result<()> {
    let stack = start().await?;
    let operator = connect(&stack, NatsUser::Operator).await?;
    let sam = stack.super_admin("acme", "sam");
    let waiting = UnderWay::begin(&stack, &sam).await?;
    let described = sam
        .send(Method::GET, "/openapi.json", |request| request)
        .await?;
    let described: Value = serde_json::from_str(&described.text)?;
    let paths = described["paths"].as_object().context("no paths")?;
    ensure!(paths.len() > 25, "{} routes", paths.len());

    let before = written(&operator).await?;
    for (path, methods) in paths {
        let address = waiting.address(path);
        ensure!(!address.contains('{'), "{path}: say what to fill in");
        let reads = path.starts_with("/v1/")
            || path.starts_with("/assets/")
            || ["/openapi.json", "/favicon.ico"].contains(&path.as_str());
        let look = async |method: Method, header: Option<(&str, &str)>| {
            let looked = sam.send(method, &address, |request| {
                let request = request
                    .header("cookie", &waiting.ana.cookie)
                    .header("accept", "text/html");
                match header {
                    Some((name, value)) => request.header(name, value),
                    None => request,
                }
            });
            looked.await
        };
        let head = look(Method::HEAD, None).await?;
        if !reads {
            ensure!(head.status == 405, "HEAD {path}: {}", head.status);
            let allowed = head.header("allow").context("no Allow")?;
            ensure!(!allowed.contains("HEAD"), "HEAD {path}: {allowed}");
        }
        if methods.get("get").is_none() {
            continue;
        }
        for header in AHEAD {
            let ahead = look(Method::GET, Some(header)).await?;
            if !reads {
                ensure!(ahead.status == 503, "{header:?} {path}: {}", ahead.status);
                ensure!(ahead.header("cache-control") == Some("no-store"), "{path}");
                ensure!(
                    ahead.word("/code") == Some("fetched_ahead"),
                    "{path}: {}",
                    ahead.text
                );
            }
        }
    }
    let after = written(&operator).await?;
    ensure!(before == after, "{before:?} {after:?}");

    // And then the people come.
    for callback in [&waiting.admin_consent, &waiting.authorize] {
        let taken = stack.microsoft().open(callback).await?;
        ensure!(taken.status == 303, "{}", taken.text);
    }
    let confirmed = waiting.ana.get(&waiting.confirmation).await?;
    ensure!(
        confirmed.status == 303 || confirmed.status == 200,
        "{}",
        confirmed.text
    );
    let opened = stack.microsoft().open(&waiting.link).await?;
    ensure!(opened.status == 200, "{}", opened.text);
    ensure!(written(&operator).await? != after, "nothing was at stake");
    Ok(())
}
