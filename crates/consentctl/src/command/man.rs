//! `man`: the manual pages, one for each command.

use std::path::Path;

use clap::CommandFactory as _;
use clap_mangen::Man;
use serde::Serialize;

use crate::arguments::Arguments;
use crate::exit::{CommandError, Outcome};
use crate::output::{Output, count};

/// A page, by the name of its file.
#[derive(Debug, Serialize)]
struct Page {
    name: String,
    page: String,
}

pub(crate) fn run(to: Option<&Path>, output: &mut Output) -> Result<Outcome, CommandError> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    collect(&command, &mut pages)?;
    if let Some(directory) = to {
        std::fs::create_dir_all(directory)?;
        for page in &pages {
            std::fs::write(directory.join(&page.name), &page.page)?;
        }
        let written = u64::try_from(pages.len()).unwrap_or(u64::MAX);
        output.remark(&format!(
            "{} written to {}",
            count(written, "page"),
            directory.display()
        ))?;
    }
    if output.is_json() {
        output.document(&pages)?;
    } else if to.is_none() {
        for page in &pages {
            output.raw(page.page.as_bytes())?;
        }
    }
    Ok(Outcome::Clean)
}

/// The pages of a command and of all below it.
fn collect(command: &clap::Command, pages: &mut Vec<Page>) -> std::io::Result<()> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render(&mut page)?;
    pages.push(Page {
        name: man.get_filename(),
        page: String::from_utf8_lossy(&page).into_owned(),
    });
    command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
        .try_for_each(|below| collect(below, pages))
}
