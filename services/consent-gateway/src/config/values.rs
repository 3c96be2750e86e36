//! Values that are more than their text. Each says in its error what it accepts.

use jiff::SignedDuration;
use serde::Deserialize;
use url::Url;

/// How long a link for an administrator can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct HandOffDays(i64);

/// The number makes no lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number of days from 1 to 30")]
pub struct HandOffDaysError;

impl TryFrom<u64> for HandOffDays {
    type Error = HandOffDaysError;

    fn try_from(number: u64) -> Result<Self, HandOffDaysError> {
        match i64::try_from(number) {
            Ok(days @ 1..=30) => Ok(Self(days)),
            Ok(_) | Err(_) => Err(HandOffDaysError),
        }
    }
}

impl From<HandOffDays> for SignedDuration {
    fn from(days: HandOffDays) -> Self {
        Self::from_hours(24 * days.0)
    }
}

/// What the host application is called, on the pages that people see.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ProductName(String);

/// The text is no name for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name of 1 to 100 characters on one line")]
pub struct ProductNameError;

impl TryFrom<String> for ProductName {
    type Error = ProductNameError;

    fn try_from(text: String) -> Result<Self, ProductNameError> {
        let name = text.trim();
        let length = name.chars().count();
        if length == 0 || 100 < length || name.chars().any(char::is_control) {
            return Err(ProductNameError);
        }
        Ok(Self(name.to_owned()))
    }
}

impl From<ProductName> for String {
    fn from(name: ProductName) -> Self {
        name.0
    }
}

/// Where the host application is. It is a link for people and nothing that we call, so plain http will do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ProductUrl(Url);

/// The text is no address to send people to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an http or https URL without user and password")]
pub struct ProductUrlError;

impl TryFrom<String> for ProductUrl {
    type Error = ProductUrlError;

    fn try_from(text: String) -> Result<Self, ProductUrlError> {
        let url = Url::parse(text.trim()).map_err(|_| ProductUrlError)?;
        let plain = url.username().is_empty() && url.password().is_none();
        if plain && matches!(url.scheme(), "http" | "https") {
            Ok(Self(url))
        } else {
            Err(ProductUrlError)
        }
    }
}

impl From<ProductUrl> for Url {
    fn from(url: ProductUrl) -> Self {
        url.0
    }
}

/// How long a session of the settings pages lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct SessionMinutes(i64);

/// The number makes no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number of minutes from 5 to 480")]
pub struct SessionMinutesError;

impl TryFrom<u64> for SessionMinutes {
    type Error = SessionMinutesError;

    fn try_from(number: u64) -> Result<Self, SessionMinutesError> {
        match i64::try_from(number) {
            Ok(minutes @ 5..=480) => Ok(Self(minutes)),
            Ok(_) | Err(_) => Err(SessionMinutesError),
        }
    }
}

impl From<SessionMinutes> for SignedDuration {
    fn from(minutes: SessionMinutes) -> Self {
        Self::from_mins(minutes.0)
    }
}

/// How much the buckets may hold together, in MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct StoreMegabytes(i64);

/// The number is no size of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number of megabytes from 8 to 1048576")]
pub struct StoreMegabytesError;

impl StoreMegabytes {
    /// What there is without a choice: enough for tens of thousands of requests and sessions a day.
    pub const USUAL: Self = Self(256);

    /// An eighth of it, in bytes.
    pub(crate) const fn eighth(self) -> i64 {
        self.0 * (1024 * 1024 / 8)
    }
}

impl TryFrom<u64> for StoreMegabytes {
    type Error = StoreMegabytesError;

    fn try_from(number: u64) -> Result<Self, StoreMegabytesError> {
        match i64::try_from(number) {
            Ok(megabytes @ 8..=1_048_576) => Ok(Self(megabytes)),
            Ok(_) | Err(_) => Err(StoreMegabytesError),
        }
    }
}
