//! The stack with the cast of the story, and what every chapter expects and tells.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{
    HostLogin, HostUser, Landing, Microsoft, Person, Reaction, Reply, SyncWorker,
};

use super::teller::{Step, Teller, time};

/// The company of the story.
pub(crate) const ACCOUNT: &str = "acme";

/// Everything a chapter needs.
#[derive(Debug)]
pub(crate) struct Stage<'a, W> {
    pub(crate) teller: &'a mut Teller<W>,
    pub(crate) stack: Stack,
    pub(crate) ana: HostUser,
    pub(crate) ben: HostUser,
    /// The Super Admin.
    pub(crate) sam: HostUser,
    pub(crate) login: HostLogin,
    pub(crate) microsoft: Microsoft,
    pub(crate) worker: SyncWorker,
    /// The last event this story knows of: every answer has to reflect it.
    pub(crate) last_sequence: u64,
}

impl<'a, W: Write> Stage<'a, W> {
    pub(crate) async fn set(stack: Stack, teller: &'a mut Teller<W>) -> anyhow::Result<Self> {
        Ok(Self {
            teller,
            ana: stack.user(ACCOUNT, "ana"),
            ben: stack.user(ACCOUNT, "ben"),
            // An administrator at Microsoft knows the host's ids of nobody, so Sam's tokens say what people call him.
            sam: stack.with_token(ACCOUNT, "sam", |token| {
                let token = token.super_admin().permission("company_settings:manage");
                token
                    .claim("name", "Sam Sato")
                    .claim("account_name", "Acme")
            }),
            login: stack.login(ACCOUNT),
            microsoft: stack.microsoft(),
            worker: stack.start_sync_worker().await?,
            stack,
            last_sequence: 0,
        })
    }

    /// Somebody signs in; the decision and what is effective have to be these.
    pub(crate) async fn sign_in(
        &mut self,
        user: &str,
        person: Option<Person>,
        what: &str,
        (decision, effective): (&str, &str),
    ) -> anyhow::Result<Reply> {
        let reply = match person {
            Some(person) => {
                let call = self
                    .login
                    .through_microsoft(user, person, self.last_sequence);
                call.await?
            }
            None => self.login.with_password(user, self.last_sequence).await?,
        };
        let reply = reply.ok()?;
        if reply.word("/decision") != Some(decision)
            || reply.effective() != effective
            || *reply.value("/degraded") != false
        {
            bail!(reply.unexpected(&format!("{decision}, effective: {effective}")));
        }
        self.last_sequence = self.last_sequence.max(reply.sequence());
        self.tell(&capitalised(user), what, decision, Some(&reply))?;
        Ok(reply)
    }

