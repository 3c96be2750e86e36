//! What is said of a rebuild.

use assent_contract::rebuild::{
    FieldDifference, RebuildComparison, RebuildOutcome, RebuildReport, RowDifference,
};
use assent_contract::replica::ReplicaStatus;
use assent_contract::words::RebuildStage;

use crate::output::count;

/// The line that it begins with.
pub(super) fn begun(report: &RebuildReport, replica: &ReplicaStatus) -> String {
    let host = replica.host.as_deref().unwrap_or("an unknown machine");
    let what = match &report.account_id {
        None => "its view".to_owned(),
        Some(account) => format!("company {account} and its users"),
    };
    let how = if report.dry_run {
        "compares, and changes nothing"
    } else {
        "and puts it in the place of what is served"
    };
    let joined = if report.joined {
        "; it was under way, and is joined"
    } else {
        ""
    };
    format!(
        "Projection {} on {host} builds {what} anew, {how} (rebuild {}{joined})",
        report.instance, report.rebuild_id
    )
}

/// How far it is; `None` once it ended.
pub(super) fn progress(report: &RebuildReport) -> Option<String> {
    let again = match report.attempt {
        0 | 1 => String::new(),
        attempt => format!(" (attempt {attempt}: the projection was stopped meanwhile)"),
    };
    if let Some(trouble) = &report.trouble {
        return Some(format!("  waits: {trouble}{again}"));
    }
    let line = match report.stage {
        RebuildStage::Waiting => "  waits until the projection follows the log".to_owned(),
        RebuildStage::Folding => format!(
            "  folded {} of {}",
            report.events_folded,
            count(report.events_total, "event")
        ),
        RebuildStage::Comparing => {
            format!("  compared {}", count(report.rows_compared, "row"))
        }
        RebuildStage::Swapping => format!(
            "  brought to event {} of {}",
            report.events_folded, report.events_total
        ),
        RebuildStage::Ended => return None,
    };
    Some(format!("{line}{again}"))
}

/// How it ended.
pub(super) fn ended(outcome: &RebuildOutcome) -> Vec<String> {
    match outcome {
        RebuildOutcome::Swapped {
            sequence,
            comparison,
        } => {
            let mut lines = compared(comparison);
            lines.push(format!("  swapped at event {sequence}"));
            lines
        }
        RebuildOutcome::Compared { comparison } => {
            let mut lines = compared(comparison);
            lines.push("  nothing was changed".to_owned());
            lines
        }
        RebuildOutcome::Corrected { comparison } => {
            let mut lines = compared(comparison);
            if comparison.different != 0 {
                lines.push("  what is served was put right".to_owned());
            }
            lines
        }
        RebuildOutcome::Refused {
            reason,
            detail,
            comparison,
        } => {
            let mut lines = comparison.as_ref().map(compared).unwrap_or_default();
            lines.push(format!("  REFUSED: {detail}"));
            lines.push(format!(
                "  what is served is as it was; {}",
                reason.meaning().how
            ));
            lines
        }
    }
}

fn compared(found: &RebuildComparison) -> Vec<String> {
    let rows = count(found.rows, "row");
    let at = found.sequence;
    if found.different == 0 {
        return vec![format!("  compared {rows} as of event {at}: no difference")];
    }
    let mut lines = vec![format!(
        "  compared {rows} as of event {at}: {} differ; {} would gain a permission, {} lose one",
        found.different,
        count(found.users_gaining, "user"),
        found.users_losing,
    )];
    for row in &found.first {
        lines.extend(row.fields.iter().map(|field| difference(row, field)));
    }
    let described = u64::try_from(found.first.len()).unwrap_or(u64::MAX);
    let more = found.different.saturating_sub(described);
    if 0 < more {
        lines.push(format!("    and {more} more"));
    }
    lines
}

fn difference(row: &RowDifference, field: &FieldDifference) -> String {
    let whose = match &row.whose.user_id {
        Some(user) => format!("{}/{user}", row.whose.account_id),
        None => row.whose.account_id.to_string(),
    };
    let [served, rebuilt] = [&field.served, &field.rebuilt]
        .map(|value| value.clone().unwrap_or_else(|| "none".to_owned()));
    format!(
        "    {whose}: {} is served as {served}, the log says {rebuilt}",
        field.field
    )
}
