//! The units: systemd takes them, and each may do little.

use std::path::PathBuf;

use anyhow::ensure;

use crate::tools::{accepts, of_system, root, run};

/// In tenths. A unit that says nothing has 96.
const MOST_EXPOSED: &str = "--threshold=20";

fn units() -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(root().join("deploy/systemd"))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut units = paths.collect::<Result<Vec<_>, _>>()?;
    units.retain(|path| path.extension().is_some_and(|kind| kind == "service"));
    ensure!(5 <= units.len(), "units are missing: {units:?}");
    Ok(units)
}

#[test]
fn each_unit_is_taken_and_may_do_little() -> anyhow::Result<()> {
    let Some(analyze) = of_system("systemd-analyze", "SYSTEMD_ANALYZE")? else {
        return Ok(());
    };
    for unit in units()? {
        let unit = unit.to_string_lossy();
        accepts(
            &analyze,
            &[
                "security",
                "--offline=true",
                "--no-pager",
                MOST_EXPOSED,
                &unit,
            ],
        )?;
        // Nothing is installed where this runs, so the programs are not there.
        let verified = run(&analyze, &["verify", &unit])?;
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        let complaints: Vec<_> = said
            .lines()
            .filter(|line| line.contains("/deploy/systemd/") || line.contains(".service:"))
            .filter(|line| !line.contains("is not executable"))
            .collect();
        ensure!(complaints.is_empty(), "{complaints:?}");
    }
    Ok(())
}

#[test]
fn each_unit_names_variables_that_there_are_and_holds_no_secret() -> anyhow::Result<()> {
    for unit in units()? {
        let text = std::fs::read_to_string(&unit)?;
        let settings = text
            .lines()
            .filter_map(|line| line.strip_prefix("Environment="));
        for setting in settings {
            let (name, _) = setting.split_once('=').unwrap_or((setting, ""));
            ensure!(
                assent_contract::variables::VARIABLES.contains(&name),
                "{name} of {} is no variable",
                unit.display()
            );
            ensure!(
                !name.ends_with("PASSWORD") && !name.ends_with("SECRET"),
                "{name} in {}",
                unit.display()
            );
        }
    }
    Ok(())
}
