use clap::{Arg, Command, CommandFactory as _, Parser as _};

use super::Arguments;

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn no_option_takes_a_password() {
    let password = ["consentctl", "doctor", "--nats-password", "x"];
    assert!(Arguments::try_parse_from(password).is_err());
}

/// Every command, with its name as it is typed.
fn all(command: &Command, name: &str, found: &mut Vec<(String, Command)>) {
    for below in command.get_subcommands() {
        let name = format!("{name} {}", below.get_name());
        found.push((name.clone(), below.clone()));
        all(below, &name, found);
    }
}

fn commands() -> Vec<(String, Command)> {
    let mut found = vec![("consentctl".to_owned(), Arguments::command())];
    all(&Arguments::command(), "consentctl", &mut found);
    assert!(10 < found.len(), "{found:?}");
    found
}

/// The lines of a help that are commands, without what explains them.
fn examples(command: &Command) -> Vec<String> {
    let help = command.get_after_help().map(ToString::to_string);
    let help = help.unwrap_or_default();
    let typed = help.lines().filter_map(|line| {
        let line = line.strip_prefix("  ")?;
        let line = line.starts_with("consentctl ").then_some(line)?;
        let line = line.split("  ").next()?;
        let line = line.split(" | ").next()?;
        Some(line.split(" > ").next()?.to_owned())
    });
    typed.collect()
}

/// The words of a command line, as a shell parts them.
fn words(line: &str) -> Vec<String> {
    let quoted = line.split('"').enumerate().flat_map(|(place, part)| {
        if place % 2 == 1 {
            vec![part.to_owned()]
        } else {
            part.split_whitespace().map(str::to_owned).collect()
        }
    });
    quoted.collect()
}

#[test]
fn every_command_says_whether_it_writes() {
    for (name, command) in commands() {
        if command.has_subcommands() {
            continue;
        }
        let about = command.get_about().unwrap().to_string();
        let (reads, writes) = (about.contains("(read-only"), about.contains("(writes"));
        assert!(
            reads != writes,
            "{name} is (read-only) or (writes): {about}"
        );
        // These add a key, and lose nothing.
        let only_adds =
            ["consentctl vault init", "consentctl vault rotate"].contains(&name.as_str());
        let asks = command.get_arguments().any(|arg| arg.get_id() == "yes");
        assert_eq!(
            asks,
            writes && !only_adds,
            "{name}: what writes asks first, or --yes"
        );
    }
}

#[test]
fn a_group_says_whether_something_in_it_writes() {
    for (name, command) in commands().iter().skip(1) {
        if !command.has_subcommands() {
            continue;
        }
        let about = command.get_about().unwrap().to_string();
        let below = command
            .get_subcommands()
            .filter(|it| it.get_name() != "help");
        let writes = below
            .map(|below| below.get_about().unwrap().to_string())
            .any(|about| about.contains("(writes"));
        assert!(about.contains("read-only"), "{name}: {about}");
        assert_eq!(about.contains("writes"), writes, "{name}: {about}");
    }
}

#[test]
fn every_command_has_examples_that_can_be_typed() {
    for (name, command) in commands() {
        let examples = examples(&command);
        let has_own = command.has_subcommands() || !examples.is_empty();
        assert!(has_own, "{name} has no example");
        for line in examples {
            assert!(line.starts_with(&name), "{name}: {line}");
            let parsed = Arguments::try_parse_from(words(&line));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }
}

#[test]
fn every_argument_is_explained() {
    for (name, command) in commands() {
        for argument in command.get_arguments() {
            let help = argument.get_help().map(ToString::to_string);
            let is_told = help.is_some_and(|help| help.contains(' '));
            assert!(is_told, "{name}: {}", Arg::get_id(argument));
        }
    }
}

#[test]
fn the_overview_names_every_command() {
    let overview = examples(&Arguments::command()).join("\n");
    for (name, command) in commands().iter().skip(1) {
        let is_top = name.split(' ').count() == 2 && command.get_name() != "help";
        assert!(!is_top || overview.contains(name), "{name}");
    }
}
