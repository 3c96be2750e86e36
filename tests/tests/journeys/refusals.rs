//! Every "no" that Microsoft is known to say, in its documented and its observed shape, on each way that it takes to us:
//! it ends in its class, changes nobody's consent unless it is the person's own answer, and is told in words.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, CONTOSO, HostUser, Landing, OLGA, Person, Reaction};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{authorize_url, last_sequence, log, selection, start};

const SHAPES: [&str; 2] = ["documented", "observed"];

/// What a user is told, and what an administrator is.
#[rustfmt::skip]
fn expected(code: u64) -> Option<(&'static str, &'static str)> {
    Some(match code {
        65004 => ("declined", "declined"),
        90093..=90095 | 900_941 | 900_981 => ("administrator_approval_required", "not_an_administrator"),
        500_011 | 650_052 | 50105 | 53000..=53004 | 53011 | 530_032 | 530_034 | 530_035 | 500_212 | 500_213 => {
            ("administrator_approval_required", "administrator_approval_required")
        }
        65001 => ("consent_missing", "consent_missing"),
        90090 => ("microsoft_unavailable", "microsoft_unavailable"),
        50020 | 16000 | 50034 | 51004 | 90072 => ("identity_mismatch", "tenant_mismatch"),
        700_016 | 700_011 | 7_000_112 | 70001 | 90002 | 90038 | 900_382 | 900_432 => ("tenant_absent", "tenant_absent"),
        50072 | 50074 | 50076 | 50078 | 50079 | 50097 | 50158 => ("interaction_required", "interaction_required"),
        70008 | 700_082 | 70043 | 50173 | 50057 => ("session_ended", "session_ended"),
        54005 => ("flow_already_used", "flow_already_used"),
        65005 | 650_056 | 650_057 | 700_084 | 7_000_215 | 7_000_222 | 700_027 | 7_000_218 | 501_481 | 50147 | 700_005 => {
            ("application_misconfigured", "application_misconfigured")
        }
        _ => return None,
    })
}

/// One number, said in one shape on one way.
#[derive(Debug, Clone, Copy)]
struct Refusal<'a> {
    code: u64,
    endpoint: &'a str,
    shape: &'a str,
    /// Microsoft tells an application nothing but that somebody left.
    looks_like_leaving: bool,
}

impl Refusal<'_> {
    /// The code that the flow ends with.
    fn ends_with(self, of_administrator: bool) -> anyhow::Result<&'static str> {
        let (of_user, of_admin) = expected(self.code)
            .with_context(|| format!("AADSTS{} is new: say what becomes of it", self.code))?;
        let on_a_page = self.endpoint != "token";
        Ok(match self.code {
            _ if on_a_page && self.looks_like_leaving => "undetermined",
            // Only an answer that admits it is a decline.
            65004 if !on_a_page => "undetermined",
            _ if of_administrator => of_admin,
            _ => of_user,
        })
    }
}

async fn table(stack: &Stack, endpoint: &'static str) -> anyhow::Result<Vec<(u64, bool)>> {
    let listed = stack
        .microsoft()
        .control(Method::GET, "refusals", None)
        .await?;
    let rows = listed.body.as_array().context("no table")?.iter();
    let read = |row: &Value| {
        let code = row["code"].as_u64().context("no code")?;
        Ok((
            code,
            row["observed_only_as_cancel"] == true && endpoint != "token",
        ))
    };
    rows.map(read).collect()
}

