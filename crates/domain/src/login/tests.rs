//! The rows of "Decision at login", and what lies between them.

use super::{
    Decision, ProceedReason, PromptReason, ReauthenticateReason, SignIn, UnavailableReason, decide,
    effective_for,
};
use crate::decide::tests::{Known, given, given_nothing};
use crate::ids::Cloud;
use crate::permissions::{Permission, PermissionSet};
use crate::samples::{
    ADMINISTRATOR, ALL_BUT_EMAIL, CALENDAR, CONTACTS, EMAIL, EVERYTHING, NOTHING, SENDING,
    USERS_FULL, USERS_LIMITED, administered, ana_at_microsoft, another_tenant, auto_granted,
    auto_granted_to, colleague, consent_id, consented, declined, granted, granted_by, mode_changed,
    person_of, revoked, tenant_in, withdrawn,
};

const NOTHING_WANTED: Decision = Decision::Proceed(ProceedReason::NothingWanted);
const ALL_EFFECTIVE: Decision = Decision::Proceed(ProceedReason::AllEffective);
const CONSENT_WITHDRAWN: Decision =
    Decision::Reauthenticate(ReauthenticateReason::ConsentWithdrawn);
const ALREADY_ANSWERED: Decision = Decision::Proceed(ProceedReason::AlreadyAnswered);

fn prompt(missing: PermissionSet) -> Decision {
    Decision::Prompt {
        missing,
        reason: PromptReason::ConsentMissing,
    }
}

fn prompt_for_another_mailbox(missing: PermissionSet) -> Decision {
    Decision::Prompt {
        missing,
        reason: PromptReason::AnotherMailbox,
    }
}

fn auto_grant(consent: u128, granted: PermissionSet) -> Decision {
    Decision::AutoGrant {
        granted,
        consent: consent_id(consent),
    }
}

fn through_microsoft() -> SignIn {
    SignIn::Microsoft(ana_at_microsoft())
}

impl Known {
    /// Signed in through Microsoft, who wants this.
    fn wanting(&self, wanted: PermissionSet) -> Decision {
        self.signed_in(through_microsoft(), wanted)
    }

    fn signed_in(&self, sign_in: SignIn, wanted: PermissionSet) -> Decision {
        decide(&self.account, &self.user, wanted, sign_in)
    }

    fn effective_as(&self, sign_in: SignIn) -> PermissionSet {
        effective_for(&self.account, &self.user, sign_in)
    }
}

#[test]
fn who_wants_nothing_proceeds_before_all_else() {
    for known in [given_nothing(), given(administered(1, EVERYTHING))] {
        for sign_in in [
            SignIn::Other,
            through_microsoft(),
            SignIn::Microsoft(person_of(another_tenant())),
            SignIn::Microsoft(person_of(tenant_in(Cloud::China))),
            SignIn::MicrosoftGuest(colleague()),
            SignIn::PersonalAccount,
        ] {
            assert_eq!(known.signed_in(sign_in, NOTHING), NOTHING_WANTED);
        }
    }
}

#[test]
fn clouds_that_are_not_served_have_nothing_to_offer() {
    for known in [
        given_nothing(),
        given([granted(0, EVERYTHING)]),
        given(administered(1, EVERYTHING)),
    ] {
        for cloud in [Cloud::GccHigh, Cloud::Dod, Cloud::China] {
            let sign_in = SignIn::Microsoft(person_of(tenant_in(cloud)));
            assert_eq!(
                known.signed_in(sign_in, CALENDAR),
                Decision::Unavailable(UnavailableReason::UnsupportedCloud),
                "{cloud:?}"
            );
        }
    }
}

#[test]
fn the_administrators_method_needs_a_sign_in_through_microsoft() {
    let known = given(administered(1, EVERYTHING)).and([auto_granted(1, 1, EVERYTHING)]);
    assert_eq!(
        known.signed_in(SignIn::Other, EVERYTHING),
        Decision::Reauthenticate(ReauthenticateReason::NotThroughMicrosoft)
    );
}

#[test]
fn the_administrators_method_needs_the_consents_own_tenant() {
    let known = given(administered(1, EVERYTHING)).and([auto_granted(1, 1, EVERYTHING)]);
    assert_eq!(
        known.signed_in(SignIn::Microsoft(person_of(another_tenant())), EVERYTHING),
        Decision::Reauthenticate(ReauthenticateReason::AnotherTenant)
    );
}

