//! Three NATS servers as one cluster, and two of each service, left running until Ctrl-C: to try what happens when one of
//! them is killed or hangs.

use std::io::Write;
use std::time::Instant;

use anyhow::Context;
use assent_dev_stack::{NatsUser, Ports, Program, Stack, StackOptions};

pub(crate) async fn run() -> anyhow::Result<()> {
    let mut screen = std::io::stdout();
    let begun = Instant::now();
    let options = StackOptions {
        example_host: true,
        projections: 2,
        gateways: 2,
        token_brokers: 2,
        nats_servers: 3,
        ports: Ports::Usual,
        ..StackOptions::default()
    };
    let mut stack = Stack::start(options)
        .await
        .context("the stack did not come up")?;
    writeln!(screen, "{}", addresses(&stack))?;
    writeln!(
        screen,
        "\nstarted in {:.1} s; Ctrl-C stops everything and deletes its data\n\n    open {}\n",
        begun.elapsed().as_secs_f64(),
        stack.host.origin()
    )?;
    screen.flush()?;
    // Whoever tries things out kills programs: that ends nothing here.
    loop {
        if let Err(ended) = stack.watch().await {
            writeln!(screen, "{ended}")?;
            std::future::pending::<()>().await;
        }
    }
}

fn addresses(stack: &Stack) -> String {
    let process = |id: Option<u32>| id.map_or_else(String::new, |id| id.to_string());
    let mut lines = vec![format!("{:<18} {:<28} process", "program", "address")];
    for server in stack.nats_cluster() {
        let id = process(server.process_id());
        lines.push(format!("{:<18} {:<28} {id}", server.name(), server.url()));
    }
    let services = [&stack.gateway, &stack.login_hook].into_iter();
    let services = services.chain(&stack.more).chain(&stack.projections);
    let services = services.chain(&stack.token_brokers);
    for program in services
        .chain([&stack.simulator])
        .chain(&stack.example_host)
    {
        lines.push(line(program, &process(program.process_id())));
    }
    lines.push(String::new());
    lines.push("  a server is killed by   kill -9 PROCESS".to_owned());
    lines.push(
        "  it hangs by             kill -STOP PROCESS, and goes on by kill -CONT PROCESS"
            .to_owned(),
    );
    lines.push(format!(
        "  logs                    {}",
        stack.log_directory().display()
    ));
    let operator = stack.nats().environment(NatsUser::Operator);
    let operator: Vec<_> = operator
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    lines.push(format!(
        "  an operator asks        {} consentctl doctor",
        operator.join(" ")
    ));
    lines.join("\n")
}

fn line(program: &Program, process: &str) -> String {
    let name = program
        .log_file()
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    format!("{name:<18} {:<28} {process}", program.url())
}
