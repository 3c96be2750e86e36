//! The files in which the server keeps the log.

use std::fs;
use std::path::{Path, PathBuf};

use assent_contract::names;

use crate::world::{World, until};

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Where the server keeps the log, below its store.
pub(crate) fn folder_of_log(store: &Path) -> PathBuf {
    let mut folders = vec![store.to_owned()];
    while let Some(folder) = folders.pop() {
        if folder.ends_with(format!("streams/{}", names::EVENT_STREAM)) {
            return folder;
        }
        let inside = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        folders.extend(inside.filter(|path| path.is_dir()));
    }
    panic!("the log is nowhere");
}

/// The log as it is now, to go back to.
pub(crate) async fn saved(world: &mut World, label: &str) -> PathBuf {
    world.nats.stop().await;
    let backup = world.data(label);
    copy(&folder_of_log(&world.nats.store_directory()), &backup);
    world.nats.restart().await.unwrap();
    until("the log is there again", async || world.log_opens().await).await;
    backup
}

pub(crate) async fn set_back_to(world: &mut World, backup: &Path) {
    world.nats.stop().await;
    let folder = folder_of_log(&world.nats.store_directory());
    fs::remove_dir_all(&folder).unwrap();
    copy(backup, &folder);
    world.nats.restart().await.unwrap();
    until("the log is there again", async || world.log_opens().await).await;
}
