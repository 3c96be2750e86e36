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

impl Color {
    /// #000000.
    pub(crate) const BLACK: Self = Self([0; 3]);
    pub(crate) const WHITE: Self = Self([u8::MAX; 3]);

    pub(crate) const fn new(channels: [u8; 3]) -> Self {
        Self(channels)
    }

    /// A part of this colour replaced by another: nothing of it at 0, all of it at 255.
    pub(crate) fn mixed_with(self, other: Self, share: u8) -> Self {
        let (Self([red, green, blue]), Self([to_red, to_green, to_blue])) = (self, other);
        let mixed = |from: u8, to: u8| {
            let kept = u16::from(from) * u16::from(u8::MAX - share);
            let added = u16::from(to) * u16::from(share);
            let rounded = (kept + added + u16::from(u8::MAX) / 2) / u16::from(u8::MAX);
            u8::try_from(rounded).unwrap_or(u8::MAX)
        };
        Self([
            mixed(red, to_red),
            mixed(green, to_green),
            mixed(blue, to_blue),
        ])
    }

    /// How well one colour can be told from another, from 1 to 21, as WCAG 2.2 counts it.
    pub(crate) fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Black or white, whichever can be told from it better.
    pub(crate) fn most_contrasting(self) -> Self {
        if self.contrast(Self::BLACK) < self.contrast(Self::WHITE) {
            Self::WHITE
        } else {
            Self::BLACK
        }
    }

    fn luminance(self) -> f64 {
        let Self([red, green, blue]) = self;
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }
}

/// As a stylesheet writes it.
impl fmt::Display for Color {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([red, green, blue]) = self;
        write!(formatter, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contrast(one: &str, other: &str) -> f64 {
        let hex = |text: &str| Color::try_from(text.to_owned()).unwrap();
        hex(one).contrast(hex(other))
    }

    #[test]
    fn contrast_is_what_wcag_says() {
        for (one, other, expected) in [
            ("#000", "#fff", 21.0),
            ("#fff", "#fff", 1.0),
            ("#777777", "#ffffff", 4.48),
            ("#767676", "#ffffff", 4.54),
            ("#ff0000", "#ffffff", 4.00),
            ("#0000ff", "#ffffff", 8.59),
        ] {
            let found = contrast(one, other);
            assert!((found - expected).abs() < 0.005, "{one} {other}: {found}");
        }
    }

    #[test]
    fn a_mixture_has_its_ends() {
        let (one, other) = (Color::new([1, 200, 77]), Color::new([255, 0, 78]));
        assert_eq!(one.mixed_with(other, 0), one);
        assert_eq!(one.mixed_with(other, u8::MAX), other);
        assert_eq!(
            Color::BLACK.mixed_with(Color::WHITE, 128),
            Color::new([128; 3])
        );
    }
}
