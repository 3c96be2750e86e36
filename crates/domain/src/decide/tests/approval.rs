//! "Ask an administrator to let me".

use super::{given, given_nothing};
use crate::decide::administrator_consent::{Mailboxes, Premises};
use crate::decide::approval::ask;
use crate::ids::Cloud;
use crate::permissions::Kinds;
use crate::refusal::Refusal;
use crate::samples::{
    ALL_BUT_EMAIL, CALENDAR, EVERYTHING, SENDING, USERS_FULL, USERS_LIMITED, administered,
    mode_changed,
};

#[test]
fn a_user_asks_for_what_users_may_have() {
    let somewhere = Premises::default();
    let account = given_nothing().account;
    assert_eq!(ask(&account, EVERYTHING.kinds(), somewhere), Ok(EVERYTHING));
    assert_eq!(ask(&account, CALENDAR.kinds(), somewhere), Ok(CALENDAR));
    let limited = given([mode_changed(USERS_FULL, USERS_LIMITED)]).account;
    assert_eq!(
        ask(&limited, EVERYTHING.kinds(), somewhere),
        Ok(ALL_BUT_EMAIL.join(SENDING))
    );
    assert_eq!(
        ask(&account, Kinds::NONE, somewhere),
        Err(Refusal::NothingSelected)
    );
}

#[test]
fn there_is_nothing_to_ask_for_where_it_can_not_be_had() {
    let managed = given(administered(1, CALENDAR)).account;
    assert_eq!(
        ask(&managed, CALENDAR.kinds(), Premises::default()),
        Err(Refusal::ManagedByAdministrator)
    );
    let account = given_nothing().account;
    let elsewhere = Premises {
        cloud: Some(Cloud::GccHigh),
        ..Premises::default()
    };
    assert_eq!(
        ask(&account, CALENDAR.kinds(), elsewhere),
        Err(Refusal::UnsupportedCloud)
    );
    let own_servers = Premises {
        mailboxes: Mailboxes::OnPremisesOnly,
        ..Premises::default()
    };
    assert_eq!(
        ask(&account, CALENDAR.kinds(), own_servers),
        Err(Refusal::OnPremisesExchange)
    );
}
