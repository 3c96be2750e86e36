//! What is measured, each against what, and what it means to somebody who uses the product.

/// What a figure is counted in, and so which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Things done in a second: more is better.
    PerSecond,
    /// A time in milliseconds: less is better.
    Milliseconds,
    /// A time in seconds: less is better.
    Seconds,
    /// Bytes: less is better.
    Bytes,
    /// Mebibytes: less is better.
    Mebibytes,
}

impl Unit {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::PerSecond => "/s",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Bytes => "bytes",
            Self::Mebibytes => "MiB",
        }
    }
}

/// What is wanted of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Target {
    /// Ours divided by the ceiling is at least so much.
    RatioAtLeast(f64),
    /// Ours divided by the ceiling is at most so much.
    RatioAtMost(f64),
    /// Ours is at most so much, whatever the ceiling is: that is told beside it.
    OursAtMost(f64),
    /// Ours is at most so much more than the ceiling.
    BeyondAtMost(f64),
}

impl Target {
    pub(crate) const fn number(self) -> f64 {
        match self {
            Self::RatioAtLeast(number)
            | Self::RatioAtMost(number)
            | Self::OursAtMost(number)
            | Self::BeyondAtMost(number) => number,
        }
    }

    /// What the number is compared with.
    pub(crate) const fn of(self) -> &'static str {
        match self {
            Self::RatioAtLeast(_) | Self::RatioAtMost(_) => "ratio",
            Self::OursAtMost(_) => "ours",
            Self::BeyondAtMost(_) => "ours - ceiling",
        }
    }

    pub(crate) const fn comparison(self) -> &'static str {
        match self {
            Self::RatioAtLeast(_) => ">=",
            Self::RatioAtMost(_) | Self::OursAtMost(_) | Self::BeyondAtMost(_) => "<=",
        }
    }

    pub(crate) fn is_met(self, ours: f64, ceiling: f64) -> bool {
        match self {
            Self::RatioAtLeast(least) => ours >= least * ceiling,
            Self::RatioAtMost(most) => ours <= most * ceiling,
            Self::OursAtMost(most) => ours <= most,
            Self::BeyondAtMost(most) => ours - ceiling <= most,
        }
    }
}

/// One figure of the table.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry {
    /// The row's name; some have several figures.
    pub(crate) row: &'static str,
    pub(crate) what: &'static str,
    pub(crate) unit: Unit,
    pub(crate) target: Target,
    /// What ours is compared with.
    pub(crate) ceiling: &'static str,
    /// What it means to somebody who uses the product.
    pub(crate) means: &'static str,
}

