//! The projection and the gateway, faked over NATS with the real messages.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use assent_contract::command::{
    AutomaticGrantRecorded, BeginUserConsent, RecordAutomaticGrant, UserConsentBegun,
};
use assent_contract::names;
use assent_contract::problem::{ErrorCode, Problem};
use assent_contract::query::{AccountFacts, ConsentFacts, LoginState, UserFacts, UserQuery};
use assent_contract::values::{
    Cloud, EmailLevel, EmailSync, Method, Permission, PermissionSet, Tenant,
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
    pub(crate) queries: Vec<UserQuery>,
    pub(crate) grants: Vec<RecordAutomaticGrant>,
    pub(crate) flows: Vec<BeginUserConsent>,
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
            queries: Vec::new(),
            grants: Vec::new(),
            flows: Vec::new(),
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

const fn user(epoch: u64) -> UserFacts {
    UserFacts {
        epoch,
        own: NOTHING,
        automatic: NOTHING,
        answered: Vec::new(),
        identity: None,
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
        vec![grant, flow],
    )
    .await;
}

async fn serve(nats: &NatsServer, user: NatsUser, name: &'static str, endpoints: Vec<Endpoint>) {
    let (user, password) = nats.credentials(user);
    let settings = ConnectionSettings::new(nats.url(), name).with_user(user, password);
    let connection = Connection::connect(settings).await.unwrap();
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
