//! Saying what is wrong with a body without repeating what was in it.
//!
//! serde's messages quote the value they refuse. Their fixed shapes are known,
//! so the harmless half is kept and everything else becomes a general remark.

use serde_path_to_error::Path;

/// How much of a name the caller chose is repeated.
const LONGEST_NAME: usize = 64;

pub(super) fn describe_json(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let inner = error.inner();
    match inner.classify() {
        serde_json::error::Category::Data => {}
        serde_json::error::Category::Io
        | serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof => {
            return format!(
                "the body is not valid JSON (line {}, column {})",
                inner.line(),
                inner.column()
            );
        }
    }
    let message = inner.to_string();
    // serde_json ends its messages with the place, which the path says better.
    let message = message
        .rsplit_once(" at line ")
        .map_or(message.as_str(), |(message, _)| message);
    format!("{}{}", place(error.path()), describe(message))
}

/// As [`describe_json`] tells of a field that the body must not have; `path` leads to it.
pub(super) fn describe_unknown(path: &serde_ignored::Path<'_>) -> String {
    // What is optional is a step of its own on the way.
    let path = path.to_string().replace(".?", "");
    let field = path.rsplit('.').next().unwrap_or(&path);
    format!(
        "`{}`: the field `{}` is not known",
        harmless(&path),
        harmless(field)
    )
}

/// What is wrong with a form or a query, whose messages begin with the name of
/// the parameter where it is known.
pub(super) fn describe_parameters(message: &str) -> String {
    match message.split_once(": ") {
        Some((name, message)) if harmless(name) == name => {
            format!("`{name}`: {}", describe(message))
        }
        Some(_) | None => describe(message),
    }
}

/// The harmless half of one of serde's messages.
fn describe(message: &str) -> String {
    if let Some(rest) = message.strip_prefix("missing field `") {
        return format!("the field `{}` is missing", name_in(rest));
    }
    if let Some(rest) = message.strip_prefix("duplicate field `") {
        return format!("the field `{}` is there twice", name_in(rest));
    }
    if let Some(rest) = message.strip_prefix("unknown field `") {
        return format!("the field `{}` is not known", name_in(rest));
    }
    // What serde expected was written by us; what it got was not. The last
    // occurrence is the one serde wrote.
    let quoting = [
        "invalid type: ",
        "invalid value: ",
        "invalid length ",
        "unknown variant `",
    ];
    if quoting.iter().any(|shape| message.starts_with(shape))
        && let Some((_, expected)) = message.rsplit_once(", expected ")
    {
        return format!("expected {expected}");
    }
    "a value is not accepted".to_owned()
}

/// `permissions[0]: ` for a value inside the body, nothing for the body itself.
fn place(path: &Path) -> String {
    let path = path.to_string();
    if path == "." {
        return String::new();
    }
    format!("`{}`: ", harmless(&path))
}

/// The name before the closing backtick.
fn name_in(rest: &str) -> String {
    harmless(rest.split('`').next().unwrap_or_default())
}

/// A name as the caller wrote it, if it looks like one.
fn harmless(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.[]".contains(letter);
    if name.len() <= LONGEST_NAME && name.chars().all(plain) {
        return name.to_owned();
    }
    "?".to_owned()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Body {
        count: u8,
        method: Method,
        list: Vec<u8>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Method {
        One,
        Two,
    }

    fn refusal(body: &str) -> String {
        let mut json = serde_json::Deserializer::from_str(body);
        describe_json(&serde_path_to_error::deserialize::<_, Body>(&mut json).unwrap_err())
    }

    #[test]
    fn a_refusal_names_the_field_and_never_the_value() {
        for (body, expected) in [
            (r#"{"count":"hunter2"}"#, "`count`: expected u8"),
            (r#"{"count":"a, expected b"}"#, "`count`: expected u8"),
            (r#"{"count":4096}"#, "`count`: expected u8"),
            (
                r#"{"method":"hunter2"}"#,
                "`method`: expected `one` or `two`",
            ),
            (r#"{"list":[1,"hunter2"]}"#, "`list[1]`: expected u8"),
            (
                r#"{"extra_one":1}"#,
                "`extra_one`: the field `extra_one` is not known",
            ),
            (r#"{"what is this":1}"#, "`?`: the field `?` is not known"),
            ("{}", "the field `count` is missing"),
            ("[hunter2", "the body is not valid JSON (line 1, column 2)"),
            ("", "the body is not valid JSON (line 1, column 0)"),
        ] {
            assert_eq!(refusal(body), expected, "{body}");
        }
    }

    #[test]
    fn a_message_of_unknown_shape_is_not_repeated() {
        assert_eq!(describe("hunter2 is no id"), "a value is not accepted");
    }
}
