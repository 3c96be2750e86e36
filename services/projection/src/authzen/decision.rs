//! The decision about one user and one permission.

use std::collections::BTreeMap;

use assent_contract::allowed::{Allowed, AllowedAction};
use assent_contract::problem::ErrorCode;
use assent_contract::words::{AccessReason, AccessRefusal, PermissionState};
use assent_domain::account::AccountState;
use assent_domain::explanation::{PermissionStatus, status};
use assent_domain::user::UserState;
use assent_permission_store::{Projected, effective};
use serde::Serialize;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{RefOr, schema};
use utoipa::{PartialSchema, ToSchema};

/// Why an account's user may sync something now, or may not.
pub(super) fn reason(
    account: &Projected<AccountState>,
    user: &Projected<UserState>,
    action: AllowedAction,
) -> AccessReason {
    if Allowed::from(effective(account, user)).contains(action) {
        return AccessReason::State(PermissionState::Granted);
    }
    let (Some(account), Some(user)) = (account.known(), user.known()) else {
        return AccessReason::State(PermissionState::Unknown);
    };
    match status(account, user, action.permission()) {
        // Of e-mail, and of no other permission, less may be allowed than all.
        PermissionStatus::Granted => AccessRefusal::EmailLimited.into(),
        off @ (PermissionStatus::NeverGranted
        | PermissionStatus::Ended(_)
        | PermissionStatus::NotInConsent
        | PermissionStatus::LeftBehind) => off.into(),
    }
}

/// Whether access is allowed, and why.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(examples(
    json!({"decision": true, "context": {"reason": "granted", "sequence": 17}}),
    json!({"decision": false, "context": {
        "reason": "revoked",
        "reason_user": {"403": "The user took it back."},
        "reason_admin": {"403": "The person in front of the browser: grant it again in Settings > My account; nobody else can, and no login asks for it"},
        "sequence": 18
    }})
))]
pub(crate) struct Decision {
    pub(crate) decision: bool,
    pub(crate) context: DecisionContext,
}

/// Why.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct DecisionContext {
    /// The word for it, as `consentctl explain` says it; absent where nothing was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<DecisionWord>, nullable = false)]
    reason: Option<&'static str>,
    /// Where it is denied: what the word means, for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, String>>, nullable = false)]
    reason_user: Option<ByStatus>,
    /// Where it is denied: who can mend it, and how.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, String>>, nullable = false)]
    reason_admin: Option<ByStatus>,
    /// How much of the log the decision reflects; absent where it needed none of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sequence: Option<u64>,
    /// Of one evaluation among many: why nothing was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<EvaluationError>,
}

/// A sentence, by the HTTP status that it would go with.
type ByStatus = BTreeMap<&'static str, String>;

/// Why nothing was decided about one evaluation among many.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct EvaluationError {
    /// The HTTP status that it would have by itself.
    status: u16,
    message: String,
}

/// Describes every word that a decision can have.
pub(crate) struct DecisionWord;

impl ToSchema for DecisionWord {}

impl PartialSchema for DecisionWord {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(schema::SchemaType::new(Type::String))
            .enum_values(Some(AccessReason::all().map(AccessReason::as_str)))
            .description(Some("Why access is allowed or denied."))
            .into()
    }
}

impl Decision {
    /// As of this much of the log, where the log was needed for it.
    pub(super) fn because(reason: AccessReason, sequence: Option<u64>) -> Self {
        let context = DecisionContext {
            reason: Some(reason.as_str()),
            sequence,
            ..DecisionContext::default()
        };
        if reason == AccessReason::State(PermissionState::Granted) {
            return Self {
                decision: true,
                context,
            };
        }
        let meaning = reason.meaning();
        let mut mender = meaning.who.describe().to_owned();
        if let Some(first) = mender.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let with_status = |sentence| Some(BTreeMap::from([("403", sentence)]));
        Self {
            decision: false,
            context: DecisionContext {
                reason_user: with_status(meaning.means().to_owned()),
                reason_admin: with_status(format!("{mender}: {}", meaning.how)),
                ..context
            },
        }
    }

    /// Nothing was decided, so nothing is allowed.
    pub(super) fn undecided(code: ErrorCode, message: &str) -> Self {
        Self {
            decision: false,
            context: DecisionContext {
                error: Some(EvaluationError {
                    status: code.status(),
                    message: message.to_owned(),
                }),
                ..DecisionContext::default()
            },
        }
    }
}
