//! The page on which a proved administrator sees what their consent is for: whoever led them there, nothing is recorded
//! before they have sent it off.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{
    CONTOSO, HostUser, OLGA, PageForm, PlainBrowser, Reaction, Reply, forms,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{
    admin_consent, authorize_url, company_history, ended, flow_is, last_sequence, log, query_value,
    selection, start,
};

const PAGE: &str = "/administrator-confirmation/";

type Fields<'a> = &'a [(&'a str, &'a str)];

/// What is wrong with it, in which browser it is sent, and with which fields and headers.
type Attempt<'a> = (&'a str, &'a PlainBrowser, Fields<'a>, Fields<'a>);

/// What a browser says of a form that another site's page has it send.
const CROSS_SITE: Fields<'_> = &[("sec-fetch-site", "cross-site"), ("origin", "null")];
const SAME_SITE: Fields<'_> = &[("sec-fetch-site", "same-site")];
const FOREIGN: Fields<'_> = &[("origin", "https://evil.example")];

/// The page that an administrator's browser has come to, opened.
pub(crate) struct Waiting {
    pub(crate) browser: PlainBrowser,
    pub(crate) address: String,
    pub(crate) page: Reply,
    pub(crate) flow: String,
}

impl Waiting {
    /// Olga accepts at Microsoft what `authorize_url` asks, in a browser that was nowhere before.
    pub(crate) async fn at(stack: &Stack, authorize_url: &str) -> anyhow::Result<Self> {
        let microsoft = stack.microsoft();
        let mut browser = microsoft.new_browser();
        let address = microsoft
            .walk_up_to_us(&mut browser, authorize_url, OLGA, Reaction::Accept)
            .await?;
        Self::opened(browser, address).await
    }

    pub(crate) async fn opened(mut browser: PlainBrowser, address: String) -> anyhow::Result<Self> {
        ensure!(address.contains(PAGE), "{address}");
        let page = browser.get(&address).await?;
        ensure!(page.status == 200, "{} {}", page.status, page.text);
        let (_, token) = address.split_once(PAGE).context("no token")?;
        let (flow, _) = token.split_once('.').context("no flow")?;
        let flow = flow.to_owned();
        Ok(Self {
            browser,
            address,
            page,
            flow,
        })
    }

    /// The form that confirms, and the one that refuses.
    fn forms(&self) -> anyhow::Result<[PageForm; 2]> {
        let found: Result<[PageForm; 2], _> = forms(&self.page.text).try_into();
        found.map_err(|found| anyhow::anyhow!("{found:?} on {}", self.page.text))
    }

    pub(crate) async fn confirm(&mut self) -> anyhow::Result<Reply> {
        let [confirm, _] = self.forms()?;
        Ok(self.browser.submit(&self.address, &confirm, &[]).await?)
    }
}

/// A flow that Sam begins by the API, as far as Olga's page.
pub(crate) async fn waiting(stack: &Stack, sam: &HostUser) -> anyhow::Result<Waiting> {
    let started = sam
        .start_admin_consent(&selection(Some(CONTOSO)))
        .await?
        .ok()?;
    Waiting::at(stack, authorize_url(&started)?).await
}

/// An answer for a person, with somewhere to go on from it.
pub(crate) fn is_a_page(reply: &Reply, status: u16, says: &str) -> anyhow::Result<()> {
    let policy = reply.header("content-security-policy").unwrap_or_default();
    ensure!(
        reply.status == status
            && reply.header("content-type") == Some("text/html; charset=utf-8")
            && reply.header("cache-control") == Some("no-store")
            && reply.header("referrer-policy") == Some("no-referrer")
            && policy.contains("frame-ancestors 'none'")
            && reply.text.contains(says),
        "{} {:?} {}, expected {status} {says}",
        reply.status,
        reply.headers,
        reply.text
    );
    Ok(())
}

/// Where an answer sends the browser.
pub(crate) fn sent_to(reply: &Reply) -> anyhow::Result<&str> {
    ensure!(reply.status == 303, "{} {}", reply.status, reply.text);
    reply.header("location").context("no way on")
}

