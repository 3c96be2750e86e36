//! Every "no" that Microsoft is known to say, in its documented and its observed shape, on each way that it takes to us:
//! it ends in its class, changes nobody's consent unless it is the person's own answer, is told in words and by its number,
//! and alarms nobody unless it is our own fault.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{ANA, CONTOSO, HostUser, Landing, OLGA, Person, Reaction};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{authorize_url, ended, fault, last_sequence, log, selection, start};

mod rows;

use rows::{Told, told_of, without_words};

/// One number, said in one way at one place.
#[derive(Debug, Clone)]
struct Refusal {
    code: u64,
    endpoint: &'static str,
    /// For the simulator.
    words: Value,
    /// The `error` that it says.
    error: String,
    /// Microsoft tells an application nothing but that somebody left.
    looks_like_leaving: bool,
}

impl Refusal {
    /// The code that the flow ends with.
    fn ends_with(&self, of_administrator: bool) -> anyhow::Result<&'static str> {
        let told = self.told()?;
        let on_a_page = self.endpoint != "token";
        Ok(match self.code {
            _ if on_a_page && self.looks_like_leaving => "undetermined",
            // Said three times to somebody who has just accepted.
            65001 if of_administrator && self.endpoint != "adminconsent" => {
                "consent_not_yet_effective"
            }
            // Only an answer that admits it is a decline.
            65004 if !on_a_page => "undetermined",
            _ if of_administrator => told.administrator,
            _ => told.user,
        })
    }

    fn told(&self) -> anyhow::Result<Told> {
        told_of(self.code)
            .with_context(|| format!("AADSTS{} is new: say what becomes of it", self.code))
    }

    /// Only what the token endpoint says of ourselves, and not of the code that a browser brought.
    fn alarms(&self) -> anyhow::Result<bool> {
        let is_of_the_code = [
            501_481, 50147, 700_005, 7_000_012, 500_112, 9_002_313, 900_144,
        ];
        Ok(self.told()?.is_ours
            && self.endpoint == "token"
            && self.error != "invalid_grant"
            && !is_of_the_code.contains(&self.code))
    }

    /// Whether there is a number for whoever looks it up.
    fn is_told_by_number(&self, code: &str) -> bool {
        let without = ["declined", "flow_already_used", "consent_not_yet_effective"];
        !self.looks_like_leaving && !without.contains(&code)
    }

    /// A whole tenant is told to wait, by 429: that is no answer to what was asked, and Microsoft is left alone for a while.
    fn is_throttling(&self) -> bool {
        self.code == 90055 && self.endpoint == "token"
    }
}

/// What Microsoft says at one place: what it documents and was seen to say, where these differ; and the numbers of which
/// the simulator knows no words.
async fn refusals(stack: &Stack, endpoint: &'static str) -> anyhow::Result<Vec<Refusal>> {
    let listed = stack
        .microsoft()
        .control(Method::GET, "refusals", None)
        .await?;
    let mut all = Vec::new();
    for row in listed.body.as_array().context("no table")? {
        let code = row["code"].as_u64().context("no code")?;
        let is_only_seen_as_leaving = row["observed_only_as_cancel"] == true && endpoint != "token";
        let error = |shape: &str| row.pointer(&format!("/{shape}/{endpoint}"));
        let differs = error("documented") != error("observed")
            || (endpoint == "token" && row["suberror"].is_string())
            || is_only_seen_as_leaving;
        let shapes: &[&str] = if differs {
            &["observed", "documented"]
        } else {
            &["observed"]
        };
        for shape in shapes {
            all.push(Refusal {
                code,
                endpoint,
                words: json!({"code": code, "shape": shape}),
                error: error(shape)
                    .and_then(Value::as_str)
                    .context("no error")?
                    .to_owned(),
                looks_like_leaving: is_only_seen_as_leaving && *shape == "observed",
            });
        }
    }
    ensure!(all.len() > 50, "only {} refusals", all.len());
    all.extend(without_words().map(|(code, on_a_page, from_token)| {
        let error = if endpoint == "token" {
            from_token
        } else {
            on_a_page
        };
        Refusal {
            code,
            endpoint,
            words: json!({"code": code, "error": error}),
            error: error.to_owned(),
            looks_like_leaving: false,
        }
    }));
    Ok(all)
}

