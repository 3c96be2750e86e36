//! What a check found.

use assent_contract::words;
use serde::Serialize;

words! {
    "check"
    /// What is checked: the name of a check in `doctor` and in `check`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
    #[serde(rename_all = "snake_case")]
    pub(crate) enum CheckKind {
        /// Whether NATS can be reached with these credentials.
        Nats = "nats",
            Operator: "start nats-server, or correct ASSENT_NATS_URL and the credentials";
        /// Whether nats-server is new enough.
        ServerVersion = "server_version",
            Operator: "update nats-server";
        /// Whether the clock of nats-server goes as this machine's does.
        Clock = "clock",
            Operator: "set both clocks by NTP: tokens, certificates and the times in the log go by them";
        /// Whether JetStream is there for the account that Assent uses.
        Jetstream = "jetstream",
            Operator: "enable JetStream for the account that Assent uses (deploy/nats)";
        /// Whether the stream of consent events is there, and configured as it must be.
        EventLog = "event_log",
            Operator: "do what the check says; where it is gone, restore it from a backup (deploy/README.md)";
        /// Whether the server counts as many events as were recorded.
        Sequences = "sequences",
            Operator: "stop the services and restore the stream from a backup: consents are lost";
        /// Whether every event that the server counts can be read.
        EveryEvent = "every_event",
            Operator: "stop the services and restore the stream from a backup (deploy/README.md)";
        /// Whether the log ends where those who follow it know that it ended.
        LogEnd = "log_end",
            Operator: "stop the services and restore the stream from a backup: its end was cut off";
        /// Whether the stream of changes is there, and configured as it must be.
        ChangeStream = "change_stream",
            Operator: "delete it and see that consent-gateway runs, which makes it again; all that stands is told anew";
        /// Whether what was told of the log fits the log.
        Changes = "changes",
            Operator: "see that a projection runs, which mends it by itself";
        /// Whether a bucket, or the stream of what operators did, is there and as it must be.
        Store = "store",
            Operator: "see that consent-gateway runs, which makes one that is gone again, empty";
        /// Whether there is room in the buckets.
        Space = "space",
            Operator: "find out who fills a bucket, and give it more room (ASSENT_STORE_MEGABYTES of the gateway)";
        /// Whether a projection answers.
        Projection = "projection",
            Operator: "start projection, or look at its /readyz";
        /// Whether anybody's events can't be read.
        Blocked = "blocked",
            Operator: "consentctl blocked list says who, why, and the way back";
        /// Whether the projection has applied the whole log.
        ProjectionLag = "projection_lag",
            Operator: "look at the projection's log and at its GET /v1/status";
        /// Whether a gateway answers, and what it finds wrong with what it writes to.
        Gateway = "gateway",
            Operator: "start consent-gateway, or look at its /readyz";
        /// Whether Microsoft accepts the gateway's credential, and how long its certificate is good for.
        Microsoft = "microsoft",
            Operator: "register a new certificate or secret at Microsoft and give it to the gateway beside the old one";
        /// Whether the token broker answers, what it holds, and whether it opens what the gateway seals.
        Custody = "custody",
            Operator: "start token-broker; give gateway and broker keys that fit (deploy/README.md)";
        /// Whether a certificate is valid, and for more than a month.
        Certificate = "certificate",
            Operator: "renew the certificate; nats-server takes the new one with nats-server --signal reload";
        /// Whether the log is as long as the checkpoint that was kept says, and the checkpoint was looked at within a day.
        Checkpoint = "checkpoint",
            Operator: "see that consentctl checkpoint watch --state runs, and what it says";
    }
}

/// How much a check matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    /// Nothing is wrong.
    Ok,
    /// Nothing is lost or refused yet, and will be if nobody acts.
    Warning,
    /// Something is lost, refused or unknown.
    Critical,
}

