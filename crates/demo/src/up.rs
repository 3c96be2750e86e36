//! The stack with the example application, left running until Ctrl-C, with what to try.

mod instructions;

use std::io::Write;
use std::time::Instant;

use anyhow::Context;
use assent_dev_stack::{Ports, Stack, StackOptions};

pub(crate) async fn run() -> anyhow::Result<()> {
    let mut screen = std::io::stdout();
    let begun = Instant::now();
    let options = StackOptions {
        example_host: true,
        ports: Ports::Usual,
        // Nobody who tries it out waits for an hour.
        variables: Vec::from([("ASSENT_VERIFY_EVERY_MINUTES".to_owned(), "0.5".to_owned())]),
        ..StackOptions::default()
    };
    let mut stack = Stack::start(options)
        .await
        .context("the stack did not come up")?;
    writeln!(
        screen,
        "{}\n\nstarted in {:.1} s; Ctrl-C stops everything and deletes its data\n\n{}\n\n    open {}\n",
        instructions::invitation(&stack),
        begun.elapsed().as_secs_f64(),
        instructions::about(&stack),
        // Once more: by now the first line is far up.
        stack.host.origin()
    )?;
    screen.flush()?;
    stack.watch().await?;
    Ok(())
}