    /// Somebody walks through Microsoft, and has to come back with this outcome.
    pub(crate) async fn walk(
        &mut self,
        authorize_url: &str,
        (person, reaction): (Person, Reaction<'_>),
        what: &str,
        outcome: &str,
    ) -> anyhow::Result<Landing> {
        let begun = Instant::now();
        let landing = self.microsoft.walk(authorize_url, person, reaction).await?;
        if landing.outcome != outcome {
            bail!(
                "{} {what}: expected {outcome}, got {}",
                person.name,
                landing.outcome
            );
        }
        self.teller.step(&Step {
            who: person.name,
            what,
            outcome,
            effective: "",
            sequence: None,
            took: begun.elapsed(),
        })?;
        Ok(landing)
    }

    /// An administrator accepts at Microsoft, is shown by us what it is for, and confirms. `what` they accept, and what the
    /// page has to say.
    pub(crate) async fn accept_and_confirm(
        &mut self,
        authorize_url: &str,
        person: Person,
        what: &str,
        says: &[&str],
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut browser = self.microsoft.new_browser();
        let address = self
            .microsoft
            .walk_up_to_us(&mut browser, authorize_url, person, Reaction::Accept)
            .await?;
        let page = browser.get(&address).await?.ok()?;
        for says in says.iter().chain(&["Nothing is recorded yet"]) {
            if !page.text.contains(says) {
                bail!(page.unexpected(says));
            }
        }
        self.teller.step(&Step {
            who: person.name,
            what,
            outcome: "shown who asks, and for whom",
            effective: "",
            sequence: None,
            took: begun.elapsed(),
        })?;
        let sent = self.microsoft.confirm(&mut browser, &address).await?;
        let landed = sent.header("location").unwrap_or_default();
        if !landed.contains("outcome=completed") {
            bail!(sent.unexpected("the way back, with outcome=completed"));
        }
        self.tell(person.name, "confirms it on that page", "completed", None)
    }

    /// Somebody looks at their own permissions, which have to be these.
    pub(crate) async fn sees(
        &mut self,
        user: &HostUser,
        what: &str,
        effective: &str,
    ) -> anyhow::Result<()> {
        let reply = user.see(user.user_id()).await?.ok()?;
        if reply.effective() != effective {
            bail!(reply.unexpected(&format!("effective: {effective}")));
        }
        self.last_sequence = self.last_sequence.max(reply.sequence());
        self.tell(&capitalised(user.user_id()), what, "", Some(&reply))
    }

    /// Tells a refusal, which has to be this one.
    pub(crate) fn refused(
        &mut self,
        who: &str,
        what: &str,
        reply: Reply,
        (status, code): (u16, &str),
    ) -> anyhow::Result<()> {
        let reply = reply.refused(status, code)?;
        self.teller.step(&Step {
            who,
            what,
            outcome: &format!("refused: {code}"),
            effective: "",
            sequence: None,
            took: reply.took,
        })?;
        if let Some(detail) = reply.word("/detail") {
            self.teller.note(detail)?;
        }
        Ok(())
    }

    /// Tells a step by the answer it had.
    pub(crate) fn tell(
        &mut self,
        who: &str,
        what: &str,
        outcome: &str,
        reply: Option<&Reply>,
    ) -> anyhow::Result<()> {
        let effective = match reply {
            Some(reply) if reply.value("/effective").is_object() => reply.effective(),
            Some(_) | None => String::new(),
        };
        self.teller.step(&Step {
            who,
            what,
            outcome,
            effective: &effective,
            sequence: reply.map(Reply::sequence).filter(|sequence| *sequence > 0),
            took: reply.map_or(Duration::ZERO, |reply| reply.took),
        })
    }

    /// The sync worker has to be told of an event; tells how long that took, from the call that led to it and from
    /// that call's answer on.
    pub(crate) async fn worker_hears(
        &mut self,
        (called, answered): (Instant, Instant),
        sequence: u64,
        (what, effective): (&str, &str),
    ) -> anyhow::Result<()> {
        let heard = self.worker.hear(sequence).await?;
        if heard.body.get("effective").is_some() && heard.effective() != effective {
            bail!(
                "the sync worker was told {}, expected {effective}",
                heard.effective()
            );
        }
        // It may well be told first: the gateway reads once more before it answers.
        let after = heard.at.saturating_duration_since(answered);
        let outcome = if after.is_zero() {
            "before the answer".to_owned()
        } else {
            format!("{} after the answer", time(after))
        };
        self.teller.step(&Step {
            who: "sync worker",
            what,
            outcome: &outcome,
            effective,
            sequence: Some(sequence),
            took: heard.at.saturating_duration_since(called),
        })
    }

    /// When somebody called, and when they were answered.
    pub(crate) fn times(reply: &Reply) -> (Instant, Instant) {
        (
            reply.at.checked_sub(reply.took).unwrap_or(reply.at),
            reply.at,
        )
    }

    /// The address to send the browser to.
    pub(crate) fn authorize_url(reply: &Reply) -> anyhow::Result<String> {
        reply
            .word("/authorize_url")
            .map(str::to_owned)
            .with_context(|| reply.unexpected("an authorize_url").to_string())
    }
}

/// A user id as a name.
pub(crate) fn capitalised(user: &str) -> String {
    let mut letters = user.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
