//! The projection and the gateway, faked over NATS with the real messages.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use assent_contract::command::{
    AutomaticGrantRecorded, BeginConnection, BeginUserConsent, FlowStarted, RecordAutomaticGrant,
    UserConsentBegun,
};
use assent_contract::custody::{CustodyQuery, CustodyStatus, Deposit, Deposited, HeldToken};
use assent_contract::names;
use assent_contract::problem::{ErrorCode, Problem};
use assent_contract::query::{AccountFacts, ConsentFacts, LoginState, LoginStateQuery, UserFacts};
use assent_contract::values::{
    Cloud, EmailLevel, EmailSync, Identity, Method, Permission, PermissionSet, PersonId, Tenant,
};
use assent_dev_stack::{NatsServer, NatsUser};
use assent_messaging::{
    Connection, ConnectionSettings, Endpoint, Request, ServiceDefinition, ServiceError,
};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use uuid::{Uuid, uuid};

pub(crate) const CONSENT: Uuid = uuid!("01900000-0000-7000-8000-000000000001");
pub(crate) const AUTHORIZE_URL: &str = "https://login.example/authorize?state=s";
pub(crate) const CONNECT_URL: &str = "https://login.example/authorize?prompt=none";

pub(crate) const NOTHING: PermissionSet = set(false, false, EmailLevel::None);
pub(crate) const EVERYTHING: PermissionSet = set(true, true, EmailLevel::Full);

pub(crate) const fn set(calendar: bool, contacts: bool, email: EmailLevel) -> PermissionSet {
    PermissionSet {
        calendar,
        contacts,
        email,
    }
}

pub(crate) const ALL_KINDS: [Permission; 3] = [
    Permission::Calendar,
    Permission::Contacts,
    Permission::Email,
];

/// A flow for some permissions, others left out.
pub(crate) fn begun(permissions: &[Permission], needs_approval: &[Permission]) -> UserConsentBegun {
    UserConsentBegun {
        flow_id: CONSENT,
        authorize_url: AUTHORIZE_URL.to_owned(),
        expires_at: Timestamp::UNIX_EPOCH,
        permissions: permissions.to_vec(),
        needs_approval: needs_approval.to_vec(),
    }
}

/// What a token broker says that holds this, or nothing.
pub(crate) const fn holding(held: Option<HeldToken>) -> CustodyStatus {
    CustodyStatus {
        held,
        handed_out: Vec::new(),
    }
}

/// A token of somebody's mailbox.
pub(crate) const fn held(person: PersonId) -> HeldToken {
    HeldToken {
        microsoft_identity: person,
        since: Timestamp::UNIX_EPOCH,
        verified_at: Timestamp::UNIX_EPOCH,
        reauthentication_required: false,
    }
}

