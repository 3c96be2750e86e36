//! Keys. All companies come first, then all users: those of one account side by side, in the
//! order of their ids. A NUL parts the two ids, for it sorts below whatever an id may hold.

use assent_domain::event::Aggregate;
use assent_domain::ids::{AccountId, Sequence, UserId};

/// The head.
pub(crate) const HEAD: &[u8] = b"h";
/// Before every row.
pub(crate) const ROWS: &[u8] = b"r";
/// Before the note that an aggregate is blocked, followed by the key of its row.
pub(crate) const BLOCKED: &[u8] = b"b";

/// Before the note that something else was said of an aggregate before, followed by the key of its row.
pub(crate) const CORRECTED: &[u8] = b"d";
/// Before the note that a message was passed over, followed by its place in the log.
pub(crate) const VOIDS: &[u8] = b"v";

/// Before the note that a user is held back, followed by the key of the row.
pub(crate) const HELD: &[u8] = b"w";

/// Before each row of the first bytes of messages' hashes, followed by the row's number.
const HASH_PREFIXES: &[u8] = b"l";

const COMPANY: u8 = b'c';
const USER: u8 = b'u';
const SEPARATOR: u8 = 0;

pub(crate) fn company(account: &AccountId) -> Vec<u8> {
    let mut key = Vec::with_capacity(2 + account.as_str().len());
    key.extend_from_slice(ROWS);
    key.push(COMPANY);
    key.extend_from_slice(account.as_str().as_bytes());
    key
}

/// Before every company.
pub(crate) fn companies() -> Vec<u8> {
    [ROWS, &[COMPANY]].concat()
}

/// Before every user of every account.
pub(crate) fn all_users() -> Vec<u8> {
    [ROWS, &[USER]].concat()
}

/// Before every user of an account.
pub(crate) fn users(account: &AccountId) -> Vec<u8> {
    let mut key = Vec::with_capacity(3 + 2 * assent_domain::ids::MAX_ID_LENGTH);
    write_users(&mut key, account);
    key
}

pub(crate) fn user(account: &AccountId, user: &UserId) -> Vec<u8> {
    let mut key = users(account);
    key.extend_from_slice(user.as_str().as_bytes());
    key
}

/// As [`user`], into a buffer that is used again and again.
pub(crate) fn write_user(key: &mut Vec<u8>, account: &AccountId, user: &UserId) {
    key.clear();
    write_users(key, account);
    key.extend_from_slice(user.as_str().as_bytes());
}

fn write_users(key: &mut Vec<u8>, account: &AccountId) {
    key.extend_from_slice(ROWS);
    key.push(USER);
    key.extend_from_slice(account.as_str().as_bytes());
    key.push(SEPARATOR);
}

pub(crate) fn blocked(row: &[u8]) -> Vec<u8> {
    [BLOCKED, row].concat()
}

pub(crate) fn held(row: &[u8]) -> Vec<u8> {
    [HELD, row].concat()
}

pub(crate) fn corrected(row: &[u8]) -> Vec<u8> {
    [CORRECTED, row].concat()
}

pub(crate) fn row(aggregate: &Aggregate) -> Vec<u8> {
    match aggregate {
        Aggregate::Account(account) => company(account),
        Aggregate::User(account, name) => user(account, name),
    }
}

pub(crate) fn hash_prefixes(row: u64) -> Vec<u8> {
    [HASH_PREFIXES, &row.to_be_bytes()].concat()
}

pub(crate) fn void(sequence: Sequence) -> Vec<u8> {
    [VOIDS, &sequence.0.to_be_bytes()].concat()
}

/// The place that a note of [`VOIDS`] is about.
pub(crate) fn voided(key: &[u8]) -> Option<Sequence> {
    let place = key.strip_prefix(VOIDS)?.try_into().ok()?;
    Some(Sequence(u64::from_be_bytes(place)))
}

/// The account or user that a row's key names; `None` for a key that is not ours.
pub(crate) fn aggregate(row: &[u8]) -> Option<Aggregate> {
    let rest = row.strip_prefix(ROWS)?;
    let (kind, ids) = rest.split_first()?;
    let ids = std::str::from_utf8(ids).ok()?;
    match *kind {
        COMPANY => Some(Aggregate::Account(AccountId::parse(ids).ok()?)),
        USER => {
            let (account, user) = ids.split_once(char::from(SEPARATOR))?;
            Some(Aggregate::User(
                AccountId::parse(account).ok()?,
                UserId::parse(user).ok()?,
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use assent_domain::event::Aggregate;
    use assent_domain::ids::{AccountId, UserId};

    use super::{aggregate, company, user, users};

    #[test]
    fn a_key_names_its_aggregate_and_back() {
        let acme = AccountId::parse("acme").unwrap();
        let ana = UserId::parse("ana").unwrap();
        assert_eq!(
            aggregate(&company(&acme)),
            Some(Aggregate::Account(acme.clone()))
        );
        assert_eq!(
            aggregate(&user(&acme, &ana)),
            Some(Aggregate::User(acme.clone(), ana))
        );
        for foreign in [&b""[..], b"h", b"r", b"rx", b"ruacme", b"rc\xff"] {
            assert_eq!(aggregate(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn an_accounts_users_are_adjacent_though_another_id_begins_alike() {
        let acme = AccountId::parse("acme").unwrap();
        let longer = AccountId::parse("acme-eu").unwrap();
        let last = user(&acme, &UserId::parse("zoe").unwrap());
        let other = user(&longer, &UserId::parse("ana").unwrap());
        assert!(last < other);
        assert!(!other.starts_with(&users(&acme)));
    }
}