#[test]
fn who_has_all_of_the_consent_proceeds() {
    let known = given(administered(1, CALENDAR)).and([auto_granted(1, 1, CALENDAR)]);
    assert_eq!(known.wanting(CALENDAR), ALL_EFFECTIVE);
    assert_eq!(known.wanting(EVERYTHING), ALL_EFFECTIVE);
    assert_eq!(known.wanting(EMAIL), ALL_EFFECTIVE);
}

#[test]
fn who_has_less_than_the_consent_gets_it_unasked() {
    let known = given(administered(1, ALL_BUT_EMAIL.join(SENDING)));
    assert_eq!(
        known.wanting(EVERYTHING),
        auto_grant(1, ALL_BUT_EMAIL.join(SENDING))
    );
    assert_eq!(
        known.wanting(CALENDAR.join(EMAIL)),
        auto_grant(1, CALENDAR.join(SENDING))
    );
}

#[test]
fn own_grants_and_answers_of_before_the_switch_do_not_matter() {
    let known = given([granted(0, EVERYTHING), revoked(0, Permission::ALL)])
        .and(administered(1, EVERYTHING));
    assert_eq!(known.wanting(EVERYTHING), auto_grant(1, EVERYTHING));
}

#[test]
fn what_was_withdrawn_under_this_very_consent_is_had_through_microsoft_only() {
    let known = given(administered(1, ALL_BUT_EMAIL)).and([
        auto_granted(1, 1, ALL_BUT_EMAIL),
        withdrawn(1, [Permission::Contacts]),
    ]);
    assert_eq!(known.wanting(EVERYTHING), CONSENT_WITHDRAWN);
    assert_eq!(known.wanting(CONTACTS), CONSENT_WITHDRAWN);
    // It is not about what nobody wants, or what the consent never gave.
    assert_eq!(known.wanting(CALENDAR.join(EMAIL)), ALL_EFFECTIVE);
    // Nor does it stand before who has to sign in otherwise anyway, or as another person.
    assert_eq!(
        known.signed_in(SignIn::Other, EVERYTHING),
        Decision::Reauthenticate(ReauthenticateReason::NotThroughMicrosoft)
    );
    assert_eq!(
        known.signed_in(SignIn::MicrosoftGuest(ana_at_microsoft()), EVERYTHING),
        Decision::Unavailable(UnavailableReason::Guest)
    );
    assert_eq!(
        known.signed_in(SignIn::Microsoft(colleague()), EVERYTHING),
        auto_grant(1, ALL_BUT_EMAIL)
    );
    // Restored, or given anew by an administrator here.
    let restored = known.clone().and([auto_granted(1, 1, CONTACTS)]);
    assert_eq!(restored.wanting(EVERYTHING), ALL_EFFECTIVE);
    let renewed = known.and([consented(2, ALL_BUT_EMAIL)]);
    assert_eq!(renewed.wanting(EVERYTHING), auto_grant(2, ALL_BUT_EMAIL));
}

#[test]
fn a_withdrawal_of_another_epoch_is_forgotten() {
    let known = given(administered(1, CALENDAR))
        .and([
            auto_granted(1, 1, CALENDAR),
            withdrawn(1, [Permission::Calendar]),
            mode_changed(ADMINISTRATOR, USERS_FULL),
        ])
        .and(administered(2, CALENDAR));
    assert_eq!(known.wanting(CALENDAR), auto_grant(2, CALENDAR));
}

#[test]
fn a_smaller_consent_leaves_nothing_to_grant() {
    let known = given(administered(1, EVERYTHING))
        .and([auto_granted(1, 1, EVERYTHING), consented(2, CALENDAR)]);
    assert_eq!(known.wanting(EVERYTHING), ALL_EFFECTIVE);
}

#[test]
fn a_larger_consent_is_granted_at_the_next_login() {
    let known = given(administered(1, SENDING))
        .and([auto_granted(1, 1, SENDING), consented(2, EVERYTHING)]);
    assert_eq!(known.wanting(SENDING), ALL_EFFECTIVE);
    assert_eq!(known.wanting(EVERYTHING), auto_grant(2, EVERYTHING));
}

#[test]
fn a_new_user_is_prompted_for_what_is_wanted() {
    for sign_in in [through_microsoft(), SignIn::Other] {
        let known = given_nothing();
        assert_eq!(known.signed_in(sign_in, EVERYTHING), prompt(EVERYTHING));
        assert_eq!(known.signed_in(sign_in, SENDING), prompt(SENDING));
    }
}

#[test]
fn users_may_be_of_any_tenant_while_they_decide_for_themselves() {
    let elsewhere = SignIn::Microsoft(person_of(another_tenant()));
    assert_eq!(
        given_nothing().signed_in(elsewhere, CALENDAR),
        prompt(CALENDAR)
    );
}

