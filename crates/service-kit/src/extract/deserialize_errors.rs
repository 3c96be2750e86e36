//! What is wrong with a body or a query, without repeating what was in it.
//!
//! serde's messages quote the value that they refuse. Of those whose shape is known the harmless half is kept; whatever else
//! serde may say becomes a general remark.

/// How much of a name the caller chose is repeated.
const LONGEST_NAME: usize = 64;

/// How serde begins what it says about a field, and what is told of the field.
const ABOUT_A_FIELD: [(&str, &str); 3] = [
    ("missing field `", "is missing"),
    ("duplicate field `", "is there twice"),
    ("unknown field `", "is not known"),
];

/// How serde begins what it says about a value. Then it quotes the value, and then it says what it expected.
const ABOUT_A_VALUE: [&str; 4] = [
    "invalid type: ",
    "invalid value: ",
    "invalid length ",
    "unknown variant `",
];

/// What is wrong with a JSON body, and where.
pub(super) fn describe_json(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let inner = error.inner();
    if !inner.is_data() {
        let (line, column) = (inner.line(), inner.column());
        return format!("the body is not valid JSON (line {line}, column {column})");
    }
    let message = inner.to_string();
    // serde_json ends its messages with the place, which the path says better.
    let without_place = message.rsplit_once(" at line ");
    let said = describe(without_place.map_or(message.as_str(), |(message, _)| message));
    match error.path().to_string().as_str() {
        "." => said,
        path => format!("`{}`: {said}", harmless(path)),
    }
}

/// As [`describe_json`] tells of a field that the body must not have; `path` leads to it.
pub(super) fn describe_unknown(path: &serde_ignored::Path<'_>) -> String {
    // What is optional is a step of its own on the way.
    let path = path.to_string().replace(".?", "");
    let field = harmless(path.rsplit('.').next().unwrap_or(&path));
    format!("`{}`: the field `{field}` is not known", harmless(&path))
}

/// What is wrong with a query. serde's message begins with the name of the parameter where it is known.
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
    for (beginning, told) in ABOUT_A_FIELD {
        if let Some(rest) = message.strip_prefix(beginning) {
            let name = rest.split('`').next().unwrap_or_default();
            return format!("the field `{}` {told}", harmless(name));
        }
    }
    // What serde expected was written by us; what it got was not. The last occurrence is the one that serde wrote.
    let is_about_a_value = ABOUT_A_VALUE.iter().any(|shape| message.starts_with(shape));
    match message.rsplit_once(", expected ") {
        Some((_, expected)) if is_about_a_value => format!("expected {expected}"),
        Some(_) | None => "a value is not accepted".to_owned(),
    }
}

/// A name as the caller wrote it, if it looks like one.
fn harmless(name: &str) -> &str {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.[]".contains(letter);
    if name.len() <= LONGEST_NAME && name.chars().all(is_plain) {
        name
    } else {
        "?"
    }
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
