//! A server with the log in it, what happened in it, and the program.

use std::process::{Command, Output};
use std::time::Duration;

use assent_contract::names::{FLOW_BUCKET, HAND_OFF_BUCKET, OBSERVATION_BUCKET, SESSION_BUCKET};
use assent_dev_stack::{NatsServer, NatsUser, wait_for};
use assent_domain::event::{
    AdminConsentGranted, Authority, Event, ModeChanged, RevocationReason, UserScopeGranted,
    UserScopeRevoked, Verification,
};
use assent_domain::ids::{
    AccountId, Cloud, ConsentId, Epoch, MicrosoftIdentity, ObjectId, RoleId, Scope, Tenant,
    TenantId, UserId,
};
use assent_domain::mode::{AuthorizationMethod, EmailSync, Mode};
use assent_domain::permissions::{EmailLevel, Kinds, Permission, PermissionSet};
use assent_event_log::{Draft, EventLog, StreamSettings, create_or_check_operations};
use assent_messaging::{
    Bucket, BucketSettings, ChangeStream, ChangeStreamSettings, Connection, ConnectionSettings,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const CONSENT: &str = "01934a2b-1c2d-7e3f-8a4b-000000000001";

/// Calendar, and e-mail to send only.
pub(crate) const SENDING: PermissionSet = PermissionSet {
    calendar: true,
    contacts: false,
    email: EmailLevel::Limited,
};

/// How much a bucket holds.
pub(crate) const BUCKET_BYTES: i64 = 1024 * 1024;

/// A bucket as the gateway has it, only smaller.
pub(crate) async fn bucket(gateway: &Connection, name: &str) -> Bucket {
    let settings = BucketSettings {
        name: name.to_owned(),
        max_age: Duration::ZERO,
        replicas: 1,
        max_bytes: BUCKET_BYTES,
        anew: false,
        allow_rollup: true,
    };
    Bucket::open_or_create(gateway, settings).await.unwrap()
}

/// A server with users and permissions, and what the gateway puts there.
pub(crate) struct Fixture {
    pub(crate) server: NatsServer,
    pub(crate) gateway: Connection,
    pub(crate) log: EventLog,
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        let server = NatsServer::start().await.unwrap();
        let gateway = connect(&server, NatsUser::Gateway).await;
        let settings = StreamSettings { replicas: 1 };
        let log = EventLog::create_or_check(&gateway, settings).await.unwrap();
        create_or_check_operations(&gateway, settings)
            .await
            .unwrap();
        ChangeStream::create_or_check(&gateway, ChangeStreamSettings::consent_changes(1))
            .await
            .unwrap();
        for name in [
            FLOW_BUCKET,
            SESSION_BUCKET,
            HAND_OFF_BUCKET,
            OBSERVATION_BUCKET,
        ] {
            bucket(&gateway, name).await;
        }
        Self {
            server,
            gateway,
            log,
        }
    }

    /// Records events one after another, a minute apart from 10:00 on; those of one aggregate
    /// that are given together become one append.
    pub(crate) async fn record(&self, events: impl IntoIterator<Item = Event>) {
        let start: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        for event in events {
            let aggregate = event.aggregate();
            let tail = self.log.read(&aggregate).await.unwrap().tail;
            let minute = self.log.status().await.unwrap().last_sequence.0;
            let id = match &event {
                Event::AdminConsentGranted(granted) => granted.consent.0,
                Event::ModeChanged(_) | Event::UserScopeGranted(_) | Event::UserScopeRevoked(_) => {
                    Uuid::now_v7()
                }
            };
            let draft = Draft {
                id,
                time: start + SignedDuration::from_mins(i64::try_from(minute).unwrap()),
                traceparent: None,
                event,
            };
            self.log.append(tail, vec![draft]).await.unwrap();
        }
    }

    /// Writes a message that is no event any of our programs wrote.
    pub(crate) async fn scribble(&self, subject: &str) {
        let sequence = self.log.status().await.unwrap().last_sequence.0;
        self.gateway
            .publish(subject, &[("ce-specversion", "1.0")], "{}")
            .await
            .unwrap();
        let stored = wait_for(PATIENCE, async || {
            (self.log.status().await.unwrap().last_sequence.0 != sequence).then_some(())
        });
        stored.await.unwrap();
    }

    /// The program as an operator runs it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(arguments);
        command.envs(self.server.environment(NatsUser::Operator));
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        run(self.command(arguments)).await
    }

    pub(crate) async fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["--json"]].concat()).await;
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }
}

