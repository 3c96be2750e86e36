//! `consentctl events export` and `import`, and `consentctl replay`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser as _};

use super::Moment;

/// What to export, and where.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// Where to: a name with an extension (log.ndjson) is a file, any other a directory.
    #[arg(long, value_name = "FILE|DIR", value_parser = OsStringValueParser::new().try_map(place))]
    pub(crate) to: PathBuf,
    /// End with this event, or before the first event that was recorded after this time (RFC 3339).
    #[arg(long, value_name = "TIME|SEQ", value_parser = Moment::parse)]
    pub(crate) until: Option<Moment>,
    /// Sign the manifest of a directory with the private note key in this file (see consentctl checkpoint keygen).
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
}

/// What to import.
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// The export: a file, or a directory.
    #[arg(value_name = "FILE|DIR")]
    pub(crate) from: PathBuf,
    /// End with this event, or before the first event that was recorded after this time (RFC 3339).
    #[arg(long, value_name = "TIME|SEQ", value_parser = Moment::parse)]
    pub(crate) until: Option<Moment>,
    /// Only if the export is signed with this key: the public note key, or a file with it.
    #[arg(long, value_name = "KEY|FILE")]
    pub(crate) key: Option<String>,
    /// Write nothing: say what would be gone, and whose permission would change.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How many differences --dry-run names at the most; 0 means all.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
    /// How many servers are to keep the log, where it is not there: as the gateway's ASSENT_NATS_REPLICAS.
    #[arg(
        long,
        value_name = "N",
        env = "ASSENT_NATS_REPLICAS",
        default_value = "1",
        value_parser = ["1", "3", "5"]
    )]
    pub(crate) replicas: String,
    /// Don't ask first.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What to build a view from, and where.
#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// The directory to build the view in: one that is not there yet, or an empty one.
    #[arg(long, value_name = "DIR", value_parser = OsStringValueParser::new().try_map(place))]
    pub(crate) to: PathBuf,
    /// Build it from this export instead of from the server's log. Nothing is connected to.
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) from: Option<PathBuf>,
    /// End with this event, or before the first event that was recorded after this time (RFC 3339).
    #[arg(long, value_name = "TIME|SEQ", value_parser = Moment::parse)]
    pub(crate) until: Option<Moment>,
}

/// Where something is put. `-` is what others call the standard output, and would become a directory of that name.
fn place(text: OsString) -> Result<PathBuf, String> {
    if text == "-" {
        let why = "nothing is written to the standard output, as what is written is proved afterwards; name a place for it";
        return Err(why.to_owned());
    }
    Ok(PathBuf::from(text))
}
