//! Beyond one log: accounts spread over two complete installations, each with a log, a leader and a change stream of its own.
//! Nothing of the programs knows of it; the host application remembers which of the two has an account.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use assent_dev_stack::actors::{ANA, BEN};
use assent_dev_stack::{NatsUser, Stack};
use assent_messaging::ChangeStream;

use crate::fixture::{
    company_history, connect, eventually, grant, last_sequence, log, readiness, start,
};

const ACCOUNTS: [&str; 6] = [
    "acme",
    "adatum",
    "contoso",
    "fabrikam",
    "litware",
    "northwind",
];

/// What a host application keeps beside each account: where it is. It is chosen once, as another choice later would be
/// another, empty log.
struct Assignment {
    partitions: [Stack; 2],
    of: BTreeMap<&'static str, usize>,
}

impl Assignment {
    async fn start() -> anyhow::Result<Self> {
        let (one, two) = tokio::join!(start(), start());
        let of = ACCOUNTS.iter().enumerate();
        let of = of.map(|(number, account)| (*account, number % 2));
        Ok(Self {
            partitions: [one?, two?],
            of: of.collect(),
        })
    }

    fn number(&self, account: &str) -> anyhow::Result<usize> {
        let number = self.of.get(account).copied();
        number.with_context(|| format!("{account} is nowhere"))
    }

    fn partition(&self, account: &str) -> anyhow::Result<&Stack> {
        let number = self.number(account)?;
        self.partitions.get(number).context("no such partition")
    }

    fn other(&self, account: &str) -> anyhow::Result<&Stack> {
        let number = 1 - self.number(account)?;
        self.partitions.get(number).context("no such partition")
    }
}

#[tokio::test]
async fn accounts_in_two_partitions_share_nothing_but_the_programs() -> anyhow::Result<()> {
    let mut assignment = Assignment::start().await?;
    for account in ACCOUNTS {
        let stack = assignment.partition(account)?;
        let sam = stack.super_admin(account, "sam");
        sam.set_method("user_individual", "limited").await?.ok()?;
        let (ana, ben) = (stack.user(account, "ana"), stack.user(account, "ben"));
        grant(stack, &ana, ANA, &["calendar", "contacts"]).await?;
        grant(stack, &ben, BEN, &["contacts"]).await?;
        let revoked = ana.revoke("contacts").await?.ok()?;
        let at_least = revoked.sequence();

        let service = stack.service(0);
        let seen = service.permissions(account, "ana", at_least).await?;
        seen.ok()?.with_effective("calendar")?;
        let login = stack.login(account);
        let decided = login.through_microsoft("ana", ANA, at_least).await?.ok()?;
        ensure!(decided.effective() == "calendar", "{}", decided.text);
        // The other one knows nothing of the account, and permits nothing.
        let elsewhere = assignment.other(account)?;
        let seen = elsewhere.service(0).permissions(account, "ana", 0).await?;
        seen.ok()?.with_effective("nothing")?;
    }

    // Each log has the events of its own accounts, gap-free, and each stream of changes tells of them alone.
    for (number, stack) in assignment.partitions.iter().enumerate() {
        let log = log(stack).await?;
        let mut events = 0;
        for account in ACCOUNTS {
            let there = company_history(&log, account).await?.events().len();
            ensure!(
                (0 < there) == (assignment.number(account)? == number),
                "{account} in {number}: {there}"
            );
            events += 4 * u64::from(0 < there);
        }
        ensure!(last_sequence(&log).await? == events, "{number}: {events}");
        let gateway = connect(stack, NatsUser::Gateway).await?;
        let told = ChangeStream::open(&gateway).await?;
        eventually("all is told", async || {
            let subjects = told.subjects(0).await?.subjects;
            let own = |subject: &String| {
                let mut words = subject.split('.');
                words.nth(3).and_then(|account| assignment.of.get(account)) == Some(&number)
            };
            ensure!(subjects.iter().all(own), "{number}: {subjects:?}");
            Ok(subjects.len() == 9)
        })
        .await?;
        let verified = stack.consentctl(&["verify"]).await?;
        ensure!(verified.status.success(), "{verified:?}");
    }

    // One is gone, and the accounts of the other notice nothing.
    let [gone, left] = &mut assignment.partitions;
    gone.nats_mut().kill();
    eventually("it is gone", async || {
        Ok(readiness(&gone.gateway).await?.0 == 503)
    })
    .await?;
    ensure!(readiness(&left.gateway).await?.0 == 200, "it went along");
    let account = ACCOUNTS[1];
    let ana = left.user(account, "ana");
    let revoked = ana.revoke("calendar").await?.ok()?;
    let service = left.service(0);
    let seen = service.permissions(account, "ana", revoked.sequence());
    seen.await?.ok()?.with_effective("nothing")?;
    Ok(())
}
