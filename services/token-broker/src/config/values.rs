//! Values that are more than their text. Each says in its error what it accepts.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;

/// Within what time each held token is tried at Microsoft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "f64")]
pub struct VerifyEvery(Duration);

/// The number makes no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number of minutes from 0.01 to 1440")]
pub struct VerifyEveryError;

impl TryFrom<f64> for VerifyEvery {
    type Error = VerifyEveryError;

    fn try_from(minutes: f64) -> Result<Self, VerifyEveryError> {
        if (0.01..=1440.0).contains(&minutes) {
            // To the millisecond: a fraction is read with less digits than it looks like.
            let rounded = Duration::from_secs_f64(minutes.mul_add(60.0, 0.0005));
            let milliseconds = u64::try_from(rounded.as_millis()).unwrap_or(u64::MAX);
            Ok(Self(Duration::from_millis(milliseconds)))
        } else {
            Err(VerifyEveryError)
        }
    }
}

impl From<VerifyEvery> for Duration {
    fn from(every: VerifyEvery) -> Self {
        every.0
    }
}

/// How many refreshes there may be in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct RefreshRate(NonZeroU32);

/// The number makes no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number of refreshes a second from 1 to 10000")]
pub struct RefreshRateError;

impl TryFrom<u32> for RefreshRate {
    type Error = RefreshRateError;

    fn try_from(rate: u32) -> Result<Self, RefreshRateError> {
        match NonZeroU32::new(rate) {
            Some(rate) if rate.get() <= 10_000 => Ok(Self(rate)),
            Some(_) | None => Err(RefreshRateError),
        }
    }
}

impl From<RefreshRate> for NonZeroU32 {
    fn from(rate: RefreshRate) -> Self {
        rate.0
    }
}

/// How much the buckets may hold together, in MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct TokenMegabytes(i64);

/// The number is no size of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number of megabytes from 8 to 1048576")]
pub struct TokenMegabytesError;

impl TokenMegabytes {
    /// What there is without a choice: enough for the tokens of tens of thousands of users.
    pub const USUAL: Self = Self(256);

    /// A quarter of it, in bytes.
    pub(crate) const fn quarter(self) -> i64 {
        self.0 * (1024 * 1024 / 4)
    }
}

impl TryFrom<u64> for TokenMegabytes {
    type Error = TokenMegabytesError;

    fn try_from(number: u64) -> Result<Self, TokenMegabytesError> {
        match i64::try_from(number) {
            Ok(megabytes @ 8..=1_048_576) => Ok(Self(megabytes)),
            Ok(_) | Err(_) => Err(TokenMegabytesError),
        }
    }
}
