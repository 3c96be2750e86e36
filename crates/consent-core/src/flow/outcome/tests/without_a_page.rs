//! What Microsoft answers where no page may be shown.

use assent_contract::command::ConnectionPurpose;
use assent_domain::ids::{Cloud, MicrosoftIdentity, ObjectId, Tenant, TenantId};
use assent_domain::permissions::PermissionSet;
use uuid::Uuid;

use super::{refusal, view};
use crate::flow::{ErrorSource, FlowOutcome, FlowState, Purpose};

fn connection() -> Purpose {
    let expected = MicrosoftIdentity {
        tenant: Tenant {
            cloud: Cloud::Worldwide,
            id: TenantId(Uuid::nil()),
        },
        object_id: ObjectId(Uuid::nil()),
    };
    Purpose::Connection {
        is_for: ConnectionPurpose::Custody,
        asked: PermissionSet::EVERYTHING.into(),
        begun_in: 0,
        expected: expected.into(),
    }
}

/// One of three words, whatever the number: those by which a host knows what to do.
#[test]
fn what_a_page_would_have_been_for_is_told() {
    for (query, code) in [
        ("error=login_required", "login_required"),
        (
            "error=login_required&error_description=AADSTS50058:+x",
            "login_required",
        ),
        (
            "error=interaction_required&error_description=AADSTS50173:+x",
            "login_required",
        ),
        ("error=interaction_required", "interaction_required"),
        (
            "error=interaction_required&error_description=AADSTS50076:+x",
            "interaction_required",
        ),
        (
            "error=interaction_required&error_description=AADSTS53003:+x",
            "interaction_required",
        ),
        ("error=consent_required", "consent_required"),
        (
            "error=consent_required&error_description=AADSTS65001:+x",
            "consent_required",
        ),
        // Microsoft's usual answer to it.
        (
            "error=interaction_required&error_description=AADSTS65001:+x",
            "consent_required",
        ),
        (
            "error=interaction_required&error_description=AADSTS90094:+x",
            "consent_required",
        ),
    ] {
        let outcome =
            FlowOutcome::from_microsoft(&refusal(query), ErrorSource::Browser, &connection());
        let view = view(outcome);
        assert_eq!(view.state, FlowState::Undetermined, "{query}");
        assert_eq!(view.code.as_deref(), Some(code), "{query}");
        assert!(view.detail.is_some(), "{query}");
    }
}

/// A passage asks nobody anything, so there is nothing to decline; and what is wrong with us or the tenant stays so.
#[test]
fn what_is_wrong_otherwise_is_said_as_ever() {
    for (query, state, code) in [
        (
            "error=temporarily_unavailable",
            FlowState::Undetermined,
            "microsoft_unavailable",
        ),
        (
            "error=unauthorized_client&error_description=AADSTS700016:+x",
            FlowState::Refused,
            "tenant_absent",
        ),
        (
            "error=access_denied",
            FlowState::Undetermined,
            "undetermined",
        ),
    ] {
        let outcome =
            FlowOutcome::from_microsoft(&refusal(query), ErrorSource::Browser, &connection());
        let view = view(outcome);
        assert_eq!(
            (view.state, view.code.as_deref()),
            (state, Some(code)),
            "{query}"
        );
    }
}
