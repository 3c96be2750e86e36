//! The stack that the rows are measured on, and what is on its log.

use assent_dev_stack::{NatsServer, NatsUser, Stack, StackOptions};
use assent_domain::account::AccountState;
use assent_domain::decide::administrator_consent::{
    self, FinishAdministratorConsent, ProofDemanded,
};
use assent_domain::event::{Authority, Event, UserScopeGranted, Verification};
use assent_domain::ids::{
    AccountId, Cloud, ConsentId, Epoch, MicrosoftIdentity, ObjectId, RoleId, Scope, Tenant,
    TenantId, UserId,
};
use assent_domain::permissions::PermissionSet;
use assent_event_log::{Draft, EventLog, StreamSettings, Tail};
use assent_messaging::{Connection, ConnectionSettings};
use jiff::Timestamp;
use uuid::Uuid;

/// The account that logins and queries are about.
pub(crate) const ACCOUNT: &str = "bench";
/// The user in it.
pub(crate) const USER: &str = "ana";

/// The log on this server, made where it is not there.
pub(crate) async fn create_log(nats: &NatsServer) -> anyhow::Result<EventLog> {
    let gateway = connect(nats, NatsUser::Gateway).await?;
    Ok(EventLog::create_or_check(&gateway, StreamSettings { replicas: 1 }).await?)
}

/// A running stack with one account under the administrator's method, in which Ana has all.
#[derive(Debug)]
pub(crate) struct Fixture {
    pub(crate) stack: Stack,
}

impl Fixture {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let stack = Stack::start(StackOptions::default()).await?;
        let log = create_log(stack.nats()).await?;
        let consent = ConsentId(Uuid::now_v7());
        let tenant = Tenant {
            cloud: Cloud::Worldwide,
            id: TenantId(ana().0),
        };
        let events = administrator_consent::finish(
            &AccountState::default(),
            FinishAdministratorConsent {
                account: AccountId::parse(ACCOUNT)?,
                consent,
                requested_by: UserId::parse("super")?,
                begun_in: Epoch::default(),
                permissions: PermissionSet::EVERYTHING,
                expected_tenant: tenant,
                tenant,
                granted_by: ObjectId(Uuid::now_v7()),
                scopes: Vec::new(),
                missing_scopes: Vec::new(),
                verification: Verification {
                    roles: Vec::from([RoleId(Uuid::nil())]),
                    tenant_wide_grant: false,
                },
                demanded: ProofDemanded::Role,
            },
        )?;
        let drafts = events
            .into_iter()
            .map(|event| {
                let id = match &event {
                    Event::AdminConsentGranted(granted) => granted.consent.0,
                    Event::ModeChanged(_)
                    | Event::UserScopeGranted(_)
                    | Event::UserScopeRevoked(_) => Uuid::now_v7(),
                };
                Draft {
                    id,
                    time: now(),
                    traceparent: None,
                    event,
                }
            })
            .collect();
        log.append(Tail::EMPTY, drafts).await?;
        let granted = Event::UserScopeGranted(UserScopeGranted {
            account: AccountId::parse(ACCOUNT)?,
            user: UserId::parse(USER)?,
            epoch: Epoch(1),
            permissions: PermissionSet::EVERYTHING,
            authority: Authority::AdministratorConsent(consent),
            identity: MicrosoftIdentity {
                tenant,
                object_id: ObjectId(ana().1),
            },
            scopes: Vec::new(),
        });
        let draft = Draft {
            id: Uuid::now_v7(),
            time: now(),
            traceparent: None,
            event: granted,
        };
        log.append(Tail::EMPTY, Vec::from([draft])).await?;
        Ok(Self { stack })
    }
}

/// Ana of Contoso, whom the simulator knows: tenant and object id.
pub(crate) fn ana() -> (Uuid, Uuid) {
    (
        assent_entra_simulator::story::CONTOSO,
        assent_entra_simulator::story::ANA,
    )
}

/// A grant of everything by some user.
pub(crate) fn grant(account: &str, user: usize) -> anyhow::Result<Event> {
    let tenant = Tenant {
        cloud: Cloud::Worldwide,
        id: TenantId(ana().0),
    };
    let scopes = [
        "Calendars.ReadWrite",
        "Contacts.Read",
        "Mail.ReadWrite",
        "Mail.Send",
    ];
    Ok(Event::UserScopeGranted(UserScopeGranted {
        account: AccountId::parse(account)?,
        user: UserId::parse(&format!("user-{user}"))?,
        epoch: Epoch(0),
        permissions: PermissionSet::EVERYTHING,
        authority: Authority::User,
        identity: MicrosoftIdentity {
            tenant,
            object_id: ObjectId(ana().1),
        },
        scopes: scopes.map(|scope| Scope(scope.to_owned())).to_vec(),
    }))
}

pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// A connection of ours.
pub(crate) async fn connect(nats: &NatsServer, user: NatsUser) -> anyhow::Result<Connection> {
    let (name, password) = nats.credentials(user);
    let settings = ConnectionSettings::new(nats.url(), "bench").with_user(name, password);
    Ok(Connection::connect(settings).await?)
}

/// A plain connection, for the ceilings.
pub(crate) async fn raw_client(
    nats: &NatsServer,
    user: NatsUser,
) -> anyhow::Result<async_nats::Client> {
    let (name, password) = nats.credentials(user);
    raw_client_to(&nats.url(), name, password).await
}

/// A plain connection to a whole cluster, which leaves a server that hangs as soon as ours does.
pub(crate) async fn raw_client_of_all(
    nats: &NatsServer,
    user: NatsUser,
) -> anyhow::Result<async_nats::Client> {
    let (name, password) = nats.credentials(user);
    let urls = nats.urls();
    let options = async_nats::ConnectOptions::with_user_and_password(name.clone(), password)
        .custom_inbox_prefix(format!("_INBOX_{name}"))
        .ping_interval(std::time::Duration::from_secs(1));
    Ok(options
        .connect(urls.split(',').collect::<Vec<_>>().as_slice())
        .await?)
}

pub(crate) async fn raw_client_to(
    url: &str,
    user: String,
    password: String,
) -> anyhow::Result<async_nats::Client> {
    let inbox = format!("_INBOX_{user}");
    Ok(
        async_nats::ConnectOptions::with_user_and_password(user, password)
            .custom_inbox_prefix(inbox)
            .connect(url)
            .await?,
    )
}
