//! Exports that are not whole, not of the log, changed, or no exports: each has a sentence, and nothing is written.

use std::fs;
use std::path::Path;

use super::{Empty, export, told};

/// Changes an export, tries to import it, and looks that nothing was written.
async fn refused(empty: &Empty, path: &Path, code: i32, says: &str) {
    for dry_run in [&[][..], &["--dry-run"]] {
        let ran = empty.import(path, dry_run).await;
        assert_eq!(ran.code, Some(code), "{says}: {ran:?}");
        assert!(ran.err.contains(says), "{says}: {ran:?}");
        assert!(ran.err.lines().count() == 1, "{ran:?}");
    }
    assert_eq!(empty.messages().await, None, "{says}");
    // The same is no view.
    let view = path.with_extension("view");
    let (view, path) = (view.to_str().unwrap(), path.to_str().unwrap());
    let ran = empty
        .as_gateway(&["replay", "--to", view, "--from", path])
        .await;
    assert_eq!(ran.code, Some(code), "{says}: {ran:?}");
    assert!(
        ran.err.contains(says) && !Path::new(view).exists(),
        "{says}: {ran:?}"
    );
}

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.split_inclusive('\n').map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_as_it_was_written() {
    let fixture = told().await;
    let export = export(&fixture, "log.ndjson", &[]).await;
    let (path, whole) = (export.path.as_path(), lines(&export.path));
    let empty = Empty::start().await;
    let without = |at: usize| {
        let mut lines = whole.clone();
        lines.remove(at);
        lines.concat()
    };
    let changed = |at: usize, from: &str, to: &str| {
        let mut lines = whole.clone();
        assert!(lines[at].contains(from), "{}", lines[at]);
        lines[at] = lines[at].replace(from, to);
        lines.concat()
    };
    let mut swapped = whole.clone();
    swapped.swap(1, 2);
    let text = whole.concat();
    let photo = (0..=255_u8).cycle().take(5000).collect::<Vec<_>>();
    for (bytes, says) in [
        (without(2).into_bytes(), "after message 2 comes 4"),
        (without(0).into_bytes(), "after message 0 comes 2"),
        (without(7).into_bytes(), "cut after message 7"),
        (swapped.concat().into_bytes(), "out of order"),
        (text[..text.len() - 1].into(), "line 8 is not complete"),
        (text[..text.len() / 2].into(), "is not complete"),
        (
            changed(0, "\"calendar\":true", "\"calendar\":false").into_bytes(),
            "a line was changed",
        ),
        (
            changed(3, "e30=", "fX0=").into_bytes(),
            "a line was changed",
        ),
        (
            changed(4, "accounts/acme", "accounts/acmf").into_bytes(),
            "a line was changed",
        ),
        (
            changed(1, "\"data\"", "\"datum\"").into_bytes(),
            "line 2 is no message",
        ),
        (
            changed(3, "\"e30=\"", "\"?\"").into_bytes(),
            "line 4 is no message",
        ),
        (
            changed(3, "consent.events.v1.acme.company", "orders.v1.acme").into_bytes(),
            "another stream",
        ),
        (
            changed(3, "ce-specversion", "ce specversion\\n").into_bytes(),
            "line 4 is no message",
        ),
        (
            [text.clone(), text.clone()].concat().into_bytes(),
            "after message 8 comes 1",
        ),
        (
            [
                text.clone(),
                whole[7].replace("\"sequence\":8", "\"sequence\":9"),
            ]
            .concat()
            .into_bytes(),
            "message 8 says that it is the last, and more follow",
        ),
        (Vec::new(), "holds no message at all"),
        (b"\n".to_vec(), "line 1 is no message"),
        (b"{\"orders\": 1}\n".to_vec(), "line 1 is no message"),
        (photo, "line 1 is no message"),
    ] {
        fs::write(path, bytes).unwrap();
        refused(&empty, path, 1, says).await;
    }
    fs::remove_file(path).unwrap();
    refused(&empty, path, 64, "log.ndjson is not there").await;
    // As it was written it is taken.
    fs::write(path, text).unwrap();
    let ran = empty.import(path, &[]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_not_as_it_was_written() {
    let fixture = told().await;
    let export = export(&fixture, "log", &[]).await;
    let (events, manifest) = (
        export.path.join("events.ndjson"),
        export.path.join("manifest.json"),
    );
    let (whole, said) = (lines(&events), fs::read_to_string(&manifest).unwrap());
    let empty = Empty::start().await;
    let root = said.split("\"root\": \"").nth(1).unwrap()[..43].to_owned();
    for (bytes, says) in [
        (
            said.replace("\"last\": 8", "\"last\": 9"),
            "ends with message 8, and the manifest says 9",
        ),
        (
            said.replace("\"last\": 8", "\"last\": 7"),
            "a line was changed",
        ),
        (
            said.replace("\"first\": 1", "\"first\": 2"),
            "begins with message 2",
        ),
        (
            said.replace("CONSENT_EVENTS", "ORDERS"),
            "an export of the stream ORDERS",
        ),
        (
            said.replace("\"version\": 1", "\"version\": 2, \"more\": 3"),
            "version 2: a newer consentctl",
        ),
        (
            said.replace("\"version\"", "\"more\": 3, \"version\""),
            "its manifest can't be read",
        ),
        (said.replace(&root, &"A".repeat(43)), "a line was changed"),
        ("no JSON".to_owned(), "its manifest can't be read"),
        (String::new(), "its manifest can't be read"),
    ] {
        fs::write(&manifest, &bytes).unwrap();
        refused(&empty, &export.path, 1, says).await;
    }
    fs::write(&manifest, &said).unwrap();
    fs::write(&events, whole[..5].concat()).unwrap();
    refused(
        &empty,
        &export.path,
        1,
        "ends with message 5, and the manifest says 8",
    )
    .await;
    fs::write(&events, "").unwrap();
    refused(
        &empty,
        &export.path,
        1,
        "ends with message 0, and the manifest says 8",
    )
    .await;
    fs::remove_file(&manifest).unwrap();
    refused(&empty, &export.path, 1, "without a manifest.json").await;
    fs::remove_file(&events).unwrap();
    refused(&empty, &export.path, 1, "it is no export of a log").await;

    // What the manifest does not vouch for is passed over.
    fs::write(&manifest, &said).unwrap();
    fs::write(&events, whole.concat() + "{\"torn").unwrap();
    let ran = empty.import(&export.path, &[]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("passed over"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_is_not_the_one_that_is_asked_for() {
    let fixture = told().await;
    let (private, public) =
        assent_checkpoint::SigningKey::generate("log.example.com/consent").unwrap();
    let (_, other) = assent_checkpoint::SigningKey::generate("log.example.com/consent").unwrap();
    let place = tempfile::tempdir().unwrap();
    let key = place.path().join("log.key");
    fs::write(&key, secrecy::ExposeSecret::expose_secret(&private)).unwrap();
    let signed = export(&fixture, "log", &["--key", key.to_str().unwrap()]).await;
    let unsigned = export(&fixture, "log", &[]).await;
    let empty = Empty::start().await;

    let asked = async |path: &Path, key: &str, code, says: &str| {
        let ran = empty.import(path, &["--key", key]).await;
        assert_eq!(ran.code, Some(code), "{says}: {ran:?}");
        assert!(ran.err.contains(says), "{says}: {ran:?}");
        assert_eq!(empty.messages().await, None);
    };
    let (public, other) = (public.to_string(), other.to_string());
    asked(&unsigned.path, &public, 1, "is not signed").await;
    asked(&signed.path, &other, 1, "is not signed by").await;
    asked(&signed.path, "nonsense", 64, "nonsense can't be used").await;
    asked(&signed.path, key.to_str().unwrap(), 64, "private key").await;

    let manifest = signed.path.join("manifest.json");
    let said = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, said.replace("\"kim\"", "\"tim\"")).unwrap();
    asked(&signed.path, &public, 1, "was changed after it was signed").await;
    fs::write(&manifest, said).unwrap();
    let kept = fs::read_to_string(signed.path.join("manifest.sig")).unwrap();
    fs::write(
        signed.path.join("manifest.sig"),
        kept.replace("\n8\n", "\n7\n"),
    )
    .unwrap();
    asked(&signed.path, &public, 1, "signature").await;
    fs::write(signed.path.join("manifest.sig"), &kept).unwrap();

    // Whatever reads checkpoints reads it.
    let checkpoint = assent_checkpoint::UnverifiedCheckpoint::parse(kept.as_bytes()).unwrap();
    let checkpoint = checkpoint.verify(&public.parse().unwrap()).unwrap();
    assert_eq!(checkpoint.size, 8);
    let in_a_file = place.path().join("log.pub");
    fs::write(&in_a_file, &public).unwrap();
    let ran = empty
        .import(&signed.path, &["--key", in_a_file.to_str().unwrap()])
        .await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
}