#[test]
fn the_prompt_asks_for_exactly_what_is_missing() {
    let known = given([granted(0, CALENDAR)]);
    assert_eq!(known.wanting(CALENDAR), ALL_EFFECTIVE);
    assert_eq!(known.wanting(EVERYTHING), prompt(CONTACTS.join(EMAIL)));
}

#[test]
fn who_has_all_that_is_wanted_proceeds() {
    let known = given([granted(0, EVERYTHING)]);
    assert_eq!(known.signed_in(SignIn::Other, EVERYTHING), ALL_EFFECTIVE);
    assert_eq!(known.wanting(SENDING), ALL_EFFECTIVE);
}

#[test]
fn a_partial_consent_leaves_the_rest_to_be_asked() {
    let known = given([granted(0, CALENDAR.join(SENDING))]);
    assert_eq!(known.wanting(EVERYTHING), prompt(CONTACTS));
}

#[test]
fn limited_sync_caps_what_is_asked_for() {
    let known = given([mode_changed(USERS_FULL, USERS_LIMITED)]);
    assert_eq!(
        known.wanting(EVERYTHING),
        prompt(ALL_BUT_EMAIL.join(SENDING))
    );
    let known = known.and([granted(0, ALL_BUT_EMAIL.join(SENDING))]);
    assert_eq!(known.wanting(EVERYTHING), ALL_EFFECTIVE);
}

#[test]
fn who_answered_under_limited_sync_is_not_asked_again_when_it_is_full() {
    let known = given([
        mode_changed(USERS_FULL, USERS_LIMITED),
        granted(0, SENDING),
        mode_changed(USERS_LIMITED, USERS_FULL),
    ]);
    assert_eq!(known.wanting(EMAIL), ALREADY_ANSWERED);
    assert_eq!(known.wanting(SENDING), ALL_EFFECTIVE);
}

#[test]
fn what_was_declined_is_not_asked_for_again() {
    let known = given([declined(0, Permission::ALL)]);
    assert_eq!(known.wanting(EVERYTHING), ALREADY_ANSWERED);
}

#[test]
fn what_was_revoked_is_not_asked_for_again() {
    let known = given([granted(0, EVERYTHING), revoked(0, [Permission::Email])]);
    assert_eq!(known.wanting(EVERYTHING), ALREADY_ANSWERED);
    assert_eq!(known.wanting(CALENDAR), ALL_EFFECTIVE);
}

#[test]
fn one_answer_does_not_stand_for_another() {
    let known = given([declined(0, [Permission::Calendar])]);
    assert_eq!(known.wanting(EVERYTHING), prompt(CONTACTS.join(EMAIL)));
}

#[test]
fn a_new_epoch_asks_anew() {
    for before in [
        given([granted(0, EVERYTHING)]),
        given([declined(0, Permission::ALL)]),
    ] {
        let known = before
            .and(administered(1, EVERYTHING))
            .and([mode_changed(ADMINISTRATOR, USERS_FULL)]);
        assert_eq!(known.wanting(EVERYTHING), prompt(EVERYTHING));
    }
}

#[test]
fn guests_and_personal_accounts_have_no_mailbox_in_the_consents_tenant() {
    let known = given(administered(1, EVERYTHING)).and([auto_granted(1, 1, EVERYTHING)]);
    for guest in [ana_at_microsoft(), colleague()] {
        assert_eq!(
            known.signed_in(SignIn::MicrosoftGuest(guest), EVERYTHING),
            Decision::Unavailable(UnavailableReason::Guest)
        );
    }
    assert_eq!(
        known.signed_in(SignIn::PersonalAccount, EVERYTHING),
        Decision::Unavailable(UnavailableReason::PersonalAccount)
    );
    assert_eq!(known.effective_as(SignIn::PersonalAccount), NOTHING);
    // Whoever is a guest elsewhere may be a member here.
    assert_eq!(
        known.signed_in(
            SignIn::MicrosoftGuest(person_of(another_tenant())),
            EVERYTHING
        ),
        Decision::Reauthenticate(ReauthenticateReason::AnotherTenant)
    );
}

