//! What a program writes to its standard error: JSON lines, kept in a file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::process::last_lines;

/// The log of one program, over all its runs.
#[derive(Debug)]
pub(super) struct ProgramLog {
    path: PathBuf,
    /// Where the present run begins.
    run_starts_at: u64,
}

impl ProgramLog {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            run_starts_at: 0,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it for another run to write to.
    pub(super) fn begin_run(&mut self) -> std::io::Result<File> {
        let file = File::options().create(true).append(true).open(&self.path)?;
        self.run_starts_at = file.metadata()?.len();
        Ok(file)
    }

    /// All of it.
    pub(super) fn text(&self) -> String {
        self.text_from(0)
    }

    /// The last lines, for an error message.
    pub(super) fn last_lines(&self) -> String {
        last_lines(&self.text(), 20)
    }

    /// The address the present run says it listens on.
    pub(super) fn listening(&self) -> Option<SocketAddr> {
        self.text_from(self.run_starts_at)
            .lines()
            .find_map(listening_address)
    }

    fn text_from(&self, start: u64) -> String {
        let mut bytes = Vec::new();
        let read = File::open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(start))?;
            file.read_to_end(&mut bytes)
        });
        // A log that is not there yet is an empty one.
        read.map(|_| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }
}

/// Fields lie beside the message, or both lie under `fields`.
fn listening_address(line: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = line.get("fields").unwrap_or(&line);
    if fields.get("message")?.as_str()? != "listening" {
        return None;
    }
    fields.get("address")?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_either_shape() {
        let address = Some(SocketAddr::from(([127, 0, 0, 1], 8080)));

        let flat = r#"{"level":"INFO","message":"listening","address":"127.0.0.1:8080"}"#;
        let nested =
            r#"{"level":"INFO","fields":{"message":"listening","address":"127.0.0.1:8080"}}"#;

        assert_eq!(listening_address(flat), address);
        assert_eq!(listening_address(nested), address);
        assert_eq!(listening_address("listening on 127.0.0.1:8080"), None);
        assert_eq!(listening_address(r#"{"message":"draining"}"#), None);
    }

    #[test]
    fn only_the_present_run_counts() {
        use std::io::Write;
        let directory = tempfile::tempdir().unwrap();
        let mut log = ProgramLog::new(directory.path().join("a.log"));
        let mut first = log.begin_run().unwrap();
        writeln!(
            first,
            r#"{{"message":"listening","address":"127.0.0.1:1"}}"#
        )
        .unwrap();
        assert_eq!(log.listening().unwrap().port(), 1);

        log.begin_run().unwrap();

        assert_eq!(log.listening(), None);
        assert!(log.last_lines().contains("listening"));
    }
}
