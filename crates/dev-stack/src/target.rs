//! Where Cargo puts things, told from where this program itself lies.

use std::path::{Path, PathBuf};

/// Cargo's target directory cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The system does not say where this program lies.
    #[error("the path of the running program is not known")]
    CurrentExe(#[source] std::io::Error),
    /// The program was moved out of Cargo's target directory.
    #[error("{} does not lie in a Cargo target directory", .0.display())]
    Outside(PathBuf),
}

/// The directory our programs are built into: `target/debug` or `target/release`.
///
/// The running program is either one of them, or a test or example in a folder next to them.
pub fn profile_directory() -> Result<PathBuf, TargetError> {
    let program = std::env::current_exe().map_err(TargetError::CurrentExe)?;
    profile_directory_of(&program)
        .map(Path::to_path_buf)
        .ok_or(TargetError::Outside(program))
}

/// The directory for fetched tools, `target/tools`: it survives a rebuild, and `cargo clean` removes it.
pub fn tools_directory() -> Result<PathBuf, TargetError> {
    let profile = profile_directory()?;
    match profile.parent() {
        Some(target) => Ok(target.join("tools")),
        None => Err(TargetError::Outside(profile)),
    }
}

fn profile_directory_of(program: &Path) -> Option<&Path> {
    let folder = program.parent()?;
    let name = folder.file_name()?;
    if name == "deps" || name == "examples" {
        folder.parent()
    } else {
        Some(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_and_programs_share_a_profile_directory() {
        for program in [
            "/w/target/debug/xtask",
            "/w/target/debug/deps/it-0123",
            "/w/target/debug/examples/one",
        ] {
            assert_eq!(
                profile_directory_of(Path::new(program)),
                Some(Path::new("/w/target/debug"))
            );
        }
    }
}
