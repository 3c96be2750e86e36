//! Claims in the shapes that token libraries give them.
//!
//! One value is a string to one library and a list of one to another, and "none" may be an empty list, `null` or no claim
//! at all. A claim in any other shape is told by its name: an error of the JSON reader would name a line and a column of a
//! text that nobody sees.

use serde_json::Value;

use super::BearerError;

/// A claim as it stands in the token.
pub(super) type Claim = Option<Value>;

/// The first of the claims that the library itself looks at which is there in another shape than it must have, and what
/// it must be.
pub(super) fn malformed(claims: &Value) -> Option<(&'static str, &'static str)> {
    let is_text_or_texts = |value: &Value| match value.as_array() {
        Some(values) => values.iter().all(Value::is_string),
        None => value.is_string(),
    };
    let a_text: fn(&Value) -> bool = Value::is_string;
    let a_number: fn(&Value) -> bool = Value::is_number;
    [
        ("iss", "a string", a_text),
        ("sub", "a string", a_text),
        ("aud", "a string or a list of strings", is_text_or_texts),
        ("exp", "a number", a_number),
        ("nbf", "a number", a_number),
    ]
    .into_iter()
    .find(|(claim, _, fits)| {
        let value = claims.get(claim).filter(|value| !value.is_null());
        value.is_some_and(|value| !fits(value))
    })
    .map(|(claim, expected, _)| (claim, expected))
}

/// A claim that is a text.
pub(super) fn text(name: &'static str, claim: Claim) -> Result<Option<String>, BearerError> {
    match claim {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(BearerError::MalformedClaim {
            claim: name,
            expected: "a string",
        }),
    }
}

/// A claim that is a number.
pub(super) fn number(name: &'static str, claim: &Claim) -> Result<Option<f64>, BearerError> {
    let Some(value) = claim.as_ref().filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let malformed = BearerError::MalformedClaim {
        claim: name,
        expected: "a number",
    };
    value.as_f64().map(Some).ok_or(malformed)
}

/// A claim that is a text or a list of texts.
pub(super) fn texts(name: &'static str, claim: Claim) -> Result<Vec<String>, BearerError> {
    let values = match claim {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(values)) => values,
        Some(value) => Vec::from([value]),
    };
    values
        .into_iter()
        .map(|value| match value {
            Value::String(text) => Ok(text),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => Err(BearerError::MalformedClaim {
                claim: name,
                expected: "a string or a list of strings",
            }),
        })
        .collect()
}

/// The words of a claim that is a text or a list of texts, each of which may hold several with spaces in between (RFC 8693
/// section 4.2).
pub(super) fn words(name: &'static str, claim: Claim) -> Result<Vec<String>, BearerError> {
    let texts = texts(name, claim)?;
    let words = texts.iter().flat_map(|text| text.split_whitespace());
    Ok(words.map(str::to_owned).collect())
}
