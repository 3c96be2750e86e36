//! The demo: the whole story, step by step on real processes. Every outcome is checked: what is printed, happened.

mod narration;
mod walkthrough;

mod administrator;
mod approval;
mod crash;
mod custody;
mod individual;

use anyhow::Context;
use assent_dev_stack::{Stack, StackOptions};

use narration::Narrator;
use walkthrough::Walkthrough;

pub(crate) async fn tell() -> anyhow::Result<()> {
    let mut narrator = Narrator::new(std::io::stdout());
    narrator.title("Assent: who may do what in Microsoft 365, as an event log")?;
    let begun = std::time::Instant::now();
    let options = StackOptions {
        projections: 2,
        ..StackOptions::default()
    };
    let stack = Stack::start(options)
        .await
        .context("the stack did not come up")?;
    narrator.aside(&format!(
        "started nats-server, a simulated Microsoft, consent-gateway, projection (2 replicas), login-hook and token-broker in {}",
        narration::time(begun.elapsed())
    ))?;
    let mut walkthrough = Walkthrough::begin(stack, &mut narrator).await?;

    individual::ana_signs_in(&mut walkthrough).await?;
    individual::ben_revokes(&mut walkthrough).await?;
    administrator::the_company_switches(&mut walkthrough).await?;
    administrator::ana_has_to_sign_in_again(&mut walkthrough).await?;
    custody::a_consent_dies_and_lives_again(&mut walkthrough).await?;
    administrator::another_cloud_is_turned_away(&mut walkthrough).await?;
    administrator::back_to_individual(&mut walkthrough).await?;
    approval::the_loop_is_broken(&mut walkthrough).await?;
    crash::the_projection_is_killed(&mut walkthrough).await?;
    crash::what_an_operator_sees(&mut walkthrough).await?;

    let events = walkthrough.last_sequence;
    drop(walkthrough);
    narrator.aside(&format!(
        "All of it as expected: {events} events on the log, nothing left running. {} in all.",
        narration::time(begun.elapsed())
    ))
}
