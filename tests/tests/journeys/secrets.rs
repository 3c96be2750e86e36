//! After a full journey: no token, code, one-time value, secret, e-mail address or name where it does not belong.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use assent_contract::names::TOKEN_BUCKET;
use assent_dev_stack::actors::{
    ANA, BEN, CONTOSO, HostUser, OLGA, PageForm, Person, Reaction, Reply, Visit, forms,
};
use assent_dev_stack::{NatsUser, Program, SIMULATOR_CLIENT_SECRET, Stack, profile_directory};
use assent_domain::ids::Sequence;
use assent_messaging::{Bucket, BucketSettings, Connection, ConnectionSettings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::custody::{Custody, refresh_token};
use crate::fixture::{authorize_url, last_sequence, log, selection, start_with};
use crate::session_client::{self, open};

/// What must not be found, and where it would be.
#[derive(Default)]
struct Search {
    secrets: Vec<(String, String)>,
    bodies: Vec<(String, String)>,
}

impl Search {
    fn never(&mut self, what: &str, secret: &str) {
        if !secret.is_empty() {
            self.secrets.push((what.to_owned(), secret.to_owned()));
        }
    }

    /// The one-time values in an address that a browser is sent to.
    fn never_of(&mut self, address: &str) -> anyhow::Result<()> {
        let url = reqwest::Url::parse(address)?;
        for (name, value) in url.query_pairs() {
            if ["state", "nonce", "code", "code_challenge", "confirm"].contains(&name.as_ref()) {
                self.never(&format!("{name} in {}", url.path()), &value);
                // A state names its flow, which is no secret; what follows is.
                if let Some((_, secret)) = value.split_once('.') {
                    self.never(&format!("{name} in {}", url.path()), secret);
                }
            }
        }
        Ok(())
    }

    fn body(&mut self, reply: &Reply) {
        self.bodies.push((reply.call.clone(), reply.text.clone()));
    }

    /// From Microsoft's page to where the browser comes to rest, keeping every address on the way.
    async fn walk(
        &mut self,
        stack: &Stack,
        url: &str,
        person: Person,
        reaction: Reaction<'_>,
    ) -> anyhow::Result<String> {
        let microsoft = stack.microsoft();
        let mut address = url.to_owned();
        loop {
            self.never_of(&address)?;
            if address.starts_with(&stack.simulator.url()) {
                address = match microsoft.visit(&address, person, reaction).await? {
                    Visit::Redirect(address) => address,
                    Visit::Page(code) => bail!("stopped at {code}"),
                };
            } else if address.contains("/callbacks/") {
                let reply = microsoft.open(&address).await?;
                self.body(&reply);
                // Once more, for the error.
                let again = microsoft.open(&address).await?;
                self.body(&again);
                address = reply.header("location").context("no way on")?.to_owned();
            } else if let Some((_, page)) = address.split_once("/administrator-confirmation/") {
                let (_, secret) = page.split_once('.').context("no secret")?;
                self.never("the secret of an administrator's page", secret);
                let mut browser = microsoft.new_browser();
                let shown = browser.get(&address).await?;
                let cookie = shown.header("set-cookie").context("no cookie")?;
                let (_, cookie) = cookie.split_once('=').context("no cookie")?;
                self.never(
                    "a browser's cookie",
                    cookie.split(';').next().unwrap_or_default(),
                );
                self.body(&shown);
                let form = forms(&shown.text).first().cloned().context("no form")?;
                self.body(&browser.submit(&address, &PageForm::default(), &[]).await?);
                let sent = browser.submit(&address, &form, &[]).await?;
                self.body(&sent);
                self.body(&browser.submit(&address, &form, &[]).await?);
                address = sent.header("location").context("no way on")?.to_owned();
            } else {
                return Ok(address);
            }
        }
    }

    /// The addresses in a decision name a Microsoft account, for Microsoft alone.
    fn decision(&mut self, reply: &Reply) {
        let around = reply.text.split('"');
        let around = around.filter(|part| !part.starts_with("http"));
        self.bodies.push((reply.call.clone(), around.collect()));
    }

    fn look_in(&self, place: &str, text: &str) -> anyhow::Result<()> {
        for (what, secret) in &self.secrets {
            ensure!(!text.contains(secret), "{place} holds {what}");
        }
        Ok(())
    }
}

/// What tells who somebody is.
const PERSONAL: [&str; 7] = [
    "contoso.example",
    "Ana Alvarez",
    "Alvarez",
    "Ben Baker",
    "Baker",
    "Olga Orlova",
    "Orlova",
];

#[tokio::test]
async fn a_whole_journey_leaves_no_secret_behind() -> anyhow::Result<()> {
    let vault = tempfile::tempdir()?;
    let public_key = first_key(vault.path()).await?;
    // However much an operator asks to be logged.
    let stack = start_with(|options| {
        let everything = ("RUST_LOG".to_owned(), "trace".to_owned());
        options.variables.push(everything);
        let key = "ASSENT_VAULT_PUBLIC_KEY_FILE".to_owned();
        options.variables.push((key, public_key));
    })
    .await?;
    let tokens_are_kept = keep_tokens(&stack).await?;
    let mut search = Search::default();
    let key = std::fs::read_to_string(vault.path().join("0001.pem"))?;
    search.never("the vault's key", key.lines().nth(1).unwrap_or_default());
    secrets_of_the_services(&stack, &mut search);
    for personal in PERSONAL {
        search.never("a name or an address", personal);
    }
    let token = |user: &str| {
        let token = stack.host.token_for(user, "acme");
        token
            .super_admin()
            .permission("company_settings:manage")
            .sign()
    };
    let tokens = ["ana", "ben", "sam"].map(token);
    for token in &tokens {
        search.never("a token of the host", token);
        let signature = token.rsplit('.').next().unwrap_or_default();
        search.never("a token's signature", signature);
    }
    let [ana, ben, sam] = ["ana", "ben", "sam"].map(|user| stack.user("acme", user));
    let [of_ana, of_ben, of_sam] = &tokens;
    let (ana, ben, sam) = (
        ana.bearing(of_ana),
        ben.bearing(of_ben),
        sam.bearing(of_sam),
    );

    // A grant that is confirmed, one that is declined, an administrator's consent, an automatic grant, and the errors.
    let started = ben.start_grant(&["calendar", "email"], None).await?.ok()?;
    let landed = search
        .walk(&stack, authorize_url(&started)?, BEN, Reaction::Accept)
        .await?;
    search.never_of(&landed)?;
    let confirm = crate::fixture::query_value(&landed, "confirm")?;
    let flow = crate::fixture::query_value(&landed, "flow")?;
    search.body(&ben.confirm(&flow, "guessed").await?);
    search.body(&ben.confirm(&flow, &confirm).await?.ok()?);
    search.body(&ben.confirm(&flow, &confirm).await?);
    let started = ana.start_grant(&["contacts"], Some(ANA)).await?.ok()?;
    search
        .walk(&stack, authorize_url(&started)?, ANA, Reaction::Decline)
        .await?;
    // The address that each is sent to names a Microsoft account, for Microsoft alone.
    let body = json!({"permissions": ["email"], "login_hint": "hint-of-ben"});
    search.never("a login hint", "hint-of-ben");
    let path = "/v1/accounts/acme/users/ben/grants";
    let hinted = ben.send(Method::POST, path, |request| request.json(&body));
    let login = stack.login("acme");
    let at_login = login.through_microsoft("dana", ANA, 0).await?;
    for reply in [hinted.await?.ok()?, at_login.ok()?] {
        let hint = crate::fixture::query_value(authorize_url(&reply)?, "login_hint")?;
        ensure!(hint.contains("ben") || hint.contains("ana@"), "{hint}");
    }
    grant_on_the_pages(&stack, &mut search).await?;
    let started = sam
        .start_admin_consent(&selection(Some(CONTOSO)))
        .await?
        .ok()?;
    search
        .walk(&stack, authorize_url(&started)?, OLGA, Reaction::Accept)
        .await?;
    consent_by_a_link(&stack, &mut search, &sam).await?;
    sign_in_with_a_token_for_graph(&stack, &mut search).await?;
    hold_and_hand_out(&stack, &mut search).await?;
    for forge in [None, Some("expired"), Some("tampered")] {
        let id_token = stack.microsoft().id_token(ANA, forge).await?;
        search.never("an ID token", &id_token);
        let signature = id_token.rsplit('.').next().unwrap_or_default();
        search.never("an ID token's signature", signature);
        let sign_in = json!({"provider": "microsoft", "id_token": id_token});
        let body = json!({"account_id": "acme", "user_id": "ana", "sign_in": sign_in});
        search.decision(&stack.login("acme").ask(&body).await?);
    }
    let expired = stack.host.token_for("ana", "acme").expired().sign();
    search.never("an expired token", &expired);
    search.body(&ana.clone().bearing(&expired).account().await?);
    let (account, user) = (sam.account().await?, ana.see("ana").await?);
    for reply in [account, user, ana.revoke("email").await?] {
        search.body(&reply);
    }
    let records = tokens_are_kept.page(0, 100).await?.entries;
    ensure!(!records.is_empty(), "nothing was kept");
    all_that_microsoft_gave(&stack, &mut search).await?;
    for (place, text) in &search.bodies {
        search.look_in(place, text)?;
    }
    nats_holds_none(&stack, &search)?;
    services_show_none(&stack, &search).await?;
    events_hold_none(&stack, &search).await
}

fn secrets_of_the_services(stack: &Stack, search: &mut Search) {
    search.never("the client secret", SIMULATOR_CLIENT_SECRET);
    for user in NatsUser::ALL {
        search.never("a NATS password", &stack.nats().credentials(user).1);
    }
}

/// Every token that the simulator has handed out is a secret.
async fn all_that_microsoft_gave(stack: &Stack, search: &mut Search) -> anyhow::Result<()> {
    let given = stack
        .microsoft()
        .control(Method::GET, "tokens", None)
        .await?;
    for kind in ["refresh_tokens", "access_tokens"] {
        let tokens = given.value(&format!("/{kind}")).as_array();
        let tokens = tokens.context("no tokens")?;
        ensure!(!tokens.is_empty(), "there are no {kind}");
        for token in tokens {
            search.never(kind, token.as_str().context("no text")?);
        }
    }
    Ok(())
}

/// Makes the key to seal refresh tokens with, as an operator does; its public part's file.
async fn first_key(directory: &Path) -> anyhow::Result<String> {
    let program = profile_directory()?.join("consentctl");
    let mut init = tokio::process::Command::new(program);
    init.args(["vault", "init", "--json", "--dir"])
        .arg(directory);
    let made: Value = serde_json::from_slice(&init.output().await?.stdout)?;
    let file = made.get("public_key").and_then(Value::as_str);
    Ok(file.context("no key")?.to_owned())
}

/// The bucket of sealed tokens, as the token broker makes it.
async fn keep_tokens(stack: &Stack) -> anyhow::Result<Bucket> {
    let (user, password) = stack.nats().credentials(NatsUser::TokenBroker);
    let settings = ConnectionSettings::new(stack.nats().url(), "test").with_user(user, password);
    let settings_of_the_bucket = BucketSettings {
        name: TOKEN_BUCKET.to_owned(),
        max_age: Duration::ZERO,
        replicas: 1,
        max_bytes: 1024 * 1024,
        anew: false,
        allow_rollup: false,
    };
    let connection = Connection::connect(settings).await?;
    Ok(Bucket::open_or_create(&connection, settings_of_the_bucket).await?)
}

/// Of tokens not even what nats-server has on its disk. (What a flow is redeemed with is there, for as long as it lasts.)
fn nats_holds_none(stack: &Stack, search: &Search) -> anyhow::Result<()> {
    let mut directories = vec![stack.nats().store_directory()];
    let mut files = 0;
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let bytes = std::fs::read(&path)?;
            files += usize::from(bytes.windows(5).any(|bytes| bytes == b"acme."));
            for (what, secret) in &search.secrets {
                let is_token = ["refresh_tokens", "access_tokens", "the vault's key"];
                if is_token.contains(&what.as_str()) {
                    let found = bytes
                        .windows(secret.len())
                        .any(|it| it == secret.as_bytes());
                    ensure!(!found, "{} holds {what}", path.display());
                }
            }
        }
    }
    ensure!(0 < files, "nothing is there");
    Ok(())
}

