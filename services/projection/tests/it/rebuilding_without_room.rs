//! The disk runs full while a view is built beside the one that is served. It needs a small disk of its own, which only root
//! can have; who is not is told that it was skipped.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::events::granted;
use crate::operator::{Operator, generations, held_up};
use crate::world::World;

const MEGABYTE: usize = 1024 * 1024;

/// A disk in memory, gone with the value.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` for whoever may not mount one.
    fn mount(at: PathBuf) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=96m", "tmpfs"])
            .arg(&at)
            .output();
        let is_mounted = mounted.is_ok_and(|mounted| mounted.status.success());
        is_mounted.then_some(Self(at))
    }

    fn path(&self) -> &Path {
        &self.0
    }

    /// Fills it until this much is left.
    fn fill_but(&self, megabytes: usize) -> PathBuf {
        let path = self.path().join("filler");
        let mut filler = fs::File::create(&path).unwrap();
        let some = vec![0; MEGABYTE / 4];
        let mut written = 0;
        while filler.write_all(&some).is_ok() {
            written += some.len();
        }
        let kept = written.saturating_sub(megabytes * MEGABYTE);
        filler.set_len(u64::try_from(kept).unwrap()).unwrap();
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, as a program may still have files open there; what fails leaves an empty disk behind.
        drop(Command::new("umount").arg("-l").arg(&self.0).output());
    }
}

#[tokio::test]
async fn what_is_served_goes_on_and_the_attempt_is_gone() {
    let world = World::new().await;
    let Some(disk) = SmallDisk::mount(world.data("one")) else {
        println!("skipped: only root can mount a small disk");
        return;
    };
    let projection = world.projection("one").await;
    let operator = Operator::new(&world).await;
    let last = world.append([granted("acme", "ana")]).await;
    world.permissions(&projection, "acme", "ana", last).await;

    // Half done when the disk runs full.
    let held = held_up(&world, &operator, last + 2).await;
    assert_eq!(generations(&world, "one").len(), 2);
    let filler = disk.fill_but(8);
    let mut later = last;
    for name in ["ben", "zoe"] {
        later = world.append([granted("acme", name)]).await;
        let served = world.permissions(&projection, "acme", name, later).await;
        assert_eq!(served["effective"]["calendar"], true);
    }
    let outcome = operator.outcome_of(&held.report).await;
    assert_eq!(outcome["result"], "refused", "{outcome}");
    assert_eq!(outcome["reason"], "no_space", "{outcome}");
    assert_eq!(generations(&world, "one").len(), 1);

    // Nor is one begun.
    let refused = operator.rebuilds(&json!({})).await;
    assert_eq!(refused["reason"], "no_space", "{refused}");
    assert_eq!(generations(&world, "one").len(), 1);
    let status = world.get(&projection, "/v1/status").await.1;
    assert_eq!(status["rebuilding"], false);

    fs::remove_file(filler).unwrap();
    let swapped = operator.rebuilds(&json!({})).await;
    assert_eq!(swapped["result"], "swapped", "{swapped}");
    assert_eq!(swapped["sequence"], later);
    drop(projection);
}