const fn entry(
    row: &'static str,
    what: &'static str,
    unit: Unit,
    target: Target,
    [ceiling, means]: [&'static str; 2],
) -> Entry {
    Entry {
        row,
        what,
        unit,
        target,
        ceiling,
        means,
    }
}

pub(crate) const LOGINS: Entry = entry(
    "P1",
    "login decisions over HTTP",
    Unit::PerSecond,
    Target::RatioAtLeast(1.0),
    [
        "an axum server that verifies the same two tokens and makes one NATS request",
        "asking at each login costs no more than a hand-written check of the two tokens",
    ],
);
pub(crate) const LOGIN_P99: Entry = entry(
    "P2",
    "login decision, p99 at half load",
    Unit::Milliseconds,
    Target::RatioAtMost(1.5),
    [
        "the same server's p99 at the same rate",
        "of a hundred people who sign in, the slowest waits so long for Assent",
    ],
);
pub(crate) const LOGINS_POSTGRESQL: Entry = entry(
    "P3",
    "login decisions against PostgreSQL",
    Unit::PerSecond,
    Target::RatioAtLeast(1.5),
    [
        "the endpoint a team would write instead: axum, PostgreSQL, one indexed join",
        "how many more logins the same machine serves than with consents in a table",
    ],
);
pub(crate) const QUERIES: Entry = entry(
    "P4",
    "permission queries over NATS",
    Unit::PerSecond,
    Target::RatioAtLeast(0.85),
    [
        "a NATS echo of as many bytes",
        "a sync worker may ask before each job: the question is little more than the round trip",
    ],
);
pub(crate) const REBUILD: Entry = entry(
    "P5",
    "events folded while rebuilding",
    Unit::PerSecond,
    Target::RatioAtLeast(0.7),
    [
        "reading the same stream and dropping it",
        "how fast a lost view is there again: the log of a million events takes seconds",
    ],
);
pub(crate) const GRANTS: Entry = entry(
    "P6",
    "grants recorded",
    Unit::PerSecond,
    Target::RatioAtLeast(0.8),
    [
        "acknowledged publishes of the same bytes",
        "each grant is on the disk, hash-chained, before anybody is told that it counts",
    ],
);
pub(crate) const TOLD: Entry = entry(
    "P7",
    "acknowledged to told, p99",
    Unit::Milliseconds,
    Target::OursAtMost(5.0),
    [
        "one NATS hop's p99",
        "somebody revokes; so long later every sync worker has been told",
    ],
);
pub(crate) const METHOD: Entry = entry(
    "P8",
    "change of method, 1,000,000 users",
    Unit::Milliseconds,
    Target::RatioAtMost(1.2),
    [
        "the same for 10 users",
        "a company changes its method: every decision reflects it, however many people it has",
    ],
);
pub(crate) const DECISION_MILLION: Entry = entry(
    "P9",
    "login decision p50, 1,000,000 users",
    Unit::Milliseconds,
    Target::RatioAtMost(1.3),
    [
        "the same with 10,000 users",
        "logins do not get slower as customers come",
    ],
);
pub(crate) const DECISION_MILLIONS: Entry = entry(
    "P9",
    "login decision p50, 5,000,000 users",
    Unit::Milliseconds,
    Target::RatioAtMost(1.3),
    [
        "the same with 10,000 users",
        "logins do not get slower as customers come",
    ],
);
pub(crate) const DISK: Entry = entry(
    "P10",
    "disk for each of 1,000,000 users",
    Unit::Bytes,
    Target::RatioAtMost(3.0),
    [
        "the bytes of the rows themselves",
        "the disk that a projection needs: multiply by your users",
    ],
);
pub(crate) const DISK_REBUILT: Entry = entry(
    "P10",
    "disk for each of 1,000,000 users, rebuilt",
    Unit::Bytes,
    Target::RatioAtMost(3.0),
    [
        "the bytes of the rows themselves",
        "the same, of a view that was built anew",
    ],
);
pub(crate) const MEMORY: Entry = entry(
    "P10",
    "projection's memory, 1,000,000 users",
    Unit::Mebibytes,
    Target::RatioAtMost(1.0),
    [
        "512 MiB",
        "what a projection of so many users needs at the most",
    ],
);
pub(crate) const RESTART: Entry = entry(
    "P11",
    "restart to ready, 1,000,000 users",
    Unit::Seconds,
    Target::BeyondAtMost(1.0),
    [
        "opening the database alone",
        "how long a replica is away when it is updated",
    ],
);
pub(crate) const LONG_ACCOUNT: Entry = entry(
    "P12",
    "change of an account, 5,000 events",
    Unit::Milliseconds,
    Target::RatioAtMost(1.5),
    [
        "the same with 10 events",
        "a company that has changed its mind for years is as quick as a new one",
    ],
);
pub(crate) const LONG_USER: Entry = entry(
    "P12",
    "revocation of a user, 5,000 events",
    Unit::Milliseconds,
    Target::RatioAtMost(1.5),
    ["the same with 10 events", "so is a person"],
);
pub(crate) const LONG_FIRST: Entry = entry(
    "P12",
    "first change after a restart",
    Unit::Milliseconds,
    Target::RatioAtMost(1.5),
    [
        "the same with 10 events",
        "also just after a gateway was updated",
    ],
);
pub(crate) const LONG_COLD: Entry = entry(
    "P12",
    "account read the first time",
    Unit::Milliseconds,
    Target::RatioAtMost(1.5),
    [
        "the same with 10 events",
        "what a gateway does once, before it is ready, for a long history: nobody waits for it",
    ],
);
pub(crate) const GROUP_COMMIT: Entry = entry(
    "P13",
    "grants recorded, group commit",
    Unit::PerSecond,
    Target::RatioAtLeast(3.0),
    [
        "acknowledged publishes of the same bytes, one by one",
        "many people decide at once: each has an answer of their own, and the disk is waited for once",
    ],
);
pub(crate) const TOKENS: Entry = entry(
    "P14",
    "access tokens over NATS",
    Unit::PerSecond,
    Target::RatioAtLeast(0.8),
    [
        "a NATS echo of as many bytes",
        "a worker borrows a token for each page: that is little more than the round trip",
    ],
);
pub(crate) const WITHDRAWN: Entry = entry(
    "P15",
    "withdrawn consent noticed, p99",
    Unit::Seconds,
    Target::RatioAtMost(1.1),
    [
        "the interval of the clock",
        "Microsoft tells nobody: so long a worker still syncs at the most, of 10,000 tokens in 100 tenants",
    ],
);
pub(crate) const VERIFIED: Entry = entry(
    "P16",
    "events verified",
    Unit::PerSecond,
    Target::RatioAtLeast(0.6),
    [
        "reading the same stream and dropping it",
        "proving that nobody changed a log of a million events takes seconds",
    ],
);
pub(crate) const VERIFIED_MEMORY: Entry = entry(
    "P16",
    "memory of consentctl verify",
    Unit::Mebibytes,
    Target::RatioAtMost(1.0),
    ["256 MiB", "it runs on any machine"],
);
pub(crate) const IMPORTED: Entry = entry(
    "P16",
    "events put back from an export",
    Unit::PerSecond,
    Target::RatioAtLeast(0.3),
    [
        "writing such events in atomic batches, proving nothing",
        "how fast a lost log is there again, each event proved",
    ],
);
pub(crate) const EXPLAINED: Entry = entry(
    "P16",
    "user explained",
    Unit::Milliseconds,
    Target::RatioAtMost(1.5),
    [
        "the same on a log of 500 events",
        "why is it on: the answer does not wait for the size of the log",
    ],
);
pub(crate) const LEADER: Entry = entry(
    "P17",
    "without changes after a killed leader",
    Unit::Seconds,
    Target::RatioAtMost(1.2),
    [
        "acknowledged publishes through the same kill",
        "one of three NATS servers dies: so long nobody can change anything; logins go on",
    ],
);

pub(crate) const EVALUATIONS: Entry = entry(
    "P18",
    "AuthZEN evaluations over HTTP",
    Unit::PerSecond,
    Target::RatioAtLeast(0.85),
    [
        "our own query over HTTP, of the same user",
        "asking in the standard's words costs no more than in ours",
    ],
);

/// All figures, in the order of the table.
pub(crate) const ALL: &[&Entry] = &[
    &LOGINS,
    &LOGIN_P99,
    &LOGINS_POSTGRESQL,
    &QUERIES,
    &REBUILD,
    &GRANTS,
    &TOLD,
    &METHOD,
    &DECISION_MILLION,
    &DECISION_MILLIONS,
    &DISK,
    &DISK_REBUILT,
    &MEMORY,
    &RESTART,
    &LONG_ACCOUNT,
    &LONG_USER,
    &LONG_FIRST,
    &LONG_COLD,
    &GROUP_COMMIT,
    &TOKENS,
    &WITHDRAWN,
    &VERIFIED,
    &VERIFIED_MEMORY,
    &IMPORTED,
    &EXPLAINED,
    &LEADER,
    &EVALUATIONS,
];

/// The names of the rows, each once, in order.
pub(crate) fn rows() -> Vec<&'static str> {
    let mut rows: Vec<&str> = ALL.iter().map(|entry| entry.row).collect();
    rows.dedup();
    rows
}
