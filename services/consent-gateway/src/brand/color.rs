//! A colour, and what it takes to be read.

use std::fmt;

use serde::Deserialize;

/// An opaque sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Color([u8; 3]);

/// The text is no colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a colour, #rgb or #rrggbb")]
pub struct ColorError;

impl TryFrom<String> for Color {
    type Error = ColorError;

    fn try_from(text: String) -> Result<Self, ColorError> {
        let digits = text.trim().strip_prefix('#').ok_or(ColorError)?;
        // The parser below would take a sign, too.
        if !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(ColorError);
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| ColorError)?;
        match (digits.len(), number.to_be_bytes()) {
            (3, [_, _, red, rest]) => Ok(Self([red, rest >> 4, rest & 15].map(|digit| digit * 17))),
            (6, [_, red, green, blue]) => Ok(Self([red, green, blue])),
            (_, _) => Err(ColorError),
        }
    }
}

/// As a stylesheet writes it.
impl fmt::Display for Color {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([red, green, blue]) = self;
        write!(formatter, "#{red:02x}{green:02x}{blue:02x}")
    }
}
