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

/// The path that was meant; `None` where nothing was added to it, and for programs, which copy exactly.
pub(crate) fn path(found: &str) -> Option<String> {
    let decoded = percent_decode_str(found).decode_utf8_lossy();
    let mut parts: Vec<&str> = decoded.split('/').filter(|part| !part.is_empty()).collect();
    if parts.first() == Some(&"v1") {
        return None;
    }
    while let Some(last) = parts.pop() {
        let meant = last_part(last);
        if !meant.is_empty() {
            parts.push(meant);
            break;
        }
    }
    let encoded = parts
        .iter()
        .map(|part| format!("/{}", utf8_percent_encode(part, ENCODED)));
    let meant: String = encoded.collect();
    (meant != found && !meant.is_empty()).then_some(meant)
}

/// The last part of an address of ours, decoded, without what was added to it.
pub(crate) fn last_part(found: &str) -> &str {
    // What ids of accounts and our own secrets consist of.
    let is_foreign = |letter: char| !letter.is_ascii_alphanumeric() && !"-_.~|:+=".contains(letter);
    let from_the_first = found.trim_start_matches(is_foreign);
    let up_to_the_next = from_the_first.split(is_foreign).next().unwrap_or_default();
    up_to_the_next.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::{last_part, path};

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
            assert_eq!(last_part(&format!("{link}{behind}")), link, "{behind:?}");
            assert_eq!(
                last_part(&format!(" <\"{link}{behind}")),
                link,
                "{behind:?}"
            );
        }
        for nothing in ["", ".", " ", "...)", "\u{201d}"] {
            assert_eq!(last_part(nothing), "");
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
            ("/favicon.ico%ff", "/favicon.ico"),
        ] {
            assert_eq!(path(found).as_deref(), Some(meant), "{found}");
        }
        for exact in [
            "",
            "/",
            "//",
            "/.",
            "/settings/account",
            "/nowhere",
            "/v1/accounts/acme/",
            "/v1/",
        ] {
            assert_eq!(path(exact), None, "{exact}");
        }
    }
}