/// A session of the settings, in which a grant is confirmed; the pages are for their user, and hold nothing of it all.
async fn grant_on_the_pages(stack: &Stack, search: &mut Search) -> anyhow::Result<()> {
    let token = stack.host.token_for("ben", "acme").sign();
    search.never("a token that opened a session", &token);
    let ben = session_client::with(stack, &token).await?;
    let (_, cookie) = ben.cookie.split_once('=').context("no cookie")?;
    search.never("a session's cookie", cookie);
    search.body(&open(stack, &token, "/settings/account").await?);
    let save = "/settings/account/permissions";
    let sent = ben
        .post("/settings/account", save, &[("contacts", "true")])
        .await?;
    let on = sent.header("location").context("no way on")?;
    let landed = search.walk(stack, on, BEN, Reaction::Accept).await?;
    search.never_of(&landed)?;
    search.body(&ben.get(&landed).await?);
    for path in ["/settings/account", "/settings/company"] {
        search.body(&ben.get(path).await?);
    }
    Ok(())
}

/// An administrator's consent by a link, whose secret is told once.
async fn consent_by_a_link(
    stack: &Stack,
    search: &mut Search,
    sam: &HostUser,
) -> anyhow::Result<()> {
    let mut link = selection(None);
    if let Some(fields) = link.as_object_mut() {
        fields.remove("administrator_confirmed");
        fields.insert("purpose".to_owned(), json!("administrator_consent"));
    }
    let made = sam.make_hand_off(&link).await?.ok()?;
    let link = made.word("/url").context("no link")?;
    let secret = link.rsplit('.').next().unwrap_or_default();
    search.never("a link's secret", secret);
    search.body(&stack.microsoft().open(link).await?);
    let followed = stack.microsoft().follow_hand_off(link).await?;
    let on = followed.header("location").context("no way on")?;
    search.walk(stack, on, OLGA, Reaction::Accept).await?;
    for reply in [
        sam.hand_offs().await?,
        stack.microsoft().open(&format!("{link}x")).await?,
    ] {
        search.body(&reply);
    }
    Ok(())
}

