//! What the pages call things: permissions, methods, roles, times.

use assent_domain::ids::RoleId;
use assent_domain::permissions::{EmailLevel, Kinds, Permission, PermissionSet};
use assent_microsoft_identity::role_name;
use jiff::Timestamp;

/// A permission's name.
pub(super) const fn name(permission: Permission) -> &'static str {
    match permission {
        Permission::Calendar => "Calendar",
        Permission::Contacts => "Contacts",
        Permission::Email => "Email",
    }
}

/// A permission, as forms name it.
pub(super) fn key(permission: Permission) -> &'static str {
    assent_contract::values::Permission::from(permission).as_str()
}

/// What a permission allows; of e-mail at this level.
pub(super) const fn meaning(permission: Permission, email: EmailLevel) -> &'static str {
    match (permission, email) {
        (Permission::Calendar, _) => {
            "Read the calendar and write appointments into it, so that meetings are scheduled without double bookings."
        }
        (Permission::Contacts, _) => "Read the contacts, to find people by name.",
        (Permission::Email, EmailLevel::None | EmailLevel::Limited) => {
            "Send e-mail from the work account. Nothing is read, so replies are not synced."
        }
        (Permission::Email, EmailLevel::Full) => {
            "Send e-mail from the work account, and read and sync the conversations that began in the application."
        }
    }
}

/// Just this permission, of e-mail at this level.
pub(super) const fn only(permission: Permission, email: EmailLevel) -> PermissionSet {
    let nothing = PermissionSet::NOTHING;
    match permission {
        Permission::Calendar => PermissionSet {
            calendar: true,
            ..nothing
        },
        Permission::Contacts => PermissionSet {
            contacts: true,
            ..nothing
        },
        Permission::Email => PermissionSet { email, ..nothing },
    }
}

/// "Calendar, Contacts and Email (limited)".
pub(super) fn list(permissions: PermissionSet) -> String {
    let words = permissions.kinds().iter().map(|kind| match kind {
        Permission::Calendar | Permission::Contacts => name(kind).to_owned(),
        Permission::Email => format!("Email ({})", level(permissions.email)),
    });
    joined(&words.collect::<Vec<_>>())
}

/// "Calendar and Email".
pub(super) fn list_kinds(kinds: Kinds) -> String {
    let words: Vec<_> = kinds.iter().map(|kind| name(kind).to_owned()).collect();
    joined(&words)
}

/// A level of e-mail.
pub(super) const fn level(email: EmailLevel) -> &'static str {
    match email {
        EmailLevel::None => "none",
        EmailLevel::Limited => "limited",
        EmailLevel::Full => "full",
    }
}

fn joined(words: &[String]) -> String {
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// What Microsoft calls a role.
pub(super) fn role(role: RoleId) -> String {
    role_name(role.0).map_or_else(|| format!("the role {}", role.0), str::to_owned)
}

/// A moment, for `<time>`: the browser shows it in its own zone where it can.
#[derive(Debug, Clone, Copy)]
pub(super) struct When(pub(super) Timestamp);

impl When {
    /// For a program.
    pub(super) fn machine(self) -> String {
        self.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// For a person.
    pub(super) fn words(self) -> String {
        self.0.strftime("%-d %b %Y, %H:%M UTC").to_string()
    }
}

/// "1 user", "2 users".
pub(super) fn users(number: usize) -> String {
    match number {
        1 => "1 user".to_owned(),
        more => format!("{more} users"),
    }
}

#[cfg(test)]
mod tests {
    use assent_domain::permissions::{EmailLevel, PermissionSet};
    use jiff::Timestamp;

    use super::{When, list};

    #[test]
    fn sets_read_like_a_sentence() {
        assert_eq!(
            list(PermissionSet::EVERYTHING),
            "Calendar, Contacts and Email (full)"
        );
        let limited = PermissionSet {
            email: EmailLevel::Limited,
            ..PermissionSet::NOTHING
        };
        assert_eq!(list(limited), "Email (limited)");
        assert_eq!(list(PermissionSet::NOTHING), "nothing");
    }

    #[test]
    fn a_moment_is_told_to_programs_and_to_people() {
        let when = When(Timestamp::UNIX_EPOCH);
        assert_eq!(when.machine(), "1970-01-01T00:00:00Z");
        assert_eq!(when.words(), "1 Jan 1970, 00:00 UTC");
    }
}
