//! `completions` and `man`: what is made of the command line's own description.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::fixture::{program, run};

/// Runs another program on a text, where there is one; what it complains of.
fn complaints(name: &str, arguments: &[&str], text: &str) -> Option<String> {
    let mut child = Command::new(name)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{name}: {said}");
    Some(said)
}

#[tokio::test(flavor = "multi_thread")]
async fn shells_can_read_the_completions() {
    for (shell, check) in [
        ("bash", Some(["-n"].as_slice())),
        ("zsh", Some(&["-n"])),
        ("fish", Some(&["--no-execute"])),
        ("elvish", None),
        ("powershell", None),
    ] {
        let ran = run(program(&["completions", shell])).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        for word in ["explain", "blocked", "nats-url", "completions"] {
            assert!(ran.out.contains(word), "{shell} knows {word}");
        }
        if let Some(arguments) = check
            && let Some(said) = complaints(shell, arguments, &ran.out)
        {
            assert_eq!(said, "", "{shell}");
        }
    }
    let ran = run(program(&["completions", "bash", "--json"])).await;
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(told["shell"], "bash");
    assert!(told["script"].as_str().unwrap().contains("complete -F"));
    let ran = run(program(&["completions", "dos"])).await;
    assert_eq!(ran.code, Some(64), "{ran:?}");
}

/// bash itself is asked: what does it offer after `consentctl events `?
#[tokio::test(flavor = "multi_thread")]
async fn bash_completes_a_command() {
    let script = run(program(&["completions", "bash"])).await.out;
    let asks = "COMP_WORDS=(consentctl events ''); COMP_CWORD=2; _consentctl consentctl '' events; echo \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("bash");
    bash.args(["-c", &format!("{script}\n{asks}")]);
    let ran = run(bash).await;
    assert!(
        ran.out.contains("list") && ran.out.contains("tail"),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_command_has_a_manual_page() {
    let directory = tempfile::tempdir().unwrap();
    let to = directory.path().join("man1");
    let ran = run(program(&["man", "--to", to.to_str().unwrap()])).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.is_empty(), "{ran:?}");
    let mut names: Vec<_> = std::fs::read_dir(&to)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    for name in [
        "consentctl.1",
        "consentctl-events-list.1",
        "consentctl-blocked-void.1",
        "consentctl-man.1",
    ] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
    for name in &names {
        let page = std::fs::read_to_string(to.join(name)).unwrap();
        for part in [".TH", ".SH NAME", ".SH SYNOPSIS"] {
            assert!(page.contains(part), "{name}: {page}");
        }
        if let Some(said) = complaints("groff", &["-man", "-Tutf8", "-ww", "-z"], &page) {
            assert_eq!(said, "", "{name}");
        }
    }

    let all = run(program(&["man"])).await;
    assert_eq!(all.code, Some(0), "{all:?}");
    assert_eq!(all.out.matches(".TH ").count(), names.len());
    let json = run(program(&["man", "--json"])).await;
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json.as_array().unwrap().len(), names.len());

    // A directory that can't be made.
    let file = to.join(&names[0]).join("below");
    let ran = run(program(&["man", "--to", file.to_str().unwrap()])).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("can't be written"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_are_json_with_and_without_the_flag() {
    for arguments in [&["schema", "events"][..], &["schema", "events", "--json"]] {
        let ran = run(program(arguments)).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let all: Value = serde_json::from_str(&ran.out).unwrap();
        let names: BTreeSet<_> = all.as_object().unwrap().keys().cloned().collect();
        assert_eq!(
            names.iter().collect::<Vec<_>>(),
            [
                "AdminConsentGranted",
                "ModeChanged",
                "UserScopeGranted",
                "UserScopeRevoked"
            ]
        );
    }
    let one = run(program(&["schema", "events", "ModeChanged"])).await;
    let one: Value = serde_json::from_str(&one.out).unwrap();
    assert_eq!(one["title"], "assent.consent.ModeChanged.v1");
    let change = run(program(&["schema", "messages", "ChangeMessage"])).await;
    let change: Value = serde_json::from_str(&change.out).unwrap();
    assert_eq!(change["title"], "ChangeMessage");
    let unknown = run(program(&["schema", "messages", "Change"])).await;
    assert_eq!(unknown.code, Some(64), "{unknown:?}");
    let asyncapi = run(program(&["schema", "asyncapi"])).await;
    let asyncapi: Value = serde_json::from_str(&asyncapi.out).unwrap();
    assert_eq!(
        asyncapi["channels"]["token"]["address"],
        "consent.token.v1.get"
    );
    let unknown = run(program(&["schema", "events", "ModeChange"])).await;
    assert_eq!(unknown.code, Some(64), "{unknown:?}");
}