#[test]
fn another_person_of_the_consents_tenant_is_granted_anew() {
    let known = given(administered(1, CALENDAR)).and([auto_granted(1, 1, CALENDAR)]);
    let other = SignIn::Microsoft(colleague());
    assert_eq!(known.effective_as(other), NOTHING);
    assert_eq!(known.signed_in(other, EVERYTHING), auto_grant(1, CALENDAR));
    assert_eq!(known.signed_in(other, EMAIL), ALL_EFFECTIVE);

    let moved = known.and([auto_granted_to(colleague(), 1, 1, CALENDAR)]);
    assert_eq!(moved.signed_in(other, EVERYTHING), ALL_EFFECTIVE);
    assert_eq!(moved.effective_as(other), CALENDAR);
    assert_eq!(moved.effective_as(through_microsoft()), NOTHING);
    assert_eq!(moved.wanting(EVERYTHING), auto_grant(1, CALENDAR));
}

#[test]
fn whoever_signs_in_as_another_is_asked_about_that_mailbox() {
    let other = SignIn::Microsoft(colleague());
    for known in [
        given([granted(0, EVERYTHING)]),
        given([granted(0, CALENDAR), declined(0, [Permission::Email])]),
        given([granted(0, EVERYTHING), revoked(0, Permission::ALL)]),
    ] {
        assert_eq!(known.effective_as(other), NOTHING);
        assert_eq!(
            known.signed_in(other, EVERYTHING),
            prompt_for_another_mailbox(EVERYTHING)
        );
        assert_eq!(
            known.signed_in(other, CALENDAR),
            prompt_for_another_mailbox(CALENDAR)
        );
    }
    let limited = given([
        mode_changed(USERS_FULL, USERS_LIMITED),
        granted(0, EVERYTHING),
    ]);
    assert_eq!(
        limited.signed_in(other, EMAIL),
        prompt_for_another_mailbox(SENDING)
    );
}

#[test]
fn whoever_moved_to_another_mailbox_has_answered_for_that_one_only() {
    let moved = given([
        granted(0, CALENDAR),
        declined(0, [Permission::Email]),
        granted_by(colleague(), 0, CONTACTS),
    ]);
    let other = SignIn::Microsoft(colleague());
    assert_eq!(moved.effective_as(other), CONTACTS);
    assert_eq!(moved.signed_in(other, CONTACTS), ALL_EFFECTIVE);
    assert_eq!(
        moved.signed_in(other, EVERYTHING),
        prompt(CALENDAR.join(EMAIL))
    );
    assert_eq!(
        moved.wanting(CALENDAR),
        prompt_for_another_mailbox(CALENDAR)
    );
}

#[test]
fn an_answer_before_any_grant_is_of_whoever_signs_in() {
    let known = given([declined(0, Permission::ALL)]);
    let other = SignIn::Microsoft(colleague());
    assert_eq!(known.signed_in(other, EVERYTHING), ALREADY_ANSWERED);
}

#[test]
fn what_microsoft_withdrew_is_asked_for_once_more() {
    let known = given([
        granted(0, ALL_BUT_EMAIL),
        revoked(0, [Permission::Contacts]),
        withdrawn(0, Permission::ALL),
    ]);
    assert_eq!(known.wanting(ALL_BUT_EMAIL), prompt(CALENDAR));
    let known = known.and([declined(0, [Permission::Calendar])]);
    assert_eq!(known.wanting(ALL_BUT_EMAIL), ALREADY_ANSWERED);
}

/// What is of an earlier epoch is of no mailbox any more.
#[test]
fn a_new_epoch_knows_no_mailbox() {
    let known = given([granted_by(colleague(), 0, EVERYTHING)])
        .and(administered(1, EVERYTHING))
        .and([mode_changed(ADMINISTRATOR, USERS_FULL)]);
    assert_eq!(known.user.mailbox(known.account.epoch), None);
    assert_eq!(known.wanting(EVERYTHING), prompt(EVERYTHING));
}

/// They could accept at Microsoft, and nothing could be synced.
#[test]
fn nobody_is_asked_for_a_mailbox_that_is_not_there() {
    let guest = SignIn::MicrosoftGuest(person_of(another_tenant()));
    for known in [given_nothing(), given([granted(0, EVERYTHING)])] {
        for (sign_in, reason) in [
            (guest, UnavailableReason::Guest),
            (SignIn::PersonalAccount, UnavailableReason::PersonalAccount),
        ] {
            assert_eq!(
                known.signed_in(sign_in, EVERYTHING),
                Decision::Unavailable(reason)
            );
            assert_eq!(known.effective_as(sign_in), NOTHING);
        }
    }
    // Where there is no question there is nothing to tell a guest either.
    let answered = given([declined(0, Permission::ALL)]);
    assert_eq!(answered.signed_in(guest, EVERYTHING), ALREADY_ANSWERED);
}
