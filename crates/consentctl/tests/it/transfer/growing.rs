//! An export in a directory grows with the log; one that does not fit is refused; nothing is ever half there.

use std::fs;
use std::path::Path;

use assent_domain::permissions::{Permission, PermissionSet};

use super::{export, export_to, json, told};
use crate::fixture::{Fixture, SENDING, granted, revoked};

fn contents(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_to_what_it_would_have_been_at_once() {
    let fixture = told().await;
    let export = export(&fixture, "log", &["--until", "2"]).await;
    let grown = json(&export_to(&fixture, &export.path, &[]).await);
    assert_eq!(
        (&grown["before"], &grown["sequence"]),
        (&2.into(), &8.into())
    );
    assert_eq!(
        contents(&export.path),
        contents(&super::export(&fixture, "once", &[]).await.path)
    );

    // Nothing is new but what was declared void.
    let at = "2026-11-25T09:30:00Z".parse().unwrap();
    let eighth = assent_domain::ids::Sequence(8);
    fixture
        .log
        .declare_void(eighth, "torn", "kim", at)
        .await
        .unwrap();
    let again = json(&export_to(&fixture, &export.path, &[]).await);
    assert_eq!((&again["before"], &again["void"]), (&8.into(), &2.into()));
    // What an interrupted export leaves: lines that no manifest vouches for, and a temporary file.
    let events = export.path.join("events.ndjson");
    let text = fs::read_to_string(&events).unwrap();
    fs::write(&events, text + "{\"torn").unwrap();
    fs::write(export.path.join(".assent-export-torn"), "x").unwrap();
    fixture.record([revoked("ana", Permission::Calendar)]).await;
    let grown = json(&export_to(&fixture, &export.path, &[]).await);
    assert_eq!(
        (&grown["before"], &grown["sequence"]),
        (&8.into(), &9.into())
    );
    let at_once = super::export(&fixture, "once", &[]).await;
    assert_eq!(contents(&export.path), contents(&at_once.path));
    let names: Vec<_> = contents(&export.path)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["events.ndjson", "manifest.json"]);
    // One that was interrupted before there was a manifest.
    fs::remove_file(export.path.join("manifest.json")).unwrap();
    assert_eq!(export_to(&fixture, &export.path, &[]).await.code, Some(0));
    assert_eq!(contents(&export.path), contents(&at_once.path));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_and_left_as_it_is() {
    let fixture = told().await;
    let export = export(&fixture, "log", &[]).await;
    let other = Fixture::start().await;
    other
        .record([
            granted("acme", "ana", SENDING),
            granted("acme", "ben", PermissionSet::EVERYTHING),
        ])
        .await;
    let refused = async |of: &Fixture, path: &Path, more: &[&str], code, says: &str| {
        let before = path.is_dir().then(|| contents(path));
        let ran = export_to(of, path, more).await;
        assert_eq!(ran.code, Some(code), "{says}: {ran:?}");
        assert!(ran.err.contains(says), "{says}: {ran:?}");
        assert_eq!(path.is_dir().then(|| contents(path)), before);
    };
    refused(&other, &export.path, &[], 1, "of another log").await;
    refused(
        &fixture,
        &export.path,
        &["--until", "4"],
        64,
        "up to message 8 already",
    )
    .await;
    let events = export.path.join("events.ndjson");
    let whole = fs::read_to_string(&events).unwrap();
    fs::write(&events, whole.replace("\"epoch\":1", "\"epoch\":2")).unwrap();
    refused(&fixture, &export.path, &[], 1, "a line was changed").await;
    fs::write(&events, whole).unwrap();

    let photos = export.place.path().join("photos");
    fs::create_dir(&photos).unwrap();
    fs::write(photos.join("ana"), "x").unwrap();
    refused(&fixture, &photos, &[], 64, "it holds ana").await;
    fs::rename(photos.join("ana"), photos.join("events.ndjson")).unwrap();
    refused(&fixture, &photos, &[], 64, "it holds events.ndjson").await;

    let file = export.place.path().join("log.ndjson");
    fs::write(&file, "mine").unwrap();
    refused(&fixture, &file, &[], 64, "is there already").await;
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    let nowhere = export.place.path().join("nowhere/log.ndjson");
    refused(&fixture, &nowhere, &[], 1, "can't be written").await;
    let file = export.place.path().join("other.ndjson");
    let key = file.to_str().unwrap();
    refused(&fixture, &file, &["--key", key], 64, "a file has none").await;
    refused(&fixture, &export.path, &["--key", key], 64, "can't be used").await;
    refused(
        &fixture,
        &file,
        &["--until", "2020-01-01T00:00:00Z"],
        1,
        "nothing to export",
    )
    .await;
    assert!(!file.exists());
    let empty = Fixture::start().await;
    refused(&empty, &file, &[], 1, "nothing to export").await;

    let only_mine = fs::metadata(&export.path).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&only_mine.permissions());
    assert_eq!(mode & 0o077, 0);
    let mode = fs::metadata(&events).unwrap();
    // It was written anew by this test, as a file that is the owner's alone.
    let mode = std::os::unix::fs::PermissionsExt::mode(&mode.permissions());
    assert_eq!(mode & 0o077, 0);
}
