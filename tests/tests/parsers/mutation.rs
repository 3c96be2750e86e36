//! Texts of a corpus, mutated.

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{Index, select};

/// What is often treated as something else than it is.
const TOKENS: [&str; 24] = [
    "%",
    "%00",
    "%2f",
    "%25",
    "&",
    "=",
    "#",
    "?",
    "/",
    "\\",
    "@",
    ":",
    "\"",
    "{",
    "[",
    "null",
    "\\ud800",
    "\u{0}",
    "\u{202e}",
    "\u{feff}",
    "é",
    "99999999999999999999",
    "-1",
    "e999",
];

/// One thing that is done to a text.
#[derive(Clone, Debug)]
enum Edit {
    Flip(Index, u8),
    Cut(Index, Index),
    Repeat(Index, Index),
    Insert(Index, &'static str),
}

fn edits() -> impl Strategy<Value = Edit> {
    let place = any::<Index>;
    prop_oneof![
        (place(), 0_u8..8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        (place(), place()).prop_map(|(from, to)| Edit::Cut(from, to)),
        (place(), place()).prop_map(|(from, to)| Edit::Repeat(from, to)),
        (place(), select(TOKENS.to_vec())).prop_map(|(at, token)| Edit::Insert(at, token)),
    ]
}

impl Edit {
    fn make(&self, mut text: Vec<u8>) -> Vec<u8> {
        let place = |index: &Index| index.index(text.len() + 1);
        match self {
            Self::Flip(at, bit) => {
                let at = place(at);
                if let Some(byte) = text.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Cut(from, to) => {
                let (from, to) = (place(from), place(to));
                text.drain(from.min(to)..from.max(to));
            }
            Self::Repeat(from, to) => {
                let (from, to) = (place(from), place(to));
                let piece: Vec<u8> = text.drain(from.min(to)..from.max(to)).collect();
                let twice = piece.iter().chain(&piece).copied();
                text.splice(from.min(to)..from.min(to), twice.collect::<Vec<u8>>());
            }
            Self::Insert(at, token) => {
                let at = place(at);
                text.splice(at..at, token.bytes());
            }
        }
        text
    }
}

/// One of these texts, as it is or mutated; now and then something that is none of them at all.
pub(crate) fn mutated_of(texts: Vec<String>) -> impl Strategy<Value = String> {
    let mutated = (select(texts.clone()), vec(edits(), 1..5)).prop_map(|(text, edits)| {
        let edited = edits
            .iter()
            .fold(text.into_bytes(), |text, edit| edit.make(text));
        String::from_utf8_lossy(&edited).into_owned()
    });
    prop_oneof![
        8 => mutated,
        1 => select(texts),
        1 => ".{0,200}",
        1 => Just(String::new()),
    ]
}

/// The lines of a corpus.
pub(crate) fn corpus(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpora")
        .join(name);
    let text = std::fs::read_to_string(path).expect("the corpus is there");
    text.lines().map(str::to_owned).collect()
}

/// A line of a corpus, mutated.
pub(crate) fn mutated(name: &str) -> impl Strategy<Value = String> {
    mutated_of(corpus(name))
}
