//! Tools that are fetched once, and kept.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The file `name` in `tools`. If it is missing, `fetch` makes it in the directory that it is given, and says where.
///
/// Callers that arrive at once, in whatever process, fetch once; the file is there at once and complete, or not at all.
pub(crate) fn fetch_once<E>(
    tools: &Path,
    name: &str,
    unusable: impl Fn(io::Error) -> E,
    fetch: impl FnOnce(&Path) -> Result<PathBuf, E>,
) -> Result<PathBuf, E> {
    let kept = tools.join(name);
    if kept.is_file() {
        return Ok(kept);
    }
    std::fs::create_dir_all(tools).map_err(&unusable)?;
    let lock = File::create(tools.join(format!("{name}.lock"))).map_err(&unusable)?;
    lock.lock().map_err(&unusable)?;
    if !kept.is_file() {
        let workshop = tempfile::Builder::new()
            .prefix("fetch-")
            .tempdir_in(tools)
            .map_err(&unusable)?;
        let fetched = fetch(workshop.path())?;
        std::fs::rename(fetched, &kept).map_err(&unusable)?;
    }
    Ok(kept)
}
