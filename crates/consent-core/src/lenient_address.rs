//! Addresses as they arrive. Mail programs take the full stop or the bracket behind an address for a part of it, rewriters
//! put theirs behind it, and people copy a quotation mark along. Every address of ours ends in a letter or a digit, and has
//! few other characters in its last part; so what was added can be told, and is left out.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What a part of a path can have as it is, of what ours have.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The first parts of the addresses that people come to. All others stay exact: programs copy exactly, and what a proxy in
/// front keeps from the world by its path (`/metrics`) must have no second spelling.
const FOR_PEOPLE: [&str; 6] = [
    "administrator-confirmation",
    "callbacks",
    "hand-off",
    "hand-off-outcome",
    "session",
    "settings",
];

/// The path that was meant; `None` where nothing was added to it, and where nothing is passed over.
pub fn intended_path(found: &str) -> Option<String> {
    // An encoded slash is no slash of ours.
    let mut parts: Vec<&str> = found.split('/').filter(|part| !part.is_empty()).collect();
    let last = loop {
        let last = percent_decode_str(parts.pop()?).decode_utf8_lossy();
        let meant = strip_added(&last);
        if !meant.is_empty() {
            break utf8_percent_encode(meant, ENCODED).to_string();
        }
    };
    parts.push(&last);
    if !FOR_PEOPLE.contains(parts.first()?) {
        return None;
    }
    let meant: String = parts.iter().flat_map(|part| ["/", part]).collect();
    (meant != found).then_some(meant)
}

/// The last part of an address of ours, decoded, without what was added to it.
pub(crate) fn strip_added(found: &str) -> &str {
    // What ids of accounts and our own secrets consist of.
    let is_foreign = |letter: char| !letter.is_ascii_alphanumeric() && !"-_.~|:+=".contains(letter);
    let from_the_first = found.trim_start_matches(is_foreign);
    let up_to_the_next = from_the_first.split(is_foreign).next().unwrap_or_default();
    up_to_the_next.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::{intended_path, strip_added};

    #[test]
    fn what_was_added_behind_an_address_is_left_out() {
        let link = "acme.corp|1.019ab0000000700080000000000000ab.Zm9v_YmFy-Zg";
        for behind in [
            "",
            ".",
            ")",
            ",",
            ">",
            "\"",
            "'",
            ";",
            ":",
            "!",
            "?",
            "]",
            "*",
            "_",
            "...",
            ").",
            ">,",
            " ",
            "\n",
            "\u{a0}",
            "\u{201d}",
            "\u{bb}",
            "\u{2026}",
            "\u{200b}",
            "\u{fffd}",
            "&utm_source=mail",
            "?utm_source=mail",
            "\">Link</a>",
            " and more",
            "#top",
            "\u{3002}",
        ] {
            assert_eq!(strip_added(&format!("{link}{behind}")), link, "{behind:?}");
            assert_eq!(
                strip_added(&format!(" <\"{link}{behind}")),
                link,
                "{behind:?}"
            );
        }
        for nothing in ["", ".", " ", "...)", "\u{201d}"] {
            assert_eq!(strip_added(nothing), "");
        }
    }

    #[test]
    fn a_path_is_found_by_what_was_meant() {
        for (found, meant) in [
            ("/settings/account/", "/settings/account"),
            ("/settings/account.", "/settings/account"),
            ("/settings/account%2E", "/settings/account"),
            ("/settings/account%E2%80%9D).", "/settings/account"),
            ("//settings//account//", "/settings/account"),
            ("/settings/account/%20", "/settings/account"),
            ("/hand-off/a%7Cb.1.xY/", "/hand-off/a%7Cb.1.xY"),
            ("/hand-off/a.1.x/)", "/hand-off/a.1.x"),
            ("/hand-off/a.1.x%", "/hand-off/a.1.x"),
            ("/session%29.", "/session"),
            ("/settings/account%2F", "/settings/account"),
            ("/settings/account%0d%0aX-A:b", "/settings/account"),
        ] {
            assert_eq!(intended_path(found).as_deref(), Some(meant), "{found}");
        }
        for exact in [
            "",
            "/",
            "//",
            "/.",
            "/settings/account",
            "/nowhere",
            "/nowhere.",
            "/v1/accounts/acme/",
            "/v1%2Faccounts/acme",
            "/v1/",
            "/metrics.",
            "//metrics",
            "/%6Detrics",
            "/readyz)",
            "/openapi.json.",
            "/favicon.ico%ff",
            "/%73ettings/account.",
            "//evil.example/settings/account",
            "/../settings/account.",
        ] {
            assert_eq!(intended_path(exact), None, "{exact}");
        }
    }
}