/// Somebody takes the first callback themselves, made up, and sends the address that it leads to on to an administrator
/// whose organisation has consented before. Microsoft shows her nothing; so we do.
#[tokio::test]
async fn whoever_is_led_there_sees_for_whom_it_is_and_can_say_that_it_was_not_them()
-> anyhow::Result<()> {
    let stack = start().await?;
    let (log, microsoft) = (log(&stack).await?, stack.microsoft());
    let sam = stack.super_admin("acme", "sam");
    let landing = admin_consent(&stack, &sam, Some(CONTOSO), OLGA, Reaction::Accept).await?;
    ended(&sam, &landing, "completed", None).await?;
    let before = last_sequence(&log).await?;

    let eve = stack.with_token("evil", "eve", |token| {
        let token = token.super_admin().permission("company_settings:manage");
        token
            .claim("name", "Eve <b>Evil</b>")
            .claim("account_name", "Evil & Sons\u{202E}\n")
    });
    let started = eve.start_admin_consent(&selection(None)).await?.ok()?;
    let state = query_value(authorize_url(&started)?, "state")?;
    let forged = format!(
        "{}/callbacks/microsoft/admin-consent?admin_consent=True&tenant={CONTOSO}&state={state}",
        stack.gateway.url()
    );
    let mut of_eve = microsoft.new_browser();
    let taken = of_eve.get(&forged).await?;
    let forwarded = sent_to(&taken)?.to_owned();

    let mut waiting = Waiting::at(&stack, &forwarded).await?;
    is_a_page(&waiting.page, 200, "Nothing is recorded yet")?;
    for shown in [
        "Evil &#38; Sons",
        "Eve &#60;b&#62;Evil",
        "<code>evil</code>",
        "<code>eve</code>",
        CONTOSO,
        OLGA.object_id,
        "Calendars.ReadWrite",
        "Mail.Send",
        "authorization method changes for everybody",
        "can neither add to it nor take it back",
    ] {
        ensure!(
            waiting.page.text.contains(shown),
            "no {shown}: {}",
            waiting.page.text
        );
    }
    ensure!(!waiting.page.text.contains('\u{202E}'));
    let of_the_flow = format!("\"flow.id\":\"{}\"", uuid_of(&waiting.flow)?);
    ensure!(
        stack.gateway.log_text().lines().any(|line| {
            line.contains("administrator_flow_changed_browser") && line.contains(&of_the_flow)
        }),
        "nobody was told"
    );

    // Looking is all that was done so far, by whatever looks.
    for (method, headers, expected) in [
        (Method::HEAD, [("x", "y")], Some(405)),
        // Whether a browser that only fetches ahead is shown it is nobody's concern.
        (Method::GET, [("sec-purpose", "prefetch")], None),
        (Method::GET, [("x", "y")], Some(200)),
    ] {
        let looked = waiting
            .browser
            .send(method, &waiting.address, &[], &headers)
            .await?;
        ensure!(
            expected.is_none_or(|expected| looked.status == expected),
            "{} {}",
            looked.status,
            looked.text
        );
    }
    flow_is(&eve, &waiting.flow, "awaiting_confirmation", None).await?;
    let confirmed = eve.confirm(&waiting.flow, "x").await?;
    confirmed.refused(403, "forbidden")?;
    ensure!(
        last_sequence(&log).await? == before,
        "something was recorded"
    );

    let [_, refuse] = waiting.forms()?;
    let refused = waiting
        .browser
        .submit(&waiting.address, &refuse, &[])
        .await?;
    ensure!(
        query_value(sent_to(&refused)?, "outcome")? == "declined",
        "{refused:?}"
    );
    flow_is(&eve, &waiting.flow, "declined", Some("declined")).await?;
    ensure!(sent_to(&waiting.confirm().await?)?.contains("outcome=declined"));
    let account = eve.account().await?.ok()?;
    ensure!(
        account.word("/method") == Some("user_individual") && account.sequence() == 0,
        "{}",
        account.text
    );
    ensure!(
        last_sequence(&log).await? == before,
        "something was recorded"
    );
    let told = stack.gateway.log_text();
    ensure!(
        told.contains("administrator_flow_disowned"),
        "nobody was told"
    );
    ensure!(!told.contains("Evil"), "a name stands in the log");
    Ok(())
}

fn uuid_of(simple: &str) -> anyhow::Result<String> {
    Ok(uuid::Uuid::try_parse(simple)?.to_string())
}

