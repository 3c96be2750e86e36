//! The whole story, told step by step on real processes. Every outcome is checked: what is printed, happened.

mod stage;
mod teller;

mod administrator;
mod approval;
mod crash;
mod individual;

use anyhow::Context;
use assent_dev_stack::{Stack, StackOptions};

use stage::Stage;
use teller::Teller;

pub(crate) async fn tell() -> anyhow::Result<()> {
    let mut teller = Teller::new(std::io::stdout());
    teller.title("Assent: who may do what in Microsoft 365, as an event log")?;
    let begun = std::time::Instant::now();
    let options = StackOptions {
        projections: 2,
        ..StackOptions::default()
    };
    let stack = Stack::start(options)
        .await
        .context("the stack did not come up")?;
    teller.aside(&format!(
        "started nats-server, a simulated Microsoft, consent-gateway, projection (2 replicas) and login-hook in {}",
        teller::time(begun.elapsed())
    ))?;
    let mut stage = Stage::set(stack, &mut teller).await?;

    individual::ana_signs_in(&mut stage).await?;
    individual::ben_revokes(&mut stage).await?;
    administrator::the_company_switches(&mut stage).await?;
    administrator::ana_has_to_sign_in_again(&mut stage).await?;
    administrator::another_cloud_is_turned_away(&mut stage).await?;
    administrator::back_to_individual(&mut stage).await?;
    approval::the_loop_is_broken(&mut stage).await?;
    crash::the_projection_is_killed(&mut stage).await?;
    crash::what_an_operator_sees(&mut stage).await?;

    let events = stage.last_sequence;
    drop(stage);
    teller.aside(&format!(
        "All of it as expected: {events} events on the log, nothing left running. {} in all.",
        teller::time(begun.elapsed())
    ))
}
