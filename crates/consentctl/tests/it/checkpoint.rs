//! `checkpoint`: keys, signed statements of the log, and whether it still holds them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use assent_dev_stack::NatsUser;
use assent_domain::permissions::Permission;
use assent_event_log::{EventLog, StreamSettings};
use serde_json::Value;
use tempfile::TempDir;

use crate::fixture::{Fixture, PATIENCE, Ran, SENDING, connect, granted, program, revoked, run};

const STREAM: &str = "CONSENT_EVENTS";

/// A directory with a key.
struct Keys {
    directory: TempDir,
    private: String,
    public: String,
}

impl Keys {
    async fn generate() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let private = text(&directory.path().join("log.key"));
        let ran = run(program(&["checkpoint", "keygen", "log", "--to", &private])).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let public = format!("{private}.pub");
        Self {
            directory,
            private,
            public,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A checkpoint of the log as it is now, in a file.
    async fn sign(&self, fixture: &Fixture, name: &str) -> String {
        let sign = ["checkpoint", "sign", "--key", &self.private];
        let ran = fixture.run(&sign).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let file = self.path(name);
        std::fs::write(&file, &ran.out).unwrap();
        text(&file)
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

async fn people(fixture: &Fixture, names: &[&str]) {
    let grants = names.iter().map(|name| granted("acme", name, SENDING));
    fixture.record(grants.collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_private_and_never_overwritten() {
    let keys = Keys::generate().await;
    let mode = |file: &str| std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&keys.private), mode(&keys.public)), (0o600, 0o644));
    let private = std::fs::read_to_string(&keys.private).unwrap();
    assert!(private.starts_with("PRIVATE+KEY+log+"), "{private}");
    let public = std::fs::read_to_string(&keys.public).unwrap();

    // Neither of the two, whichever is there.
    for (there, made) in [(&keys.private, &keys.public), (&keys.public, &keys.private)] {
        let kept = std::fs::read_to_string(made).unwrap();
        std::fs::remove_file(made).unwrap();
        let again = ["checkpoint", "keygen", "log", "--to", &keys.private];
        let ran = run(program(&again)).await;
        assert_eq!(ran.code, Some(64), "{ran:?}");
        assert!(ran.err.contains("a key is never overwritten"), "{ran:?}");
        assert!(ran.err.contains(there.as_str()), "{ran:?}");
        assert!(!Path::new(made).exists(), "{made}");
        std::fs::write(made, kept).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&keys.private).unwrap(), private);
    assert_eq!(std::fs::read_to_string(&keys.public).unwrap(), public);

    // Without --to in the directory where it is run, whatever the name is.
    let mut command = program(&["checkpoint", "keygen", "example.com/log", "--json"]);
    command.current_dir(keys.directory.path());
    let ran = run(command).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(said["private_key_file"], "example.com_log.key");
    let public = std::fs::read_to_string(keys.path("example.com_log.key.pub")).unwrap();
    assert_eq!(said["public_key"], public.trim());
    assert!(!ran.out.contains("PRIVATE+KEY"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_keys_or_checkpoints_are_64() {
    let fixture = Fixture::start().await;
    let keys = Keys::generate().await;
    let junk = text(&keys.path("junk"));
    std::fs::write(&junk, "x".repeat(100_000)).unwrap();
    let (private, public) = (keys.private.as_str(), keys.public.as_str());
    for (arguments, says) in [
        (&["keygen", "a b"][..], "a key can't be named"),
        (&["sign", "--key", &junk], "this is no private key"),
        (&["sign", "--key", public], "this is no private key"),
        (&["sign", "--key", "/nowhere"], "No such file"),
        (&["verify", &junk], "this is no checkpoint"),
        (&["verify", private], "this is no checkpoint"),
        (
            &["verify", &junk, "--key", private],
            "this is a private key",
        ),
        (
            &["verify", &junk, "--key", "a+b+c"],
            "this is no public key",
        ),
        (
            &["watch", "--state", &junk, "--key", public],
            "this is no checkpoint",
        ),
        (
            &["watch", "--state", "/nowhere/state", "--key", public],
            "No such file",
        ),
        (
            &["watch", "--state", "s", "--key", public, "--every", "soon"],
            "60s, 10m or 1h",
        ),
    ] {
        let ran = fixture.run(&[&["checkpoint"], arguments].concat()).await;
        assert_eq!(ran.code, Some(64), "{arguments:?} {ran:?}");
        assert!(ran.err.contains(says), "{arguments:?} {ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_goes_on_holds_every_checkpoint_of_it() {
    let fixture = Fixture::start().await;
    let keys = Keys::generate().await;
    let empty = keys.sign(&fixture, "empty").await;
    people(&fixture, &["ana", "ben"]).await;
    fixture.scribble("consent.events.v1.acme.user.eve").await;
    let three = keys.sign(&fixture, "three").await;
    let note = std::fs::read_to_string(&three).unwrap();
    assert!(note.starts_with("log\n3\n"), "{note}");
    let signed = fixture
        .json(&["checkpoint", "sign", "--key", &keys.private])
        .await;
    assert_eq!(signed["note"], note.as_str());
    assert_eq!(
        (&signed["origin"], &signed["size"]),
        (&"log".into(), &3.into())
    );
    fixture.record([revoked("ana", Permission::Calendar)]).await;

    for (file, says) in [(&empty, "4 more since"), (&three, "1 more since")] {
        let verify = ["checkpoint", "verify", file, "--key", &keys.public];
        let ran = fixture.run(&verify).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.out.starts_with("ok       log: "), "{ran:?}");
        assert!(ran.out.contains(says), "{ran:?}");
    }
    // Who believes the file needs no key, and is told so.
    let ran = fixture.run(&["checkpoint", "verify", &three]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("the signature was not checked"), "{ran:?}");

    // The key as text does as well; another one's does not.
    let public = std::fs::read_to_string(&keys.public).unwrap();
    let verified = fixture
        .json(&["checkpoint", "verify", &three, "--key", public.trim()])
        .await;
    assert_eq!(verified["ok"], true, "{verified}");
    assert_eq!(verified["signature_checked"], true, "{verified}");
    assert_eq!(verified["kept"]["root"], signed["root"], "{verified}");
    assert_eq!(verified["log"]["size"], 4, "{verified}");
    let others = Keys::generate().await;
    let ran = fixture
        .run(&["checkpoint", "verify", &three, "--key", &others.public])
        .await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("is not signed by log+"), "{ran:?}");
    // Nor does a text that was changed.
    std::fs::write(&three, note.replacen("\n3\n", "\n2\n", 1)).unwrap();
    let changed = fixture
        .json(&["checkpoint", "verify", &three, "--key", &keys.public])
        .await;
    assert_eq!(changed["finding"], "bad_signature", "{changed}");
}

/// What becomes of a log of six messages, of which four are in a checkpoint; and what is found.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Damaged,
    CutShort,
    Gone,
    MadeAnew,
    MadeAnewWithOthers,
    WithoutAUser,
    Reordered,
    Restored,
}

impl Fate {
    const ALL: [(Self, Option<&'static str>); 8] = [
        (Self::Damaged, Some("incomplete")),
        (Self::CutShort, Some("cut_short")),
        (Self::Gone, Some("gone")),
        (Self::MadeAnew, Some("cut_short")),
        (Self::MadeAnewWithOthers, Some("forked")),
        (Self::WithoutAUser, Some("forked")),
        (Self::Reordered, Some("forked")),
        (Self::Restored, None),
    ];

    async fn befall(self, fixture: &mut Fixture) {
        let mut messages = Vec::new();
        for sequence in 1..=6 {
            let entry = fixture.log.entry(assent_domain::ids::Sequence(sequence));
            messages.push(entry.await.unwrap().unwrap());
        }
        let server = &mut fixture.server;
        server.stop().await;
        match self {
            Self::Damaged => server.flip_bit(STREAM, 3).unwrap(),
            Self::CutShort => {
                server.flip_bit(STREAM, 4).unwrap();
                server.remove_index(STREAM).unwrap();
            }
            Self::Gone
            | Self::MadeAnew
            | Self::MadeAnewWithOthers
            | Self::WithoutAUser
            | Self::Reordered
            | Self::Restored => server.remove_stream(STREAM).unwrap(),
        }
        server.restart().await.unwrap();
        fixture.gateway = connect(&fixture.server, NatsUser::Gateway).await;
        match self {
            Self::Damaged | Self::CutShort | Self::Gone => return,
            Self::MadeAnew => messages.clear(),
            Self::MadeAnewWithOthers => {
                create(fixture).await;
                return people(fixture, &["eve", "fay", "gil", "hal", "ida", "joe"]).await;
            }
            Self::WithoutAUser => messages.retain(|entry| !entry.subject().contains("ben")),
            Self::Reordered => messages.swap(1, 2),
            Self::Restored => {}
        }
        create(fixture).await;
        for (number, entry) in (1_u64..).zip(messages) {
            let headers = entry.headers();
            let body = entry.payload().to_vec();
            let published = fixture.gateway.publish(entry.subject(), &headers, body);
            published.await.unwrap();
            let stored =
                async { while fixture.log.status().await.unwrap().last_sequence.0 < number {} };
            tokio::time::timeout(PATIENCE, stored).await.unwrap();
        }
    }
}

async fn create(fixture: &mut Fixture) {
    let settings = StreamSettings { replicas: 1 };
    let log = EventLog::create_or_check(&fixture.gateway, settings).await;
    fixture.log = log.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_became_of_the_log_is_found_and_named() {
    for (fate, finding) in Fate::ALL {
        let mut fixture = Fixture::start().await;
        let keys = Keys::generate().await;
        let state = text(&keys.path("state"));
        let watch = [
            "checkpoint",
            "watch",
            "--state",
            &state,
            "--key",
            &keys.public,
        ];
        people(&fixture, &["ana", "ben", "cleo", "dan"]).await;
        let checkpoint = keys.sign(&fixture, "four").await;
        let begun = fixture.json(&watch).await;
        assert_eq!(
            (&begun["ok"], &begun["log"]["size"]),
            (&true.into(), &4.into())
        );
        people(&fixture, &["eli", "fay"]).await;
        let kept = std::fs::read_to_string(&state).unwrap();

        fate.befall(&mut fixture).await;

        let verify = ["checkpoint", "verify", &checkpoint, "--key", &keys.public];
        for arguments in [&verify[..], &watch] {
            let ran = fixture.run(&[arguments, &["--json"]].concat()).await;
            let report: Value = serde_json::from_str(&ran.out).unwrap();
            assert_eq!(report["finding"].as_str(), finding, "{fate:?} {report}");
            let code = i32::from(finding.is_some());
            assert_eq!(ran.code, Some(code), "{fate:?} {ran:?}");
        }
        // What is known of the log as it was is not forgotten for what it is now.
        let now = std::fs::read_to_string(&state).unwrap();
        assert_eq!(now == kept, finding.is_some(), "{fate:?} {now}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_begins_with_nothing_or_a_checkpoint_and_stays_with_its_key() {
    let fixture = Fixture::start().await;
    let keys = Keys::generate().await;
    people(&fixture, &["ana"]).await;
    let state = keys.sign(&fixture, "state").await;
    let watch = async |public: &str, more: &[&str]| -> Ran {
        let watch = ["checkpoint", "watch", "--state", &state, "--key", public];
        fixture.run(&[&watch, more].concat()).await
    };
    let others = Keys::generate().await;
    let ran = watch(&others.public, &[]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("is not signed by log+"), "{ran:?}");

    people(&fixture, &["ben"]).await;
    let ran = watch(&keys.public, &[]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out.contains("1 message, each as it was; 1 more since"),
        "{ran:?}"
    );

    let ran = watch(&others.public, &[]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.contains("was kept under another key: log+"),
        "{ran:?}"
    );
    let ran = watch(&others.public, &["--format", "prometheus"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let other = "assent_checkpoint_finding{kind=\"other_key\"} 1";
    assert!(ran.out.contains(other), "{ran:?}");

    let ran = watch(&keys.public, &["--format", "prometheus"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for line in [
        "assent_checkpoint_holds 1",
        "assent_checkpoint_finding{kind=\"other_key\"} 0",
        "assent_checkpoint_finding{kind=\"forked\"} 0",
        "assent_checkpoint_kept_messages 2",
        "assent_checkpoint_log_messages 2",
        "# TYPE assent_checkpoint_held_timestamp_seconds gauge",
    ] {
        assert!(ran.out.lines().any(|found| found == line), "{line} {ran:?}");
    }

    // Before there is anything, it says that it can't know what was before.
    let new = text(&keys.path("new"));
    let ran = fixture
        .run(&[
            "checkpoint",
            "watch",
            "--state",
            &new,
            "--key",
            &keys.public,
        ])
        .await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("kept from now on"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_goes_on_until_it_is_ended_and_remembers_what_it_found() {
    let mut fixture = Fixture::start().await;
    let keys = Keys::generate().await;
    people(&fixture, &["ana", "ben"]).await;
    let state = text(&keys.path("state"));
    let watch = [
        "checkpoint",
        "watch",
        "--state",
        &state,
        "--key",
        &keys.public,
        "--every",
        "1s",
        "--json",
    ];
    let mut command = tokio::process::Command::from(fixture.command(&watch));
    command
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true);
    let mut process = command.spawn().unwrap();
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(
        process.stdout.take().unwrap(),
    ));
    let mut says = async |wanted: &str| {
        let heard = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.contains(wanted) {
                    return;
                }
            }
            panic!("it ended before it said {wanted}");
        };
        tokio::time::timeout(PATIENCE, heard).await.unwrap();
    };
    says("kept from now on").await;
    says("0 more since").await;
    people(&fixture, &["cleo"]).await;
    says("1 more since").await;
    // Whether NATS is there says nothing of the log.
    fixture.server.stop().await;
    fixture.server.flip_bit(STREAM, 2).unwrap();
    fixture.server.remove_index(STREAM).unwrap();
    fixture.server.restart().await.unwrap();
    says("cut_short").await;
    let id = i32::try_from(process.id().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(id).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let status = tokio::time::timeout(PATIENCE, process.wait())
        .await
        .unwrap();
    assert_eq!(status.unwrap().code(), Some(1));
}
