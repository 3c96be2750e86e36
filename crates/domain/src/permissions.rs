//! Permissions and sets of them: a small lattice, compared and combined componentwise.

/// How much of a user's e-mail may be used. The order is that of "allows more".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EmailLevel {
    /// Nothing.
    #[default]
    None,
    /// Send only; nothing is read, so replies are not synced.
    Limited,
    /// Send, read and sync.
    Full,
}

/// One kind of permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// The user's calendar.
    Calendar,
    /// The user's contacts.
    Contacts,
    /// The user's e-mail, at some [`EmailLevel`].
    Email,
}

impl Permission {
    /// Every kind, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Calendar, Self::Contacts, Self::Email];
}

/// Some kinds of permission, without levels: what a user ticked, answered or revoked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Kinds {
    /// Calendar is among them.
    pub calendar: bool,
    /// Contacts is among them.
    pub contacts: bool,
    /// E-mail is among them.
    pub email: bool,
}

impl Kinds {
    /// No kind.
    pub const NONE: Self = Self {
        calendar: false,
        contacts: false,
        email: false,
    };

    /// Every kind.
    pub const ALL: Self = Self {
        calendar: true,
        contacts: true,
        email: true,
    };

    /// Whether this kind is among them.
    pub const fn contains(self, permission: Permission) -> bool {
        match permission {
            Permission::Calendar => self.calendar,
            Permission::Contacts => self.contacts,
            Permission::Email => self.email,
        }
    }

    /// The kinds that are in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self {
            calendar: self.calendar || other.calendar,
            contacts: self.contacts || other.contacts,
            email: self.email || other.email,
        }
    }

    /// The kinds that are in this set and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self {
            calendar: self.calendar && !other.calendar,
            contacts: self.contacts && !other.contacts,
            email: self.email && !other.email,
        }
    }

    /// The kinds that are in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self {
            calendar: self.calendar && other.calendar,
            contacts: self.contacts && other.contacts,
            email: self.email && other.email,
        }
    }

    /// Whether there is no kind at all.
    pub const fn is_empty(self) -> bool {
        !self.calendar && !self.contacts && !self.email
    }

    /// The kinds, in the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .into_iter()
            .filter(move |permission| self.contains(*permission))
    }
}

impl FromIterator<Permission> for Kinds {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions
            .into_iter()
            .fold(Self::NONE, |kinds, permission| match permission {
                Permission::Calendar => Self {
                    calendar: true,
                    ..kinds
                },
                Permission::Contacts => Self {
                    contacts: true,
                    ..kinds
                },
                Permission::Email => Self {
                    email: true,
                    ..kinds
                },
            })
    }
}

/// What may be done, or is asked for, or was granted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PermissionSet {
    /// Calendar.
    pub calendar: bool,
    /// Contacts.
    pub contacts: bool,
    /// E-mail, and how much of it.
    pub email: EmailLevel,
}

impl PermissionSet {
    /// Nothing: the default of every user.
    pub const NOTHING: Self = Self {
        calendar: false,
        contacts: false,
        email: EmailLevel::None,
    };

    /// Everything there is.
    pub const EVERYTHING: Self = Self {
        calendar: true,
        contacts: true,
        email: EmailLevel::Full,
    };

    /// What is in both (⊓).
    #[must_use]
    pub fn meet(self, other: Self) -> Self {
        Self {
            calendar: self.calendar && other.calendar,
            contacts: self.contacts && other.contacts,
            email: self.email.min(other.email),
        }
    }

    /// What is in either (⊔).
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            calendar: self.calendar || other.calendar,
            contacts: self.contacts || other.contacts,
            email: self.email.max(other.email),
        }
    }

    /// Whether the other set allows all of this one (⊑).
    pub fn is_within(self, other: Self) -> bool {
        self.meet(other) == self
    }

    /// What of this set the other does not allow. E-mail is missing as a whole when its
    /// level is too low, for one asks Microsoft for a level, not for a difference.
    #[must_use]
    pub fn missing_from(self, held: Self) -> Self {
        Self {
            calendar: self.calendar && !held.calendar,
            contacts: self.contacts && !held.contacts,
            email: if held.email < self.email {
                self.email
            } else {
                EmailLevel::None
            },
        }
    }

    /// This set, less some kinds. Taking e-mail away takes it away whole.
    #[must_use]
    pub fn without(self, kinds: Kinds) -> Self {
        Self {
            calendar: self.calendar && !kinds.calendar,
            contacts: self.contacts && !kinds.contacts,
            email: if kinds.email {
                EmailLevel::None
            } else {
                self.email
            },
        }
    }

    /// This set, less all but some kinds.
    #[must_use]
    pub fn only(self, kinds: Kinds) -> Self {
        self.without(
            Kinds {
                calendar: true,
                contacts: true,
                email: true,
            }
            .without(kinds),
        )
    }

    /// The kinds that the set holds, at whatever level.
    pub fn kinds(self) -> Kinds {
        Kinds {
            calendar: self.calendar,
            contacts: self.contacts,
            email: self.email != EmailLevel::None,
        }
    }

    /// Whether the set holds nothing.
    pub fn is_nothing(self) -> bool {
        self == Self::NOTHING
    }
}

#[cfg(test)]
mod tests {
    use super::{EmailLevel, Kinds, Permission, PermissionSet};

    const LIMITED: PermissionSet = PermissionSet {
        calendar: true,
        contacts: false,
        email: EmailLevel::Limited,
    };

    #[test]
    fn sets_are_compared_componentwise() {
        assert!(PermissionSet::NOTHING.is_within(LIMITED));
        assert!(LIMITED.is_within(PermissionSet::EVERYTHING));
        assert!(!PermissionSet::EVERYTHING.is_within(LIMITED));
        assert_eq!(PermissionSet::EVERYTHING.meet(LIMITED), LIMITED);
        assert_eq!(PermissionSet::NOTHING.join(LIMITED), LIMITED);
    }

    #[test]
    fn a_higher_level_is_missing_as_a_whole() {
        let missing = PermissionSet::EVERYTHING.missing_from(LIMITED);
        let expected = PermissionSet {
            calendar: false,
            contacts: true,
            email: EmailLevel::Full,
        };
        assert_eq!(missing, expected);
        assert!(LIMITED.missing_from(PermissionSet::EVERYTHING).is_nothing());
    }

    #[test]
    fn kinds_take_email_away_whole() {
        let email: Kinds = [Permission::Email].into_iter().collect();
        assert_eq!(LIMITED.without(email).email, EmailLevel::None);
        assert_eq!(
            LIMITED.only(email),
            PermissionSet {
                calendar: false,
                ..LIMITED
            }
        );
        assert_eq!(
            LIMITED.kinds().iter().collect::<Vec<_>>(),
            [Permission::Calendar, Permission::Email]
        );
    }
}
