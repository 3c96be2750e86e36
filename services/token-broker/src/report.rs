//! The use case: a service of the host's met a withdrawal with a token of its own.

mod rate;

use std::sync::Arc;

use assent_contract::command::{Evidence, Reach};
use assent_domain::permissions::Permission;
use assent_microsoft_identity::{ConsentEnd, classify, consent_end};

use crate::custody::Custody;
use crate::failure::Failure;
use crate::user_key::UserKey;
use crate::verify::{Verified, verify};
use crate::withdrawals::Withdrawal;

pub(crate) use rate::ReportRate;

/// As long as any error of Microsoft's, with room.
const LONGEST: usize = 64;

/// What a service says that Microsoft said.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) whose: UserKey,
    pub(crate) error: String,
    pub(crate) suberror: Option<String>,
    pub(crate) code: Option<u32>,
    pub(crate) reported_by: String,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reported {
    /// Whether Microsoft was asked.
    pub(crate) checked: bool,
    pub(crate) recorded: Vec<Permission>,
}

/// Tries what is held, and believes Microsoft. Where nothing is, the service is believed, but only that the user's consent is
/// missing: nobody's word turns off a whole tenant.
pub(crate) async fn report(custody: &Arc<Custody>, report: Report) -> Result<Reported, Failure> {
    for (field, text) in [
        ("error", Some(&report.error)),
        ("suberror", report.suberror.as_ref()),
    ] {
        if text.is_some_and(|text| !is_a_word(text)) {
            return Err(Failure::Invalid(format!(
                "`{field}`: letters, digits, _, - and ., at most {LONGEST}"
            )));
        }
    }
    let codes: Vec<u32> = report.code.into_iter().collect();
    let class = classify(&report.error, report.suberror.as_deref(), None, &codes);
    let Some(end) = consent_end(class, &codes) else {
        return Err(Failure::Invalid(format!(
            "that is no withdrawal, but {class}: only a consent that is missing, or an application that is gone from the \
             tenant, is to be reported"
        )));
    };
    match verify(custody, &report.whose, None, None).await? {
        Verified::Already | Verified::Stands | Verified::SignInAgain => Ok(Reported {
            checked: true,
            recorded: Vec::new(),
        }),
        Verified::Gone(recorded) => Ok(Reported {
            checked: true,
            recorded,
        }),
        Verified::NotHeld if end == ConsentEnd::User => believe(custody, report).await,
        Verified::NotHeld => Ok(Reported {
            checked: false,
            recorded: Vec::new(),
        }),
    }
}

async fn believe(custody: &Custody, report: Report) -> Result<Reported, Failure> {
    let permitted = custody.permissions.of(&report.whose, None).await?;
    let permissions: Vec<Permission> = permitted.effective.kinds().iter().collect();
    let mailbox = permitted.mailbox;
    let (Some(mailbox), false) = (mailbox, permissions.is_empty()) else {
        return Ok(Reported {
            checked: false,
            recorded: Vec::new(),
        });
    };
    let withdrawal = Withdrawal {
        permissions,
        mailbox,
        evidence: Evidence {
            reach: Reach::User,
            error: report.error,
            suberror: report.suberror,
            code: report.code,
            correlation_id: None,
            reported_by: Some(report.reported_by),
        },
        as_of: permitted.sequence,
    };
    let recorded = custody.withdrawals.record(&report.whose, withdrawal).await;
    Ok(Reported {
        checked: false,
        recorded: recorded.unwrap_or_default(),
    })
}

fn is_a_word(text: &str) -> bool {
    let may_be = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !text.is_empty() && text.len() <= LONGEST && text.chars().all(may_be)
}