/// A login that hands on the token which the host application has for Microsoft Graph: it goes on to the gateway.
async fn sign_in_with_a_token_for_graph(stack: &Stack, search: &mut Search) -> anyhow::Result<()> {
    let id_token = stack.microsoft().id_token(BEN, None).await?;
    let access_token = "planted.access.token-for-graph";
    search.never("an ID token", &id_token);
    search.never("a token for Graph", access_token);
    let sign_in =
        json!({"provider": "microsoft", "id_token": id_token, "access_token": access_token});
    let body = json!({"account_id": "acme", "user_id": "ben", "sign_in": sign_in});
    let decided = stack
        .login("acme")
        .ask(&body)
        .await?
        .decided("auto_grant")?;
    ensure!(decided.text.contains("login_hint="), "{}", decided.text);
    search.decision(&decided);
    Ok(())
}

/// Refresh tokens in custody, access tokens handed out, and the errors of both; every token that Microsoft ever gave.
async fn hold_and_hand_out(stack: &Stack, search: &mut Search) -> anyhow::Result<()> {
    let (custody, workers) = (Custody::of(stack).await?, stack.token_service(0));
    for planted in ["planted.refresh.token", "planted\"refresh\nof nobody"] {
        search.never("a planted refresh token", planted);
        ensure!(!custody.deposit("ben", BEN, planted, None).await?);
    }
    let token = refresh_token(stack, BEN).await?;
    ensure!(custody.deposit("ben", BEN, &token, None).await?);
    let handed_out = workers
        .token("acme", "ben", "calendar", &json!({}))
        .await?
        .ok()?;
    ensure!(handed_out.word("/access_token").is_some());
    let planted = json!({"permission": "planted.access.token", "minimum_seconds": 1});
    search.never(
        "a token in the place of a permission",
        "planted.access.token",
    );
    let path = "/v1/accounts/acme/users/ben/tokens";
    let refused = workers.send(Method::POST, path, |request| request.json(&planted));
    search.body(&refused.await?.refused(400, "invalid_request")?);
    for reply in [
        workers.token("acme", "ben", "contacts", &json!({})).await?,
        workers.token("acme", "nobody", "email", &json!({})).await?,
        workers
            .report("acme", "ben", &json!({"error": "planted.access.token"}))
            .await?,
    ] {
        search.body(&reply);
    }
    let given = stack
        .microsoft()
        .control(Method::GET, "tokens", None)
        .await?;
    for kind in ["refresh_tokens", "access_tokens"] {
        let tokens = given.value(&format!("/{kind}")).as_array();
        let tokens = tokens.context("no tokens")?;
        ensure!(!tokens.is_empty(), "Microsoft gave no {kind}");
        for token in tokens.iter().filter_map(Value::as_str) {
            search.never(kind, token);
            search.never(kind, token.rsplit('.').next().unwrap_or_default());
        }
    }
    Ok(())
}