/// Whatever is sent otherwise than by this page in this browser. Then the page itself, once.
#[tokio::test]
async fn the_form_is_sent_by_its_own_page_in_its_own_browser_and_once() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let sam = stack.super_admin("acme", "sam");
    let mut body = selection(Some(CONTOSO));
    let back = format!("{}/settings?tab=sync", stack.host.origin());
    set(&mut body, "return_to", json!(back));
    let started = sam.start_admin_consent(&body).await?.ok()?;
    let mut waiting = Waiting::at(&stack, authorize_url(&started)?).await?;
    let [confirm, _] = waiting.forms()?;
    let hidden = |form: &PageForm, name: &str| {
        let mut hidden = form.hidden.iter();
        let found = hidden.find(|(field, _)| field == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let proof = hidden(&confirm, "proof");

    // The page of another flow, in the same browser.
    let other = stack.super_admin("other", "sam");
    let started = other
        .start_admin_consent(&selection(Some(CONTOSO)))
        .await?
        .ok()?;
    let address = stack
        .microsoft()
        .walk_up_to_us(
            &mut waiting.browser,
            authorize_url(&started)?,
            OLGA,
            Reaction::Accept,
        )
        .await?;
    let elsewhere = Waiting::opened(waiting.browser.clone(), address).await?;
    let of_another = hidden(&elsewhere.forms()?[0], "proof");
    ensure!(of_another != proof);

    let here = waiting.browser.clone();
    let nowhere = stack.microsoft().new_browser();
    // A browser with a page of its own behind it, and so with a cookie.
    let another = self::waiting(&stack, &stack.super_admin("third", "sam")).await?;
    let good = [("proof", proof.as_str()), ("decision", "confirm")];
    let refusing = [("proof", proof.as_str()), ("decision", "refuse")];
    let with_proof = |proof| [("proof", proof), ("decision", "confirm")];
    let attempts: [Attempt<'_>; 13] = [
        ("no cookie", &nowhere, &good, &[]),
        ("another browser", &another.browser, &good, &[]),
        ("no proof", &here, &[("decision", "confirm")], &[]),
        ("an empty proof", &here, &with_proof(""), &[]),
        ("another flow's proof", &here, &with_proof(&of_another), &[]),
        ("half a proof", &here, &with_proof(&proof[1..]), &[]),
        ("no decision", &here, &[("proof", proof.as_str())], &[]),
        ("nothing", &here, &[], &[]),
        ("another site's page", &here, &good, CROSS_SITE),
        ("a neighbour's page", &here, &good, SAME_SITE),
        ("a page that says who it is", &here, &good, FOREIGN),
        ("a refusal from elsewhere", &here, &refusing, CROSS_SITE),
        ("a refusal without cookie", &nowhere, &refusing, &[]),
    ];
    for (what, browser, fields, headers) in attempts {
        let mut browser = browser.clone();
        let sent = browser
            .send(Method::POST, &waiting.address, fields, headers)
            .await?;
        is_a_page(&sent, 403, "was not sent by its page").context(what.to_owned())?;
        ensure!(sent.text.contains("Open the page again"), "{what}");
        flow_is(&sam, &waiting.flow, "awaiting_confirmation", None)
            .await
            .context(what.to_owned())?;
    }
    whoever_guesses_sees_nothing(&stack, &waiting).await?;
    ensure!(last_sequence(&log).await? == 0, "something was recorded");

    let sent = waiting.confirm().await?;
    let landed = sent_to(&sent)?;
    ensure!(
        landed.starts_with(&back) && query_value(landed, "outcome")? == "completed",
        "{landed}"
    );
    ensure!(query_value(landed, "flow")? == uuid_of(&waiting.flow)?);
    flow_is(&sam, &waiting.flow, "completed", None).await?;
    let recorded = company_history(&log, "acme").await?.events().len();
    ensure!(recorded == 2, "{recorded} events");

    // Again, and after all.
    let again = waiting
        .browser
        .submit(&waiting.address, &confirm, &[])
        .await?;
    ensure!(sent_to(&again)? == landed, "{again:?}");
    let refuse = waiting.forms()?[1].clone();
    let refused = waiting
        .browser
        .submit(&waiting.address, &refuse, &[])
        .await?;
    is_a_page(&refused, 409, "answered already")?;
    ensure!(
        refused.text.contains("outcome=completed"),
        "{}",
        refused.text
    );
    let looked = waiting.browser.get(&waiting.address).await?;
    is_a_page(&looked, 409, "answered already")?;
    ensure!(company_history(&log, "acme").await?.events().len() == 2);
    Ok(())
}

/// Somebody who knows the flow, and not the page's secret.
async fn whoever_guesses_sees_nothing(stack: &Stack, waiting: &Waiting) -> anyhow::Result<()> {
    for guessed in [
        waiting.flow.clone(),
        format!("{}.", waiting.flow),
        format!("{}.guessed", waiting.flow),
        "x".to_owned(),
    ] {
        let address = format!("{}{PAGE}{guessed}", stack.gateway.url());
        let mut browser = waiting.browser.clone();
        let looked = browser.get(&address).await?;
        is_a_page(&looked, 404, "nothing to confirm").context(guessed)?;
        ensure!(forms(&looked.text).is_empty(), "{}", looked.text);
    }
    Ok(())
}

fn set(body: &mut Value, name: &str, value: Value) {
    if let Some(fields) = body.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

/// The page behind a link has a form as well: it goes on for nobody who did not read it.
#[tokio::test]
async fn the_form_behind_a_link_is_sent_by_its_own_page_only() -> anyhow::Result<()> {
    let stack = start().await?;
    let microsoft = stack.microsoft();
    let sam = stack.super_admin("acme", "sam");
    let asked = json!({"purpose": "administrator_consent",
        "permissions": {"calendar": true, "contacts": false, "email": "limited"}});
    let made = sam.make_hand_off(&asked).await?.ok()?;
    let other = sam.make_hand_off(&asked).await?.ok()?;
    let url = made.word("/url").context("no link")?;
    let (mut here, nowhere) = (microsoft.new_browser(), microsoft.new_browser());
    let mut another = microsoft.new_browser();
    let proof_on = |page: &Reply| {
        let forms = forms(&page.text);
        let form = forms.first().context("no form")?;
        let (_, proof) = form.hidden.first().context("no proof")?;
        Ok::<_, anyhow::Error>(proof.clone())
    };
    let proof = proof_on(&here.get(url).await?)?;
    let of_another_link = proof_on(&here.get(other.word("/url").context("no link")?).await?)?;
    let of_another_browser = proof_on(&another.get(url).await?)?;

    let ticked = ("administrator_confirmed", "true");
    let good = [("proof", proof.as_str()), ticked];
    let attempts: [Attempt<'_>; 7] = [
        ("no proof", &here, &[ticked], &[]),
        ("no cookie", &nowhere, &good, &[]),
        ("another browser", &another, &good, &[]),
        (
            "another browser's proof",
            &here,
            &[("proof", of_another_browser.as_str()), ticked],
            &[],
        ),
        (
            "another link's proof",
            &here,
            &[("proof", of_another_link.as_str()), ticked],
            &[],
        ),
        ("another site's page", &here, &good, CROSS_SITE),
        ("a page that says who it is", &here, &good, FOREIGN),
    ];
    let id = made.word("/hand_off_id").context("no link")?;
    for (what, browser, fields, headers) in attempts {
        let sent = browser
            .clone()
            .send(Method::POST, url, fields, headers)
            .await?;
        is_a_page(&sent, 403, "Nothing has happened yet").context(what.to_owned())?;
        ensure!(!forms(&sent.text).is_empty(), "{what}: no way on");
        let shown = sam.hand_off(id).await?.ok()?;
        ensure!(
            shown.word("/state") == Some("opened"),
            "{what}: {}",
            shown.text
        );
    }
    let unticked = here
        .send(Method::POST, url, &[("proof", &proof)], &[])
        .await?;
    is_a_page(&unticked, 422, "Tick the box")?;
    let sent = here.send(Method::POST, url, &good, &[]).await?;
    ensure!(
        sent_to(&sent)?.starts_with(&stack.simulator.url()),
        "{sent:?}"
    );
    sam.hand_off(id)
        .await?
        .ok()?
        .with_text("/state", "started")?;
    Ok(())
}