/// Has Microsoft say each at one place.
async fn each(
    stack: &Stack,
    endpoint: &'static str,
    mut play: impl AsyncFnMut(&Refusal) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for refusal in refusals(stack, endpoint).await? {
        if refusal.is_throttling() {
            continue;
        }
        // As often as it may be asked again.
        let count = if refusal.code == 65001 { 3 } else { 1 };
        let refused = json!({"endpoint": endpoint, "refuse": refusal.words, "count": count});
        fault(stack, &refused).await?;
        let alarms = alarms(stack);
        play(&refusal)
            .await
            .with_context(|| format!("{refusal:?}"))?;
        stack
            .microsoft()
            .control(Method::DELETE, "faults", None)
            .await?;
        quiet(stack, &refusal, alarms)
            .await
            .with_context(|| format!("{refusal:?}"))?;
    }
    Ok(())
}

fn alarms(stack: &Stack) -> usize {
    stack.gateway.log_text().matches("operator_alarm").count()
}

/// One customer's trouble neither alarms an operator nor makes the gateway less ready. Our own is told.
async fn quiet(stack: &Stack, refusal: &Refusal, alarms_before: usize) -> anyhow::Result<()> {
    let has_alarmed = alarms(stack) > alarms_before;
    ensure!(has_alarmed == refusal.alarms()?, "alarmed: {has_alarmed}");
    let nobody = stack.user("acme", "nobody");
    let ready = nobody
        .send(Method::GET, "/readyz", |request| request)
        .await?
        .ok()?;
    if refusal.alarms()? {
        // A credential that works again is known by the next code.
        let landing = own(stack, refusal, ANA).await?;
        ensure!(landing.1.outcome == "completed", "{landing:?}");
    } else {
        ensure!(
            ready.text.contains(r#""microsoft":{"ready":true}"#),
            "{}",
            ready.text
        );
    }
    Ok(())
}

/// The flow ended as it should, in words; and the log of the gateway has what Microsoft's support asks for.
async fn told(
    stack: &Stack,
    (by, landing): &(HostUser, Landing),
    refusal: &Refusal,
    code: &str,
) -> anyhow::Result<()> {
    let flow = by
        .flow(&landing.flow)
        .await?
        .ok()?
        .with_text("/code", code)?;
    ensure!(flow.word("/state") == Some(state(code)), "{}", flow.text);
    ensure!(
        landing.address.contains(&format!("reason={code}")),
        "{}",
        landing.address
    );
    let detail = flow.word("/detail").unwrap_or_default();
    let number = format!(" Microsoft answered AADSTS{}.", refusal.code);
    ensure!(
        detail.ends_with('.') && detail.ends_with(&number) == refusal.is_told_by_number(code),
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

fn state(code: &str) -> &'static str {
    match code {
        "declined" => "declined",
        "undetermined"
        | "interaction_required"
        | "session_ended"
        | "consent_missing"
        | "consent_not_yet_effective"
        | "application_misconfigured"
        | "microsoft_unavailable" => "undetermined",
        _ => "refused",
    }
}

/// Nobody begins as many flows within a minute as there are refusals: so each is another user's.
fn name(refusal: &Refusal) -> String {
    format!("{}-{}", refusal.code, uuid::Uuid::now_v7())
}

async fn own(
    stack: &Stack,
    refusal: &Refusal,
    person: Person,
) -> anyhow::Result<(HostUser, Landing)> {
    let user = stack.user(&format!("acme-{}", refusal.code), &name(refusal));
    let started = user.start_grant(&["contacts"], Some(person)).await?.ok()?;
    let landing = walk(stack, authorize_url(&started)?, person).await?;
    Ok((user, landing))
}

async fn administrators(stack: &Stack, refusal: &Refusal) -> anyhow::Result<(HostUser, Landing)> {
    let sam = stack.super_admin(&format!("acme-{}", refusal.code), &name(refusal));
    let started = sam
        .start_admin_consent(&selection(Some(CONTOSO)))
        .await?
        .ok()?;
    let landing = walk(stack, authorize_url(&started)?, OLGA).await?;
    Ok((sam, landing))
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
        // A decline is the user's own answer; all others find the log as it was.
        let before = last_sequence(&log).await?;
        let ended = own(&stack, refusal, ANA).await?;
        told(&stack, &ended, refusal, refusal.ends_with(false)?).await?;
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
        let before = last_sequence(&log).await?;
        let ended = own(&stack, refusal, ANA).await?;
        told(&stack, &ended, refusal, refusal.ends_with(false)?).await?;
        ensure!(
            last_sequence(&log).await? == before,
            "something was recorded"
        );
        Ok(())
    })
    .await
}

