//! One call by which the host application ends everything that a user has begun.

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{
    ANA, CONTOSO, HostUser, OLGA, PageForm, PlainBrowser, Reaction, Reply, SettingsClient, forms,
};
use assent_dev_stack::{Stack, TokenBuilder};
use reqwest::Method;
use serde_json::json;

use crate::fixture::{authorize_url, last_sequence, log, selection, start};
use crate::session_client::{self, cookie, open};

async fn cut_off(by: &HostUser, user: &str) -> anyhow::Result<Reply> {
    let path = format!("/v1/accounts/acme/users/{user}/sessions");
    Ok(by.send(Method::DELETE, &path, |request| request).await?)
}

/// The host application's own backend.
fn backend(stack: &Stack, scopes: &[&str]) -> HostUser {
    let token = stack.host.service_token(scopes);
    stack.user("acme", "backend").bearing(&token)
}

#[tokio::test]
async fn it_is_for_the_hosts_backend_and_for_who_manages_the_company() -> anyhow::Result<()> {
    let stack = start().await?;
    let shapes: [fn(TokenBuilder<'_>) -> TokenBuilder<'_>; 4] = [
        |token| token,
        |token| token.super_admin(),
        |token| token.permission("company_settings:manage"),
        // A user's token is none of the backend's, whatever it says.
        |token| token.claim("scope", "sessions:end"),
    ];
    for shape in shapes {
        let somebody = stack.with_token("acme", "ana", shape);
        cut_off(&somebody, "ana").await?.refused(403, "forbidden")?;
    }
    for scopes in [&[][..], &["permissions:read", "login:decide"]] {
        let reply = cut_off(&backend(&stack, scopes), "ana").await?;
        reply.refused(403, "forbidden")?;
    }
    let foreign = stack.super_admin("other", "sam");
    cut_off(&foreign, "ana").await?.refused(403, "forbidden")?;
    let nobody = stack.user("acme", "ana").bearing("x");
    cut_off(&nobody, "ana")
        .await?
        .refused(401, "unauthenticated")?;
    let backend = backend(&stack, &["sessions:end"]);
    cut_off(&backend, "ana@acme.example")
        .await?
        .refused(400, "invalid_request")?;

    // Twice is as good as once, and of somebody who began nothing as good as of somebody who did.
    for by in [&backend, &backend, &stack.super_admin("acme", "sam")] {
        let ended = cut_off(by, "ana").await?;
        ensure!(
            ended.status == 204 && ended.text.is_empty(),
            "{} {}",
            ended.status,
            ended.text
        );
    }
    Ok(())
}

/// What a Super Admin can have under way.
struct Begun {
    by: HostUser,
    session: SettingsClient,
    /// A link, its id, and where it leads whoever follows it.
    link: String,
    link_id: String,
    followed: String,
    /// An administrator's flow, as far as our page, which lies open.
    consent: String,
    page: (PlainBrowser, String, PageForm),
    /// A grant of their own.
    grant: Reply,
}

impl Begun {
    async fn all(stack: &Stack, user: &str) -> anyhow::Result<Self> {
        let (microsoft, by) = (stack.microsoft(), stack.super_admin("acme", user));
        let asked = json!({"purpose": "administrator_consent",
            "permissions": {"calendar": true, "contacts": false, "email": "limited"}});
        let made = by.make_hand_off(&asked).await?.ok()?;
        let link = made.word("/url").context("no link")?.to_owned();
        let followed = microsoft.follow_hand_off(&link).await?;
        let consent = by
            .start_admin_consent(&selection(Some(CONTOSO)))
            .await?
            .ok()?;
        let mut browser = microsoft.new_browser();
        let url = authorize_url(&consent)?;
        let page = microsoft
            .walk_up_to_us(&mut browser, url, OLGA, Reaction::Accept)
            .await?;
        let shown = browser.get(&page).await?;
        let form = forms(&shown.text).first().cloned().context("no form")?;
        Ok(Self {
            session: session_client::super_admin(stack, "acme", user).await?,
            link_id: made.word("/hand_off_id").context("no link")?.to_owned(),
            followed: followed.header("location").context("no way on")?.to_owned(),
            consent: consent.word("/flow_id").context("no flow")?.to_owned(),
            grant: by.start_grant(&["calendar"], Some(ANA)).await?.ok()?,
            page: (browser, page, form),
            link,
            by,
        })
    }

    /// Sends the form of the page that lies open.
    async fn confirm(&mut self) -> anyhow::Result<Reply> {
        let (browser, page, form) = &mut self.page;
        Ok(browser.submit(page, form, &[]).await?)
    }

    async fn is_over(&mut self, stack: &Stack, seen_by: &HostUser) -> anyhow::Result<()> {
        let microsoft = stack.microsoft();
        for path in ["/settings/company", "/settings/account"] {
            let page = self.session.get(path).await?;
            ensure!(page.status == 401, "{path}: {}", page.status);
        }
        let grant = self.grant.word("/flow_id").context("no flow")?;
        for flow in [self.consent.as_str(), grant] {
            let flow = self.by.flow(flow).await?.ok()?;
            ensure!(
                flow.word("/state") == Some("expired")
                    && flow.word("/code") == Some("flow_expired"),
                "{}",
                flow.text
            );
        }
        let grant = authorize_url(&self.grant)?;
        for (address, person) in [(grant, ANA), (self.followed.as_str(), OLGA)] {
            let landing = microsoft.walk(address, person, Reaction::Accept).await?;
            ensure!(landing.outcome == "expired", "{landing:?}");
        }
        let sent = self.confirm().await?;
        ensure!(
            sent.status == 410 && sent.text.contains("may not ask any more"),
            "{} {}",
            sent.status,
            sent.text
        );
        let opened = microsoft.open(&self.link).await?;
        ensure!(opened.status == 410, "{} {}", opened.status, opened.text);
        let alone = seen_by.hand_off(&self.link_id).await?.ok()?;
        let listed = seen_by.hand_offs().await?.ok()?;
        let mut listed = listed.value("/hand_offs").as_array().into_iter().flatten();
        let listed = listed.find(|link| link["hand_off_id"] == *self.link_id);
        for shown in [&alone.body, listed.context("it is not listed")?] {
            ensure!(
                shown["state"] == "expired" && shown["code"] == "flow_expired",
                "{shown}"
            );
        }
        Ok(())
    }

    async fn goes_on(&mut self, stack: &Stack) -> anyhow::Result<()> {
        let page = self.session.get("/settings/company").await?;
        ensure!(page.status == 200, "{}", page.status);
        let grant = authorize_url(&self.grant)?;
        let landing = stack.microsoft().walk(grant, ANA, Reaction::Accept).await?;
        ensure!(landing.outcome == "completed", "{landing:?}");
        self.by
            .hand_off(&self.link_id)
            .await?
            .ok()?
            .with_text("/state", "started")?;
        let sent = self.confirm().await?;
        let landed = sent.header("location").context("no way on")?;
        ensure!(landed.contains("outcome=completed"), "{landed}");
        Ok(())
    }
}

/// Sam leaves the company. What he has begun ends; what others have begun, and what is on the log, stays.
#[tokio::test]
async fn sessions_flows_and_links_of_a_user_end_and_of_nobody_else() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let mut of_sam = Begun::all(&stack, "sam").await?;
    let mut of_sue = Begun::all(&stack, "sue").await?;
    // A token that Sam kept, of when he still was somebody.
    let kept = stack.host.token_for("sam", "acme").super_admin();
    let kept = kept
        .permission("company_settings:manage")
        .claim("iat", 1_700_000_000)
        .sign();

    let ended = cut_off(&backend(&stack, &["sessions:end"]), "sam").await?;
    ensure!(ended.status == 204, "{} {}", ended.status, ended.text);

    of_sam.is_over(&stack, &of_sue.by).await?;
    let replayed = open(&stack, &kept, "/settings/company").await?;
    ensure!(
        replayed.status == 401 && replayed.header("set-cookie").is_none(),
        "{}",
        replayed.status
    );
    ensure!(last_sequence(&log).await? == 0, "something was recorded");

    // Somebody whom the host vouches for again begins anew.
    let token = stack.host.token_for("sam", "acme").sign();
    cookie(&open(&stack, &token, "/settings/account").await?)?;
    let again = of_sam
        .by
        .start_grant(&["contacts"], Some(ANA))
        .await?
        .ok()?;
    let landing = stack
        .microsoft()
        .walk(authorize_url(&again)?, ANA, Reaction::Accept)
        .await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    of_sue.goes_on(&stack).await
}
