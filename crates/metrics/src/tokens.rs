//! What the token broker shows of the tokens that it holds and hands out.

use crate::definition::Service::{self, TokenBroker};
use crate::definition::{CounterMetric, Definition, GaugeMetric, Label, Presence};

const HERE: &[Service] = &[TokenBroker];

/// How many are held.
pub static HELD: GaugeMetric<0> = GaugeMetric::new(
    "assent_tokens_held",
    "Refresh tokens in custody, when all were last counted",
    &[],
    HERE,
    Presence::Once("the tokens were counted, a few seconds after the start"),
);

/// How many of them are of no use for now.
pub static AWAITING_SIGN_IN: GaugeMetric<0> = GaugeMetric::new(
    "assent_tokens_awaiting_sign_in",
    "Refresh tokens in custody that Microsoft takes only after the user has signed in again",
    &[],
    HERE,
    Presence::Once("the tokens were counted, a few seconds after the start"),
);

/// The one that was not tried for longest.
pub static OLDEST_VERIFIED: GaugeMetric<0> = GaugeMetric::new(
    "assent_tokens_oldest_verified_timestamp_seconds",
    "When the refresh token was last good at Microsoft for which that is longest ago, in seconds since 1970; without those \
     that await a sign-in; now, where none is held",
    &[],
    HERE,
    Presence::Once("the tokens were counted, a few seconds after the start"),
);

/// Tries at Microsoft.
pub static REFRESHES: CounterMetric<2> = CounterMetric::new(
    "assent_token_refreshes_total",
    "Refresh tokens used at Microsoft, by what for and how it ended",
    &[
        Label::one_of("reason", &["hand_out", "verification", "deposit"]),
        Label::one_of(
            "result",
            &[
                "refreshed",
                "consent_missing",
                "tenant_absent",
                "sign_in_again",
                "our_fault",
                "unavailable",
            ],
        ),
    ],
    HERE,
    Presence::Always,
);

/// Hand-outs.
pub static HAND_OUTS: CounterMetric<1> = CounterMetric::new(
    "assent_token_hand_outs_total",
    "Requests for an access token, by result: kept (one that was there), refreshed, or the code that it was refused with",
    &[Label::words(
        "result",
        "`kept`, `refreshed`, or a code such as `not_permitted`",
    )],
    HERE,
    Presence::Once("an access token was asked for"),
);

/// Tokens destroyed.
pub static DESTROYED: CounterMetric<1> = CounterMetric::new(
    "assent_tokens_destroyed_total",
    "Refresh tokens destroyed, because nothing is effective for the user, or for another mailbox, or since the method was changed",
    &[Label::one_of(
        "reason",
        &["nothing_effective", "another_mailbox", "earlier_epoch"],
    )],
    HERE,
    Presence::Always,
);

/// Withdrawals found.
pub static WITHDRAWALS: CounterMetric<1> = CounterMetric::new(
    "assent_token_withdrawals_total",
    "Users of whom Microsoft said that a consent is gone, whether that could be recorded or not",
    &[Label::one_of("recorded", &["yes", "no"])],
    HERE,
    Presence::Always,
);

pub(crate) static ALL: &[&Definition] = &[
    &HELD.0,
    &AWAITING_SIGN_IN.0,
    &OLDEST_VERIFIED.0,
    &REFRESHES.0,
    &HAND_OUTS.0,
    &DESTROYED.0,
    &WITHDRAWALS.0,
];