/// On the page of the first callback, on that of the second, and from the token endpoint.
async fn to_an_administrator(endpoint: &'static str) -> anyhow::Result<()> {
    let stack = start().await?;
    let log = log(&stack).await?;
    each(&stack, endpoint, async |refusal| {
        let before = last_sequence(&log).await?;
        let ended = administrators(&stack, refusal).await?;
        told(&stack, &ended, refusal, refusal.ends_with(true)?).await?;
        ensure!(
            last_sequence(&log).await? == before,
            "something was recorded"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn to_an_administrator_on_the_consent_page() -> anyhow::Result<()> {
    to_an_administrator("adminconsent").await
}

#[tokio::test]
async fn to_an_administrator_on_the_sign_in_page() -> anyhow::Result<()> {
    to_an_administrator("authorize").await
}

#[tokio::test]
async fn to_an_administrator_from_the_token_endpoint() -> anyhow::Result<()> {
    to_an_administrator("token").await
}

#[tokio::test]
async fn what_is_no_refusal_of_a_known_form_is_named_too() -> anyhow::Result<()> {
    let stack = start().await?;
    let page = "<html>Proxy authentication required</html>";
    let redirect = json!({"location": "https://elsewhere.example/"});
    for (answer, code, says) in [
        (
            json!({"status": 200, "body": page}),
            "microsoft_unavailable",
            "a web page",
        ),
        (
            json!({"status": 403, "body": page}),
            "microsoft_unavailable",
            "a web page",
        ),
        (
            json!({"status": 200}),
            "microsoft_unavailable",
            "an empty answer",
        ),
        (
            json!({"status": 400}),
            "microsoft_unavailable",
            "an empty answer",
        ),
        (
            json!({"status": 302, "headers": redirect}),
            "microsoft_unavailable",
            "a redirect",
        ),
        (
            json!({"status": 400, "body": "{}"}),
            "microsoft_unavailable",
            "no token response",
        ),
        (
            json!({"status": 400, "body": {"error": "slow_down"}}),
            "undetermined",
            "slow_down",
        ),
        (
            json!({"status": 418, "body": {"error": "teapot.example", "suberror": "x"}}),
            "undetermined",
            "teapot.example",
        ),
    ] {
        let mut nonsense = answer.clone();
        nonsense["endpoint"] = json!("token");
        fault(&stack, &nonsense).await?;
        let ana = stack.user("acme", &uuid::Uuid::now_v7().to_string());
        let started = ana.start_grant(&["contacts"], Some(ANA)).await?.ok()?;
        let landing = walk(&stack, authorize_url(&started)?, ANA).await?;
        ended(&ana, &landing, "undetermined", Some(code)).await?;
        let flow = ana.flow(&landing.flow).await?.ok()?;
        if code == "undetermined" {
            let detail = flow.word("/detail").unwrap_or_default();
            ensure!(
                detail.ends_with(&format!("Microsoft answered {says}.")),
                "{detail}"
            );
        } else {
            let log = stack.gateway.log_text();
            let line = log.lines().rfind(|line| line.contains("proved nothing"));
            ensure!(
                line.is_some_and(|line| line.contains(says)),
                "{answer}: {line:?}"
            );
        }
    }
    ensure!(alarms(&stack) == 0, "an operator was alarmed");
    Ok(())
}