pub(crate) async fn connect(server: &NatsServer, user: NatsUser) -> Connection {
    let (name, password) = server.credentials(user);
    let settings = ConnectionSettings::new(server.url(), "test").with_user(name, password);
    Connection::connect(settings).await.unwrap()
}

/// How the program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The program without anything in its environment.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_consentctl"));
    command.env_clear().args(arguments);
    command
}

/// Runs it to its end. A test that serves something goes on doing so meanwhile.
pub(crate) async fn run(mut command: Command) -> Ran {
    let output: Output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn account(name: &str) -> AccountId {
    AccountId::parse(name).unwrap()
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

pub(crate) fn mode(method: AuthorizationMethod, email_sync: EmailSync) -> Mode {
    Mode { method, email_sync }
}

fn consent() -> ConsentId {
    ConsentId(CONSENT.parse().unwrap())
}

fn tenant() -> Tenant {
    Tenant {
        cloud: Cloud::Worldwide,
        id: TenantId(Uuid::from_u128(0xace)),
    }
}

fn scopes() -> Vec<Scope> {
    ["Calendars.ReadWrite", "Mail.Send"]
        .map(|scope| Scope(scope.to_owned()))
        .into()
}

/// Acme's administrator consents for everyone, and the method changes.
pub(crate) fn administered() -> [Event; 2] {
    let consented = Event::AdminConsentGranted(AdminConsentGranted {
        account: account("acme"),
        consent: consent(),
        tenant: tenant(),
        permissions: SENDING,
        scopes: scopes(),
        requested_by: user("boss"),
        granted_by: ObjectId(Uuid::from_u128(0xad)),
        verification: Verification {
            roles: vec![RoleId(Uuid::from_u128(0x62))],
            tenant_wide_grant: false,
        },
    });
    let changed = mode_changed(
        mode(AuthorizationMethod::UserIndividual, EmailSync::Full),
        mode(AuthorizationMethod::AdminConfigured, EmailSync::Full),
        Some(consent()),
    );
    [consented, changed]
}

pub(crate) fn mode_changed(from: Mode, to: Mode, consent: Option<ConsentId>) -> Event {
    Event::ModeChanged(ModeChanged {
        account: account("acme"),
        from,
        to,
        consent,
        changed_by: user("boss"),
    })
}

/// A user's own choice.
pub(crate) fn granted(company: &str, name: &str, permissions: PermissionSet) -> Event {
    grant(company, name, 0, permissions, Authority::User)
}

/// What acme's consent gives a user at login.
pub(crate) fn auto_granted(name: &str, epoch: u64) -> Event {
    let authority = Authority::AdministratorConsent(consent());
    grant("acme", name, epoch, SENDING, authority)
}

fn grant(
    company: &str,
    name: &str,
    epoch: u64,
    permissions: PermissionSet,
    authority: Authority,
) -> Event {
    Event::UserScopeGranted(UserScopeGranted {
        account: account(company),
        user: user(name),
        epoch: Epoch(epoch),
        permissions,
        authority,
        identity: identity(),
        scopes: scopes(),
    })
}

/// Whoever grants, at Microsoft.
pub(crate) fn identity() -> MicrosoftIdentity {
    MicrosoftIdentity {
        tenant: tenant(),
        object_id: ObjectId(Uuid::from_u128(0xa)),
    }
}

/// The same grant as another person at Microsoft.
pub(crate) fn by_another_person(event: Event) -> Event {
    let Event::UserScopeGranted(granted) = event else {
        panic!("only a grant is somebody's at Microsoft");
    };
    Event::UserScopeGranted(UserScopeGranted {
        identity: MicrosoftIdentity {
            object_id: ObjectId(Uuid::from_u128(0xb)),
            ..granted.identity
        },
        ..granted
    })
}

/// Acme lets its users decide again.
pub(crate) fn back_to_users() -> Event {
    Event::ModeChanged(ModeChanged {
        account: account("acme"),
        from: mode(AuthorizationMethod::AdminConfigured, EmailSync::Full),
        to: mode(AuthorizationMethod::UserIndividual, EmailSync::Full),
        consent: None,
        changed_by: user("boss"),
    })
}

/// The user takes back.
pub(crate) fn revoked(name: &str, permission: Permission) -> Event {
    Event::UserScopeRevoked(UserScopeRevoked {
        account: account("acme"),
        user: user(name),
        epoch: Epoch(0),
        permissions: Kinds::from_iter([permission]),
        reason: RevocationReason::UserRevoked,
        revoked_by: Some(user(name)),
    })
}
