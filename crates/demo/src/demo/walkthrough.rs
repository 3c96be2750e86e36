//! A walkthrough: the stack and the people of the story; every step of it checks what came, and prints it.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::{
    HostLogin, HostUser, Landing, Microsoft, Person, Reaction, Reply, SyncWorker,
};

use super::narration::{Narrator, Step, time};

/// The company of the story.
pub(crate) const ACCOUNT: &str = "acme";

/// A stack with the people of the story, and where its steps are printed.
#[derive(Debug)]
pub(crate) struct Walkthrough<'a, W> {
    pub(crate) narrator: &'a mut Narrator<W>,
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

impl<'a, W: Write> Walkthrough<'a, W> {
    pub(crate) async fn begin(stack: Stack, narrator: &'a mut Narrator<W>) -> anyhow::Result<Self> {
        Ok(Self {
            narrator,
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
        let reply = reply.decided(decision)?.with_effective(effective)?;
        if *reply.value("/degraded") != false {
            bail!(reply.unexpected("a decision that is not degraded"));
        }
        self.last_sequence = self.last_sequence.max(reply.sequence());
        self.print(&capitalised(user), what, decision, Some(&reply))?;
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
        self.narrator.step(&Step {
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
        self.narrator.step(&Step {
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
        self.print(person.name, "confirms it on that page", "completed", None)
    }

    /// Somebody looks at their own permissions, which have to be these.
    pub(crate) async fn sees(
        &mut self,
        user: &HostUser,
        what: &str,
        effective: &str,
    ) -> anyhow::Result<()> {
        let reply = user.see(user.user_id()).await?.ok()?;
        let reply = reply.with_effective(effective)?;
        self.last_sequence = self.last_sequence.max(reply.sequence());
        self.print(&capitalised(user.user_id()), what, "", Some(&reply))
    }

    /// Prints a refusal, which has to be this one.
    pub(crate) fn refused(
        &mut self,
        who: &str,
        what: &str,
        reply: Reply,
        (status, code): (u16, &str),
    ) -> anyhow::Result<()> {
        let reply = reply.refused(status, code)?;
        self.narrator.step(&Step {
            who,
            what,
            outcome: &format!("refused: {code}"),
            effective: "",
            sequence: None,
            took: reply.took,
        })?;
        if let Some(detail) = reply.word("/detail") {
            self.narrator.note(detail)?;
        }
        Ok(())
    }

    /// Prints a step by the answer it had.
    pub(crate) fn print(
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
        self.narrator.step(&Step {
            who,
            what,
            outcome,
            effective: &effective,
            sequence: reply.map(Reply::sequence).filter(|sequence| *sequence > 0),
            took: reply.map_or(Duration::ZERO, |reply| reply.took),
        })
    }

    /// Waits until the sync worker has received an event; prints how long that took, from the call that led to it and
    /// from that call's answer on.
    pub(crate) async fn worker_receives(
        &mut self,
        (called, answered): (Instant, Instant),
        sequence: u64,
        (what, effective): (&str, &str),
    ) -> anyhow::Result<()> {
        let received = self.worker.receive(sequence).await?;
        if received.body.get("effective").is_some() && received.effective() != effective {
            bail!(
                "the sync worker was told {}, expected {effective}",
                received.effective()
            );
        }
        // The worker may well be first: the gateway reads once more before it answers.
        let after = received.at.saturating_duration_since(answered);
        let outcome = if after.is_zero() {
            "before the answer".to_owned()
        } else {
            format!("{} after the answer", time(after))
        };
        self.narrator.step(&Step {
            who: "sync worker",
            what,
            outcome: &outcome,
            effective,
            sequence: Some(sequence),
            took: received.at.saturating_duration_since(called),
        })
    }

    /// The times of a call and of its answer.
    pub(crate) fn times(reply: &Reply) -> (Instant, Instant) {
        (
            reply.at.checked_sub(reply.took).unwrap_or(reply.at),
            reply.at,
        )
    }

    /// The address that a started flow sends the browser to.
    pub(crate) fn authorize_url(reply: &Reply) -> anyhow::Result<String> {
        reply
            .word("/authorize_url")
            .map(str::to_owned)
            .with_context(|| reply.unexpected("an authorize_url").to_string())
    }
}

/// Makes a name of a user id.
pub(crate) fn capitalised(user: &str) -> String {
    let mut letters = user.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