/// How a service answers.
#[derive(Clone)]
pub(crate) enum Reply<T> {
    With(T),
    Refuse(u16, &'static str),
    After(Duration, T),
    Never,
    Garbage,
    /// What a gateway or projection of another version might say.
    Json(serde_json::Value),
}

/// What the services answer, and what they were asked.
pub(crate) struct Script {
    pub(crate) state: Reply<LoginState>,
    pub(crate) grant: Reply<AutomaticGrantRecorded>,
    pub(crate) flow: Reply<UserConsentBegun>,
    pub(crate) connection: Reply<FlowStarted>,
    pub(crate) custody: Reply<CustodyStatus>,
    pub(crate) deposited: Reply<Deposited>,
    pub(crate) queries: Vec<LoginStateQuery>,
    pub(crate) grants: Vec<RecordAutomaticGrant>,
    pub(crate) flows: Vec<BeginUserConsent>,
    pub(crate) connections: Vec<BeginConnection>,
    pub(crate) custody_queries: Vec<CustodyQuery>,
    pub(crate) deposits: Vec<Deposit>,
    pub(crate) traceparents: Vec<Option<String>>,
}

pub(crate) type Shared = Arc<Mutex<Script>>;

impl Script {
    pub(crate) fn new() -> Shared {
        Arc::new(Mutex::new(Self {
            state: Reply::With(individual(EmailSync::Full, NOTHING, &[])),
            grant: Reply::With(AutomaticGrantRecorded {
                effective: EVERYTHING,
                sequence: 43,
            }),
            flow: Reply::With(begun(&ALL_KINDS, &[])),
            connection: Reply::With(FlowStarted {
                flow_id: CONSENT,
                authorize_url: CONNECT_URL.to_owned(),
                expires_at: Timestamp::UNIX_EPOCH,
            }),
            custody: Reply::With(holding(None)),
            deposited: Reply::With(Deposited {
                kept: true,
                reason: None,
            }),
            queries: Vec::new(),
            grants: Vec::new(),
            flows: Vec::new(),
            connections: Vec::new(),
            custody_queries: Vec::new(),
            deposits: Vec::new(),
            traceparents: Vec::new(),
        }))
    }
}

/// A user of a company where users decide.
pub(crate) fn individual(
    email_sync: EmailSync,
    own: PermissionSet,
    answered: &[Permission],
) -> LoginState {
    LoginState {
        account: AccountFacts {
            method: Method::UserIndividual,
            email_sync,
            epoch: 0,
            consent: None,
            last_sequence: 0,
        },
        user: UserFacts {
            own,
            answered: answered.to_vec(),
            ..user(0)
        },
        blocked: false,
        sequence: 42,
    }
}

/// A user of a company whose administrator consented.
pub(crate) fn consented(
    tenant: Uuid,
    permissions: PermissionSet,
    automatic: PermissionSet,
) -> LoginState {
    LoginState {
        account: AccountFacts {
            method: Method::AdminConfigured,
            email_sync: EmailSync::Full,
            epoch: 1,
            consent: Some(ConsentFacts {
                consent_id: CONSENT,
                permissions,
                tenant: Tenant {
                    cloud: Cloud::Worldwide,
                    id: tenant,
                },
                recorded_at: 7,
            }),
            last_sequence: 8,
        },
        user: UserFacts {
            automatic,
            ..user(1)
        },
        blocked: false,
        sequence: 42,
    }
}

/// The user, whose grants are of this person's mailbox.
pub(crate) fn of_mailbox(state: LoginState, person: PersonId) -> LoginState {
    let identity = Identity {
        tenant: Tenant {
            cloud: Cloud::Worldwide,
            id: person.tenant_id,
        },
        object_id: person.object_id,
    };
    LoginState {
        user: UserFacts {
            identity: Some(identity),
            ..state.user
        },
        ..state
    }
}

const fn user(epoch: u64) -> UserFacts {
    UserFacts {
        epoch,
        own: NOTHING,
        automatic: NOTHING,
        answered: Vec::new(),
        identity: None,
        last_withdrawal: None,
        last_sequence: 0,
    }
}

/// Answers as the script says, until the test ends.
pub(crate) async fn serve_fakes(nats: &NatsServer, script: &Shared) {
    let query = endpoint(script, names::QUERY_LOGIN_STATE, |script, query| {
        script.queries.push(query);
        script.state.clone()
    });
    let grant = endpoint(
        script,
        names::COMMAND_RECORD_AUTOMATIC_GRANT,
        |script, command| {
            script.grants.push(command);
            script.grant.clone()
        },
    );
    let flow = endpoint(
        script,
        names::COMMAND_BEGIN_USER_CONSENT,
        |script, command| {
            script.flows.push(command);
            script.flow.clone()
        },
    );
    let connection = endpoint(
        script,
        names::COMMAND_BEGIN_CONNECTION,
        |script, command| {
            script.connections.push(command);
            script.connection.clone()
        },
    );
    serve(
        nats,
        NatsUser::Projection,
        names::PROJECTION_SERVICE,
        vec![query],
    )
    .await;
    serve(
        nats,
        NatsUser::Gateway,
        names::GATEWAY_SERVICE,
        vec![grant, flow, connection],
    )
    .await;
}

/// A token broker, which not everybody has.
pub(crate) async fn serve_broker(nats: &NatsServer, script: &Shared) {
    let status = endpoint(script, names::CUSTODY_STATUS, |script, query| {
        script.custody_queries.push(query);
        script.custody.clone()
    });
    let deposit = endpoint(script, names::CUSTODY_DEPOSIT, |script, deposit| {
        script.deposits.push(deposit);
        script.deposited.clone()
    });
    serve(
        nats,
        NatsUser::TokenBroker,
        names::TOKEN_BROKER_SERVICE,
        vec![status, deposit],
    )
    .await;
}

/// As the gateway tells it: Ana's passage is over.
pub(crate) async fn tell_of_an_ended_passage(nats: &NatsServer) {
    let gateway = connect(nats, NatsUser::Gateway, "ended-passage").await;
    let (account, user) = ("acme".parse().unwrap(), "ana".parse().unwrap());
    let subject = names::connection_ended(&account, &user);
    gateway.publish(&subject, &[], Vec::new()).await.unwrap();
    gateway.drain(Duration::from_secs(5)).await.unwrap();
}

async fn connect(nats: &NatsServer, user: NatsUser, name: &'static str) -> Connection {
    let (user, password) = nats.credentials(user);
    let settings = ConnectionSettings::new(nats.url(), name).with_user(user, password);
    Connection::connect(settings).await.unwrap()
}

async fn serve(nats: &NatsServer, user: NatsUser, name: &'static str, endpoints: Vec<Endpoint>) {
    let connection = connect(nats, user, name).await;
    let definition = ServiceDefinition {
        name,
        version: "0.0.0",
        description: "Played by a test.",
    };
    drop(tokio::spawn(async move {
        let stop = CancellationToken::new();
        assent_messaging::serve(&connection, definition, endpoints, 64, stop)
            .await
            .unwrap();
    }));
}

fn endpoint<Q, A>(
    script: &Shared,
    subject: &'static str,
    reply: fn(&mut Script, Q) -> Reply<A>,
) -> Endpoint
where
    Q: DeserializeOwned + 'static,
    A: Serialize + Send + Sync + 'static,
{
    let script = Arc::clone(script);
    let name = subject.rsplit('.').next().unwrap();
    Endpoint::new(name, subject, move |request: Request| {
        let asked = serde_json::from_slice(&request.payload).unwrap();
        let reply = {
            let mut script = script.lock().unwrap();
            script.traceparents.push(request.traceparent);
            reply(&mut script, asked)
        };
        answer(reply)
    })
}

async fn answer<A: Serialize>(reply: Reply<A>) -> Result<Vec<u8>, ServiceError> {
    match reply {
        Reply::With(answer) => Ok(serde_json::to_vec(&answer).unwrap()),
        Reply::After(delay, answer) => {
            tokio::time::sleep(delay).await;
            Ok(serde_json::to_vec(&answer).unwrap())
        }
        Reply::Refuse(status, code) => Err(ServiceError {
            status,
            code: code.to_owned(),
            body: serde_json::to_vec(&Problem::new(
                ErrorCode::parse(code).unwrap(),
                "as the test says",
            ))
            .unwrap(),
        }),
        Reply::Never => std::future::pending().await,
        Reply::Json(answer) => Ok(answer.to_string().into_bytes()),
        Reply::Garbage => Ok(b"{\"account\":".to_vec()),
    }
}
