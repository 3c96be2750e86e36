//! Which Microsoft Graph scopes stand for which permission.

use std::collections::BTreeSet;

use assent_domain::permissions::{EmailLevel, PermissionSet};

use crate::scopes::ScopeSet;

/// What every request asks for beside the permissions.
const ALWAYS: [&str; 4] = ["openid", "profile", "offline_access", "User.Read"];

/// Which scopes stand for which permission. Configuration can replace the usual ones.
#[derive(Debug, Clone)]
pub struct ScopeMap {
    /// For the calendar.
    pub calendar: Vec<String>,
    /// For contacts.
    pub contacts: Vec<String>,
    /// For sending e-mail.
    pub email_limited: Vec<String>,
    /// For all of e-mail.
    pub email_full: Vec<String>,
}

impl ScopeMap {
    /// The scopes that stand for a permission set.
    pub fn scopes_for(&self, permissions: PermissionSet) -> Vec<String> {
        let email: &[String] = match permissions.email {
            EmailLevel::None => &[],
            EmailLevel::Limited => &self.email_limited,
            EmailLevel::Full => &self.email_full,
        };
        let calendar = permissions
            .calendar
            .then_some(&self.calendar)
            .into_iter()
            .flatten();
        let contacts = permissions
            .contacts
            .then_some(&self.contacts)
            .into_iter()
            .flatten();
        let scopes: BTreeSet<&String> = calendar.chain(contacts).chain(email).collect();
        scopes.into_iter().cloned().collect()
    }

    /// What to ask a person for at Microsoft: the permissions' scopes, some more, and what is always
    /// needed.
    pub fn request(&self, permissions: PermissionSet, more: &[String]) -> Vec<String> {
        let mut scopes: Vec<String> = ALWAYS.iter().map(|scope| (*scope).to_owned()).collect();
        for scope in self.scopes_for(permissions).iter().chain(more) {
            if !scopes.iter().any(|known| known.eq_ignore_ascii_case(scope)) {
                scopes.push(scope.clone());
            }
        }
        scopes
    }

    /// What granted scopes amount to.
    pub fn permissions(&self, held: &ScopeSet) -> PermissionSet {
        let email = if held.covers(&self.email_full) {
            EmailLevel::Full
        } else if held.covers(&self.email_limited) {
            EmailLevel::Limited
        } else {
            EmailLevel::None
        };
        PermissionSet {
            calendar: held.covers(&self.calendar),
            contacts: held.covers(&self.contacts),
            email,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ScopeMap, ScopeSet};
    use assent_domain::permissions::{EmailLevel, PermissionSet};

    fn map() -> ScopeMap {
        let list = |text: &str| text.split(' ').map(str::to_owned).collect();
        ScopeMap {
            calendar: list("Calendars.ReadWrite"),
            contacts: list("Contacts.Read"),
            email_limited: list("Mail.Send"),
            email_full: list("Mail.ReadWrite Mail.Send"),
        }
    }

    #[test]
    fn full_email_asks_for_reading_and_sending() {
        let email = PermissionSet {
            email: EmailLevel::Full,
            ..PermissionSet::NOTHING
        };
        assert_eq!(map().scopes_for(email), ["Mail.ReadWrite", "Mail.Send"]);
        assert_eq!(
            map().scopes_for(PermissionSet::NOTHING),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_request_names_no_scope_twice() {
        let more = ["mail.send".to_owned(), "Contacts.Read".to_owned()];
        let limited = PermissionSet {
            email: EmailLevel::Limited,
            ..PermissionSet::NOTHING
        };
        assert_eq!(
            map().request(limited, &more).join(" "),
            "openid profile offline_access User.Read Mail.Send Contacts.Read"
        );
    }

    #[test]
    fn held_scopes_amount_to_what_they_cover() {
        let held = ScopeSet::parse(
            "openid Mail.Send Calendars.ReadWrite",
            &"https://graph.microsoft.com".parse().unwrap(),
        );
        let expected = PermissionSet {
            calendar: true,
            contacts: false,
            email: EmailLevel::Limited,
        };
        assert_eq!(map().permissions(&held), expected);
    }
}