/// A number that a check came across.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Quantity {
    /// Events in the log.
    Events,
    /// Events that the projection has not applied.
    LagEvents,
    /// Accounts and users that are blocked.
    Blocked,
    /// Bytes that a store holds.
    StoreBytes,
    /// Bytes that a store may hold.
    StoreMaxBytes,
    /// Seconds until a certificate expires; negative once it has.
    CertificateSeconds,
    /// Seconds that the server's clock is ahead of this machine's; negative where it is behind.
    ClockSkewSeconds,
    /// Seconds since the log was last found to hold what the checkpoint says.
    CheckpointAgeSeconds,
    /// Messages that the checkpoint is of.
    CheckpointSize,
}

impl Quantity {
    /// The name of the metric, without its prefix.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::LagEvents => "projection_lag_events",
            Self::Blocked => "blocked",
            Self::StoreBytes => "store_bytes",
            Self::StoreMaxBytes => "store_max_bytes",
            Self::CertificateSeconds => "certificate_expires_in_seconds",
            Self::ClockSkewSeconds => "clock_skew_seconds",
            Self::CheckpointAgeSeconds => "checkpoint_age_seconds",
            Self::CheckpointSize => "checkpoint_size",
        }
    }

    /// What it counts, for whoever reads the metric.
    pub(crate) const fn help(self) -> &'static str {
        match self {
            Self::Events => "Events in the log",
            Self::LagEvents => "Events that the projection has not applied yet",
            Self::Blocked => "Accounts and users that are blocked",
            Self::StoreBytes => "Bytes that a store holds",
            Self::StoreMaxBytes => "Bytes that a store may hold",
            Self::CertificateSeconds => "Seconds until a certificate expires",
            Self::CheckpointAgeSeconds => {
                "Seconds since the log was found to hold what the checkpoint says"
            }
            Self::CheckpointSize => "Messages that the checkpoint is of",
            Self::ClockSkewSeconds => {
                "Seconds that the clock of nats-server is ahead of this machine's"
            }
        }
    }

    /// The unit of Nagios' performance data: seconds, bytes, or a plain count.
    pub(crate) const fn unit(self) -> &'static str {
        match self {
            Self::Events | Self::LagEvents | Self::Blocked | Self::CheckpointSize => "",
            Self::StoreBytes | Self::StoreMaxBytes => "B",
            Self::CertificateSeconds | Self::ClockSkewSeconds | Self::CheckpointAgeSeconds => "s",
        }
    }
}

/// The result of one check.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    #[serde(rename = "check")]
    pub(crate) kind: CheckKind,
    /// What was checked, where it is one of several: a store, a certificate.
    pub(crate) name: String,
    pub(crate) ok: bool,
    pub(crate) severity: Severity,
    pub(crate) says: String,
    /// What to do about a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<&'static str>,
    #[serde(skip)]
    pub(crate) measured: Vec<(Quantity, i128)>,
}

impl Check {
    /// Nothing is wrong.
    pub(crate) fn ok(kind: CheckKind, says: impl Into<String>) -> Self {
        Self {
            kind,
            name: kind.as_str().replace('_', " "),
            ok: true,
            severity: Severity::Ok,
            says: says.into(),
            advice: None,
            measured: Vec::new(),
        }
    }

    /// Something is lost, refused or unknown; the advice says what to do about it.
    pub(crate) fn problem(kind: CheckKind, says: impl Into<String>, advice: &'static str) -> Self {
        Self {
            ok: false,
            severity: Severity::Critical,
            advice: Some(advice),
            ..Self::ok(kind, says)
        }
    }

    /// Nothing is lost yet; the advice says what to do before something is.
    pub(crate) fn warning(kind: CheckKind, says: impl Into<String>, advice: &'static str) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::problem(kind, says, advice)
        }
    }

    /// The check of one of several.
    pub(crate) fn of(self, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..self
        }
    }

    /// The check, with a number that it came across.
    pub(crate) fn measuring(mut self, quantity: Quantity, value: impl Into<i128>) -> Self {
        self.measured.push((quantity, value.into()));
        self
    }
}