/// Every row of Microsoft's in each shape, on one way.
async fn each(
    stack: &Stack,
    endpoint: &'static str,
    mut play: impl AsyncFnMut(Refusal<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let table = table(stack, endpoint).await?;
    ensure!(table.len() > 50, "only {} refusals", table.len());
    for (code, only_as_cancel) in table {
        for shape in SHAPES {
            let refusal = Refusal {
                code,
                endpoint,
                shape,
                looks_like_leaving: only_as_cancel && shape == "observed",
            };
            let fault = json!({"endpoint": endpoint, "refuse": {"code": code, "shape": shape}});
            stack
                .microsoft()
                .control(Method::POST, "faults", Some(&fault))
                .await?;
            play(refusal)
                .await
                .with_context(|| format!("{refusal:?}"))?;
        }
    }
    Ok(())
}

/// The flow ended as it should, in words; and the log of the gateway has what Microsoft's support asks for.
async fn told(
    stack: &Stack,
    by: &HostUser,
    landing: &Landing,
    refusal: Refusal<'_>,
    code: &str,
) -> anyhow::Result<()> {
    let flow = by.flow(&landing.flow).await?.ok()?;
    ensure!(flow.word("/code") == Some(code), "{}", flow.text);
    ensure!(
        landing.address.contains(&format!("reason={code}")),
        "{}",
        landing.address
    );
    let detail = flow.word("/detail").unwrap_or_default();
    ensure!(
        detail.ends_with('.') && !detail.contains("AADSTS"),
        "{detail}"
    );
    if !refusal.looks_like_leaving {
        let number = format!("[{}]", refusal.code);
        let log = stack.gateway.log_text();
        let line = log
            .lines()
            .rev()
            .find(|line| line.contains("Microsoft refused a request") && line.contains(&number))
            .context("no line in the log")?;
        let line: Value = serde_json::from_str(line)?;
        for id in ["correlation_id", "trace_id"] {
            let told = line
                .get(id)
                .and_then(Value::as_str)
                .context("no ids in the log")?;
            ensure!(uuid::Uuid::try_parse(told).is_ok(), "{id} is {told}");
        }
    }
    Ok(())
}

async fn own(stack: &Stack, user: &HostUser) -> anyhow::Result<Landing> {
    let started = user.start_grant(&["contacts"], Some(ANA)).await?.ok()?;
    walk(stack, authorize_url(&started)?, ANA).await
}

async fn administrators(stack: &Stack, sam: &HostUser) -> anyhow::Result<Landing> {
    let started = sam
        .start_admin_consent(&selection(Some(CONTOSO)))
        .await?
        .ok()?;
    walk(stack, authorize_url(&started)?, OLGA).await
}

async fn walk(stack: &Stack, url: &str, person: Person) -> anyhow::Result<Landing> {
    Ok(stack
        .microsoft()
        .walk(url, person, Reaction::Accept)
        .await?)
}

#[tokio::test]
async fn to_a_user_on_microsofts_pages() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    each(&stack, "authorize", async |refusal| {
        // A decline is the user's own answer, so that user has answered; all others find the log as it was.
        let ana = stack.user("acme", &format!("ana-{}-{}", refusal.code, refusal.shape));
        let before = last_sequence(&log).await?;
        let landing = own(&stack, &ana).await?;
        told(&stack, &ana, &landing, refusal, refusal.ends_with(false)?).await?;
        let recorded = last_sequence(&log).await? - before;
        ensure!(
            recorded == u64::from(refusal.code == 65004),
            "{recorded} recorded"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn to_a_user_from_the_token_endpoint() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    each(&stack, "token", async |refusal| {
        // Nobody begins as many as there are refusals within a minute.
        let ana = stack.user("acme", &format!("ana-{}-{}", refusal.code, refusal.shape));
        let landing = own(&stack, &ana).await?;
        told(&stack, &ana, &landing, refusal, refusal.ends_with(false)?).await?;
        ensure!(last_sequence(&log).await? == 0, "something was recorded");
        Ok(())
    })
    .await?;
    let landing = own(&stack, &stack.user("acme", "ana")).await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    Ok(())
}

#[tokio::test]
async fn to_an_administrator() -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    let sam = stack.super_admin("acme", "sam");
    for endpoint in ["adminconsent", "token"] {
        each(&stack, endpoint, async |refusal| {
            let name = format!("sam-{}-{}-{endpoint}", refusal.code, refusal.shape);
            let sam = stack.super_admin("acme", &name);
            let landing = administrators(&stack, &sam).await?;
            told(&stack, &sam, &landing, refusal, refusal.ends_with(true)?).await?;
            ensure!(last_sequence(&log).await? == 0, "something was recorded");
            Ok(())
        })
        .await?;
    }
    let landing = administrators(&stack, &sam).await?;
    ensure!(landing.outcome == "completed", "{landing:?}");
    Ok(())
}