/// Neither in their logs, nor in what they were started with, nor in their metrics.
async fn services_show_none(stack: &Stack, search: &Search) -> anyhow::Result<()> {
    for service in [&stack.gateway, &stack.login_hook]
        .into_iter()
        .chain(&stack.projections)
        .chain(&stack.token_brokers)
    {
        let text = service.log_text();
        // Or nothing would be found in it, whatever it should have held.
        ensure!(
            text.contains("listening"),
            "{} is not the log of a run",
            service.log_file().display()
        );
        ensure!(text.contains("\"level\":\"DEBUG\""), "it logs too little");
        search.look_in(&service.log_file().display().to_string(), &text)?;
        search.look_in("arguments or metrics", &shown_of(service).await?)?;
    }
    Ok(())
}

/// What a process was started with, and what its metrics say.
async fn shown_of(service: &Program) -> anyhow::Result<String> {
    let id = service.process_id().context("it is not running")?;
    let arguments = std::fs::read(format!("/proc/{id}/cmdline"))?;
    let metrics = reqwest::get(format!("{}/metrics", service.url())).await?;
    let metrics = metrics.error_for_status()?.text().await?;
    ensure!(metrics.contains("build_info"), "{metrics}");
    Ok(format!("{} {metrics}", String::from_utf8_lossy(&arguments)))
}

async fn events_hold_none(stack: &Stack, search: &Search) -> anyhow::Result<()> {
    let log = log(stack).await?;
    let last = last_sequence(&log).await?;
    ensure!(last >= 5, "too little happened: {last} events");
    for sequence in 1..=last {
        let entry = log
            .entry(Sequence(sequence))
            .await?
            .context("an event is missing")?;
        let decoded = entry.decode()?;
        let body = assent_contract::codec::encode_body(&decoded.event)?;
        let body: Value = serde_json::from_slice(&body)?;
        ensure!(body.to_string().contains("acme"), "{body} is no event");
        // Whatever the event says, and how the log shows it.
        search.look_in(&format!("event {sequence}"), &format!("{body} {entry:?}"))?;
    }
    Ok(())
}
