//! What a failing disk does to a stream's files, while the server is stopped.

use std::io;
use std::path::{Path, PathBuf};

use super::NatsServer;

/// Before each record: its length, its sequence, its time, the length of its subject.
const RECORD_HEAD: usize = 4 + 8 + 8 + 2;
/// At its end, a checksum of it.
const CHECKSUM: usize = 8;
/// Set in the length of a record that has headers.
const HAS_HEADERS: u32 = 1 << 31;

impl NatsServer {
    /// Flips a bit in the last byte of a stored message's body; once more, and it is as it was. The
    /// server must be stopped.
    pub fn flip_bit(&self, stream: &str, sequence: u64) -> io::Result<()> {
        for entry in std::fs::read_dir(self.messages(stream)?)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "blk") {
                continue;
            }
            let mut block = std::fs::read(&path)?;
            if let Some(byte) = last_byte_of(&block, sequence) {
                if let Some(byte) = block.get_mut(byte) {
                    *byte ^= 1;
                }
                return std::fs::write(&path, block);
            }
        }
        let what = format!("no message {sequence} in the files of {stream}");
        Err(io::Error::new(io::ErrorKind::NotFound, what))
    }

    /// Removes the index of a stream. At its next start the server reads the stream's messages up to
    /// the first that is damaged, and silently forgets the rest. It must be stopped.
    pub fn remove_index(&self, stream: &str) -> io::Result<()> {
        std::fs::remove_file(self.messages(stream)?.join("index.db"))
    }

    /// Cuts the first block of a stream's messages in half, and removes the index. At its next start
    /// the server knows of the messages that these were no more than their number. It must be
    /// stopped.
    pub fn halve_first_block(&self, stream: &str) -> io::Result<()> {
        let path = self.messages(stream)?.join("1.blk");
        let block = std::fs::OpenOptions::new().write(true).open(path)?;
        block.set_len(block.metadata()?.len() / 2)?;
        self.remove_index(stream)
    }

    /// Keeps a copy of a stream's files. The server must be stopped.
    pub fn back_up(&self, stream: &str) -> io::Result<()> {
        let aside = self.aside(stream);
        if aside.exists() {
            std::fs::remove_dir_all(&aside)?;
        }
        copy(&self.files(stream)?, &aside)
    }

    /// Removes a stream's files, as if it had been deleted. The server must be stopped.
    pub fn remove_stream(&self, stream: &str) -> io::Result<()> {
        std::fs::remove_dir_all(self.files(stream)?)
    }

    /// Puts the copy of a stream's files in the place of whatever is there. The server must be stopped.
    pub fn restore(&self, stream: &str) -> io::Result<()> {
        if let Ok(files) = self.files(stream) {
            std::fs::remove_dir_all(files)?;
        }
        let account = self.directory_of_streams()?;
        copy(&self.aside(stream), &account.join(stream))
    }

    fn aside(&self, stream: &str) -> PathBuf {
        self.directory.path().join("backup").join(stream)
    }

    fn messages(&self, stream: &str) -> io::Result<PathBuf> {
        Ok(self.files(stream)?.join("msgs"))
    }

    fn files(&self, stream: &str) -> io::Result<PathBuf> {
        let files = self.directory_of_streams()?.join(stream);
        if files.is_dir() {
            return Ok(files);
        }
        let what = format!("no files of a stream {stream}");
        Err(io::Error::new(io::ErrorKind::NotFound, what))
    }

    /// Where the streams of the only account that has any are.
    fn directory_of_streams(&self) -> io::Result<PathBuf> {
        for account in std::fs::read_dir(self.store_directory().join("jetstream"))? {
            let streams = account?.path().join("streams");
            let log = streams.join("CONSENT_EVENTS").is_dir();
            if log || streams.join("CONSENT_CHANGES").is_dir() {
                return Ok(streams);
            }
        }
        let what = "no files of an account with streams of ours";
        Err(io::Error::new(io::ErrorKind::NotFound, what))
    }
}

/// Copies a directory with all that is in it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Where in a block the last byte of a message's body is.
fn last_byte_of(block: &[u8], wanted: u64) -> Option<usize> {
    let mut at = 0;
    loop {
        let head = block.get(at..at + RECORD_HEAD)?;
        let length = u32::from_le_bytes(head.get(..4)?.try_into().ok()?) & !HAS_HEADERS;
        let sequence = u64::from_le_bytes(head.get(4..12)?.try_into().ok()?);
        let length = usize::try_from(length).ok()?;
        if length < RECORD_HEAD + CHECKSUM {
            return None;
        }
        at += length;
        if sequence == wanted {
            return at.checked_sub(CHECKSUM + 1);
        }
    }
}
