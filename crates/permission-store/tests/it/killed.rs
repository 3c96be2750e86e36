//! A process that is killed while it writes: rows and cursor agree all the same.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use assent_permission_store::{Entry, Opened, RowsCheck, View};

use crate::log::{granted, hash, source};
use crate::place::{CACHE, Place, apply, digest_of, load};

const DIRECTORY: &str = "VIEW_THAT_A_CHILD_WRITES";
const REBUILDS: &str = "VIEW_IS_REBUILT_BY_THE_CHILD";

fn event(sequence: u64) -> Entry {
    let number = (sequence * 7919) % 2000;
    granted(
        sequence,
        &format!("account-{}", number % 9),
        &format!("user-{number}"),
    )
}

#[test]
#[ignore = "no test of its own: what the child process of the next one runs"]
fn a_child_writes_until_it_is_killed() {
    let directory = env::var_os(DIRECTORY).unwrap();
    let view = match View::open(directory.as_ref(), &source(), CACHE).unwrap() {
        Opened::Resumed(view) => *view,
        Opened::Fresh { load: anew, .. } => load(*anew, &[]),
    };
    let mut next = view.cursor().sequence.0 + 1;
    loop {
        let batch: Vec<_> = (next..next + 64).map(event).collect();
        apply(&view, &batch);
        next += 64;
        writeln!(std::io::stdout(), "\napplied:{next}").unwrap();
        if env::var_os(REBUILDS).is_some() {
            // The view is replaced again and again, each time by one that was built beside it.
            let mut load = view.build_beside().unwrap();
            let entries: Vec<_> = (1..next).map(event).collect();
            load.add(&entries).unwrap();
            let candidate = load.finish().unwrap();
            view.adopt(&candidate).unwrap();
        }
    }
}

#[test]
fn a_killed_writer_leaves_rows_and_cursor_that_agree() {
    kill_again_and_again(&[]);
}

#[test]
fn one_that_was_killed_while_it_was_rebuilt_leaves_the_old_view_or_the_new() {
    kill_again_and_again(&[(REBUILDS, "1")]);
}

fn kill_again_and_again(variables: &[(&str, &str)]) {
    let place = Place::new();
    let mut furthest = 0;
    for round in 0..8 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args([
                "killed::a_child_writes_until_it_is_killed",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .env(DIRECTORY, place.path())
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let wanted = if variables.is_empty() {
            3 + round * 23
        } else {
            3 + round
        };
        let applied = lines
            .map_while(Result::ok)
            .filter(|line| line.starts_with("applied:"))
            .take(wanted)
            .count();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(applied, wanted, "the child ended by itself");

        match place.open(&source()) {
            // Killed before the very first flush: nothing is there yet.
            Opened::Fresh { load: anew, .. } => drop(load(*anew, &[])),
            Opened::Resumed(view) => {
                let cursor = view.cursor();
                assert_eq!(view.verify(|| {}).unwrap(), RowsCheck::Sound);
                let entries: Vec<_> = (1..=cursor.sequence.0).map(event).collect();
                assert_eq!(view.digest().unwrap(), digest_of(&entries));
                if 0 < cursor.sequence.0 {
                    assert_eq!(cursor.hash, hash(cursor.sequence.0));
                }
                furthest = furthest.max(cursor.sequence.0);
            }
        }
    }
    assert!(0 < furthest, "no write outlived its writer");
}
