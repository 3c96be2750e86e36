//! `errors`, and what programs are told when there is no answer.

use std::process::Command;

use serde_json::Value;

use crate::fixture::{Fixture, program, run};

/// The program where nothing is configured, or wrongly: it needs no connection.
fn unconnected(arguments: &[&str]) -> Command {
    let mut command = program(arguments);
    command.env("ASSENT_NATS_ULR", "misspelt");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_is_told_in_each_of_its_meanings() {
    let ran = run(unconnected(&["errors", "tenant_mismatch"])).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    insta::assert_snapshot!(ran.out, @r"
    tenant_mismatch
      kind    refusal (HTTP 409)
      means   The tenant named, or that of Microsoft's answer, is another than expected.
      who     the person in front of the browser
      how     start again with an account of the expected tenant; where the company has moved to another one, a Super Admin first switches back to user_individual

    tenant_mismatch
      kind    security event
      means   A flow came back from another tenant than the one expected.
      who     nobody has to
      how     nothing was recorded; the person starts again with an account of the expected tenant
    ");

    let ran = run(unconnected(&["errors", "expired", "--json"])).await;
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let kinds: Vec<_> = told["words"].as_array().unwrap().iter().collect();
    let kinds: Vec<_> = kinds.iter().map(|word| word["kind"].clone()).collect();
    assert_eq!(kinds, ["flow state", "link state"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_word_all_are_listed_by_kind() {
    let ran = run(unconnected(&["errors"])).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for heading in [
        "error",
        "refusal",
        "flow state",
        "flow code",
        "flow remark",
        "link state",
        "permission state",
        "mailbox state",
        "approval",
        "login decision",
        "login reason",
        "operator alarm",
        "security event",
        "check",
        "blocked reason",
        "checkpoint finding",
        "projection state",
        "log comparison",
        "consentctl error",
    ] {
        let found = ran.out.lines().filter(|line| *line == heading);
        assert_eq!(found.count(), 1, "{heading}: {}", ran.out);
    }
    let json = run(unconnected(&["errors", "--json"])).await;
    let json: Value = serde_json::from_str(&json.out).unwrap();
    for word in json["words"].as_array().unwrap() {
        for part in ["word", "kind", "means", "who", "how"] {
            assert!(
                word[part].as_str().is_some_and(|text| !text.is_empty()),
                "{word}"
            );
        }
        let line = format!("  {}  ", word["word"].as_str().unwrap());
        assert!(ran.out.contains(line.trim_end()), "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_nobody_says_is_refused_with_the_nearest() {
    let ran = run(unconnected(&["errors", "tenant_mismacht"])).await;
    assert_eq!(ran.code, Some(64), "{ran:?}");
    assert!(ran.err.contains("did you mean tenant_mismatch"), "{ran:?}");
    let ran = run(unconnected(&["errors", "xyzzy"])).await;
    assert_eq!(ran.code, Some(64), "{ran:?}");
    assert!(!ran.err.contains("did you mean"), "{ran:?}");
}

/// With `--json`, standard error is one line that says why there is no answer, in a word that `errors` knows; and standard
/// output stays empty.
#[tokio::test(flavor = "multi_thread")]
async fn programs_are_told_why_there_is_no_answer() {
    let fixture = Fixture::start().await;
    let mut away = program(&["account", "acme", "--json"]);
    away.env("ASSENT_NATS_URL", "nats://127.0.0.1:1");
    for (command, code, exit) in [
        (program(&["explain", "--json"]), "usage", 64),
        (program(&["frobnicate", "--json"]), "usage", 64),
        (program(&["errors", "xyzzy", "--json"]), "usage", 64),
        (unconnected(&["doctor", "--json"]), "configuration", 64),
        (away, "not_reachable", 69),
        (
            fixture.command(&["blocked", "list", "--json"]),
            "not_reachable",
            69,
        ),
    ] {
        let ran = run(command).await;
        assert_eq!(ran.code, Some(exit), "{ran:?}");
        assert_eq!(ran.out, "", "{ran:?}");
        let told: Value = serde_json::from_str(&ran.err).unwrap();
        assert_eq!(told["error"]["code"], code, "{ran:?}");
        assert_eq!(told["error"]["exit_code"], exit, "{ran:?}");
        assert!(told["error"]["says"].is_string(), "{ran:?}");
        let known = run(program(&["errors", code])).await;
        assert_eq!(known.code, Some(0), "{known:?}");
    }
}
