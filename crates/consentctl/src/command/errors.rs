//! `errors`: what a code, a state, a reason or an alarm means, who can mend it, and how.

use assent_contract::meaning::Meaning;
use assent_contract::words;
use serde::Serialize;

use super::blocked::message::MessageKind;
use super::checkpoint::report::Kind as Checkpoint;
use super::doctor::check::CheckKind;
use crate::exit::{CommandError, FailureCode, Outcome};
use crate::output::Output;

/// How alike a word has to be to one that exists, from 0 to 1, to be named when it is misspelt.
const ALIKE: f64 = 0.75;
/// How many are named.
const MOST_NAMED: usize = 3;

/// The error of a word that nobody says.
#[derive(Debug, thiserror::Error)]
#[error("no program of Assent says {word:?}{}; consentctl errors lists all words", nearest(.near))]
struct UnknownWord {
    word: String,
    near: Vec<&'static str>,
}

fn nearest(near: &[&str]) -> String {
    if near.is_empty() {
        return String::new();
    }
    format!(" (did you mean {}?)", near.join(" or "))
}

/// The words as they are shown to programs.
#[derive(Debug, Serialize)]
struct Listing {
    words: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    word: &'static str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    means: &'static str,
    who: &'static str,
    how: &'static str,
}

impl From<&Meaning> for Row {
    fn from(meaning: &Meaning) -> Self {
        Self {
            word: meaning.word,
            kind: meaning.kind,
            status: meaning.status,
            means: meaning.means(),
            who: meaning.who.as_str(),
            how: meaning.how,
        }
    }
}

pub(crate) fn run(word: Option<&str>, output: &mut Output) -> Result<Outcome, CommandError> {
    let all: Vec<Meaning> = known().collect();
    let wanted: Vec<&Meaning> = match word {
        None => all.iter().collect(),
        Some(word) => {
            let word = word.trim().to_lowercase().replace(['-', ' '], "_");
            let found: Vec<_> = all.iter().filter(|told| told.word == word).collect();
            if found.is_empty() {
                let near = near(&word, &all);
                return Err(CommandError::Usage(UnknownWord { word, near }.into()));
            }
            found
        }
    };
    if output.is_json() {
        let words = wanted.into_iter().map(Row::from).collect();
        output.document(&Listing { words })?;
    } else if word.is_some() {
        in_full(&wanted, output)?;
    } else {
        by_kind(&wanted, output)?;
    }
    Ok(Outcome::Clean)
}

/// Every word that any program of ours says.
fn known() -> impl Iterator<Item = Meaning> {
    let own = FailureCode::ALL.iter().copied().map(FailureCode::meaning);
    let checks = CheckKind::ALL.iter().copied().map(CheckKind::meaning);
    let messages = MessageKind::ALL.iter().copied().map(MessageKind::meaning);
    let checkpoints = Checkpoint::ALL.iter().copied().map(Checkpoint::meaning);
    words::all()
        .chain(checks)
        .chain(messages)
        .chain(checkpoints)
        .chain(own)
}

/// The words most like a misspelt one, the likest first.
fn near(word: &str, all: &[Meaning]) -> Vec<&'static str> {
    let mut alike: Vec<(f64, &'static str)> = all
        .iter()
        .map(|told| (strsim::jaro_winkler(word, told.word), told.word))
        .filter(|(likeness, _)| ALIKE < *likeness)
        .collect();
    alike.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let mut near: Vec<_> = alike.into_iter().map(|(_, word)| word).collect();
    near.dedup();
    near.truncate(MOST_NAMED);
    near
}

/// A word may be of several kinds, and means something else in each.
fn in_full(wanted: &[&Meaning], output: &mut Output) -> std::io::Result<()> {
    for (place, told) in wanted.iter().enumerate() {
        if place != 0 {
            output.line("")?;
        }
        let status = told
            .status
            .map_or_else(String::new, |status| format!(" (HTTP {status})"));
        output.line(told.word)?;
        output.line(&format!("  kind    {}{status}", told.kind))?;
        output.line(&format!("  means   {}", told.means()))?;
        output.line(&format!("  who     {}", told.who.describe()))?;
        output.line(&format!("  how     {}", told.how))?;
    }
    Ok(())
}

fn by_kind(wanted: &[&Meaning], output: &mut Output) -> std::io::Result<()> {
    let width = wanted.iter().map(|told| told.word.len()).max();
    let width = width.unwrap_or_default();
    let mut kind = None;
    for told in wanted {
        if kind != Some(told.kind) {
            if kind.is_some() {
                output.line("")?;
            }
            output.line(told.kind)?;
            kind = Some(told.kind);
        }
        output.line(&format!("  {:width$}  {}", told.word, told.means()))?;
    }
    output.line("")?;
    output.line("consentctl errors CODE says who can mend one of them, and how.")
}

#[cfg(test)]
mod tests {
    use super::{known, near};

    #[test]
    fn a_misspelt_word_finds_the_one_that_was_meant() {
        let all: Vec<_> = known().collect();
        for (typed, meant) in [
            ("tenant_mismtach", "tenant_mismatch"),
            ("invalid_requst", "invalid_request"),
            ("view_not_redy", "view_not_ready"),
            ("not_an_admin", "not_an_administrator"),
        ] {
            assert_eq!(near(typed, &all).first(), Some(&meant), "{typed}");
        }
        assert_eq!(near("xyzzy", &all), [""; 0]);
    }
}
