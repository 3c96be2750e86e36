//! Claims in the shapes that token libraries give them.
//!
//! One value is a string to one library and a list of one to another, and "none" may be an empty list, `null` or no claim
//! at all. Each of these types takes whatever stands there and says later, by the claim's name, if it is none of them: an
//! error of the JSON reader would name a line and a column of a text that nobody sees.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::BearerError;

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

/// A claim that is a text, `null` or not there.
#[derive(Debug, Default)]
pub(super) struct Text(Claim<String>);

/// A claim that is a number, `null` or not there.
#[derive(Debug, Default)]
pub(super) struct Number(Claim<f64>);

/// A claim that is a list of texts, one text, `null` or not there.
#[derive(Debug, Default)]
pub(super) struct TextList(Claim<Vec<String>>);

#[derive(Debug, Default)]
enum Claim<T> {
    #[default]
    Absent,
    Value(T),
    OtherShape,
}

impl<T> Claim<T> {
    fn read(self, claim: &'static str, expected: &'static str) -> Result<Option<T>, BearerError> {
        match self {
            Self::Absent => Ok(None),
            Self::Value(value) => Ok(Some(value)),
            Self::OtherShape => Err(BearerError::MalformedClaim { claim, expected }),
        }
    }
}

impl Text {
    /// The text; a claim in another shape counts as none, where nothing depends on it.
    pub(super) fn ok(self) -> Option<String> {
        match self.0 {
            Claim::Value(text) => Some(text),
            Claim::Absent | Claim::OtherShape => None,
        }
    }

    pub(super) fn read(self, claim: &'static str) -> Result<Option<String>, BearerError> {
        self.0.read(claim, "a string")
    }
}

impl Number {
    pub(super) fn read(self, claim: &'static str) -> Result<Option<f64>, BearerError> {
        self.0.read(claim, "a number")
    }
}

impl TextList {
    pub(super) fn read(self, claim: &'static str) -> Result<Vec<String>, BearerError> {
        let words = self.0.read(claim, "a string or a list of strings")?;
        Ok(words.unwrap_or_default())
    }

    /// The words of all texts, where a text holds several with spaces in between (RFC 8693 section 4.2).
    pub(super) fn read_separated(self, claim: &'static str) -> Result<Vec<String>, BearerError> {
        let words = self.read(claim)?;
        let separated = words.iter().flat_map(|word| word.split_whitespace());
        Ok(separated.map(str::to_owned).collect())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = deserializer.deserialize_any(JsonVisitor)?;
        Ok(Self(match json {
            Json::Null => Claim::Absent,
            Json::Text(text) => Claim::Value(text),
            Json::Number(_) | Json::Texts(_) | Json::Other => Claim::OtherShape,
        }))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = deserializer.deserialize_any(JsonVisitor)?;
        Ok(Self(match json {
            Json::Null => Claim::Absent,
            Json::Number(number) => Claim::Value(number),
            Json::Text(_) | Json::Texts(_) | Json::Other => Claim::OtherShape,
        }))
    }
}

impl<'de> Deserialize<'de> for TextList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = deserializer.deserialize_any(JsonVisitor)?;
        Ok(Self(match json {
            Json::Null => Claim::Absent,
            Json::Text(text) => Claim::Value(Vec::from([text])),
            Json::Texts(texts) => Claim::Value(texts),
            Json::Number(_) | Json::Other => Claim::OtherShape,
        }))
    }
}

/// As much of a JSON value as a claim of ours can be.
enum Json {
    Null,
    Text(String),
    Number(f64),
    /// A list of nothing but texts.
    Texts(Vec<String>),
    Other,
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    // Whole numbers beyond 2^53 lose their last digits, which no time in seconds has.
    #[expect(
        clippy::cast_precision_loss,
        clippy::as_conversions,
        reason = "see above"
    )]
    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::as_conversions,
        reason = "as for visit_u64"
    )]
    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut texts = Vec::new();
        while let Some(item) = items.next_element()? {
            let Json::Text(text) = item else {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Json::Other);
            };
            texts.push(text);
        }
        Ok(Json::Texts(texts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Json::Other)
    }
}
