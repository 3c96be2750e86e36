//! What is known to be permitted: changes and answers, folded. News may come late or twice; the newest counts.

use std::collections::HashMap;

use crate::assent::permissions::Permissions;
use crate::users::User;

/// What is known of everybody. As large as our own table of users, and no larger.
#[derive(Debug, Default)]
pub(super) struct Standing {
    users: HashMap<&'static str, Known>,
    /// What was known of a company's users before this counts for nothing.
    companies: HashMap<String, u64>,
}

/// What is permitted for a user, as of an event.
#[derive(Debug, Clone, Copy)]
struct Known {
    permitted: Permissions,
    as_of: u64,
}

impl Standing {
    /// Learns what is permitted for a user as of an event.
    pub(super) fn of_user(&mut self, user: &'static str, permitted: Permissions, as_of: u64) {
        let known = self.users.entry(user).or_insert(Known { permitted, as_of });
        if known.as_of <= as_of {
            *known = Known { permitted, as_of };
        }
    }

    /// Learns that a company is different as of an event.
    pub(super) fn of_company(&mut self, account: &str, as_of: u64) {
        let since = self.companies.entry(account.to_owned()).or_default();
        *since = as_of.max(*since);
    }

    /// What may be done for a user now.
    pub(super) fn permitted(&self, user: &User) -> Permissions {
        let since = self
            .companies
            .get(user.account)
            .copied()
            .unwrap_or_default();
        self.users
            .get(user.id)
            .filter(|known| since <= known.as_of)
            .map_or(Permissions::NOTHING, |known| known.permitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users;

    fn ana() -> &'static User {
        users::find("ana").unwrap()
    }

    const CALENDAR: Permissions = Permissions {
        calendar: true,
        ..Permissions::NOTHING
    };

    #[test]
    fn of_whom_nothing_was_heard_nothing_is_permitted() {
        assert_eq!(Standing::default().permitted(ana()), Permissions::NOTHING);
    }

    #[test]
    fn the_newest_counts_whenever_it_comes() {
        let mut standing = Standing::default();
        standing.of_user("ana", CALENDAR, 5);
        standing.of_user("ana", Permissions::EVERYTHING, 3);
        assert_eq!(standing.permitted(ana()), CALENDAR);

        standing.of_user("ana", Permissions::NOTHING, 6);
        assert_eq!(standing.permitted(ana()), Permissions::NOTHING);
    }

    #[test]
    fn a_companys_change_ends_what_was_known_of_its_users() {
        let mut standing = Standing::default();
        standing.of_user("ana", CALENDAR, 5);
        standing.of_user("dana", CALENDAR, 6);
        standing.of_company("acme", 7);

        assert_eq!(standing.permitted(ana()), Permissions::NOTHING);
        let dana = users::find("dana").unwrap();
        assert_eq!(standing.permitted(dana), CALENDAR);
    }

    #[test]
    fn after_a_companys_change_only_newer_news_counts() {
        let mut standing = Standing::default();
        standing.of_company("acme", 7);
        // A slow answer from before the change, and then one from after it.
        standing.of_user("ana", Permissions::EVERYTHING, 6);
        assert_eq!(standing.permitted(ana()), Permissions::NOTHING);

        standing.of_user("ana", CALENDAR, 7);
        assert_eq!(standing.permitted(ana()), CALENDAR);
    }

    #[test]
    fn an_older_change_of_the_company_takes_nothing_away() {
        let mut standing = Standing::default();
        standing.of_company("acme", 7);
        standing.of_user("ana", CALENDAR, 8);
        standing.of_company("acme", 4);

        assert_eq!(standing.permitted(ana()), CALENDAR);
    }
}
