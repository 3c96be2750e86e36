//! Scopes as Microsoft spells them, and which of them include others.

use std::collections::BTreeMap;
use std::fmt;

use url::Url;

const GRAPH: &str = "https://graph.microsoft.com/";

/// The sign-in scopes. Microsoft leaves some of them out of its answers, and the ID token itself is their proof.
const SIGN_IN: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Which scopes include a scope: the next larger ones.
const INCLUDED_IN: [(&str, &str); 5] = [
    ("mail.readbasic", "mail.read"),
    ("mail.read", "mail.readwrite"),
    ("calendars.readbasic", "calendars.read"),
    ("calendars.read", "calendars.readwrite"),
    ("contacts.read", "contacts.readwrite"),
];

/// A set of delegated scopes. `Mail.Read`, `mail.read` and `https://graph.microsoft.com/Mail.Read` are one scope; a
/// scope of any other resource is a different one, whatever its name.
#[derive(Clone, PartialEq, Eq)]
pub struct ScopeSet {
    /// Lowered name to the short spelling that was given.
    scopes: BTreeMap<String, String>,
    /// The configured Graph address, lowered, with a final slash.
    graph: String,
}

impl ScopeSet {
    /// Reads scopes separated by spaces. `graph_url` is what fully qualified Graph scopes begin with, besides
    /// Microsoft's own address.
    pub fn parse(text: &str, graph_url: &Url) -> Self {
        let mut graph = graph_url.as_str().to_ascii_lowercase();
        if !graph.ends_with('/') {
            graph.push('/');
        }
        let scopes = text
            .split_ascii_whitespace()
            .map(|scope| short(scope, &graph))
            .map(|scope| (scope.to_ascii_lowercase(), scope.to_owned()))
            .collect();
        Self { scopes, graph }
    }

    /// Whether everything wanted is here, itself or included in something larger.
    pub fn covers(&self, wanted: &[String]) -> bool {
        wanted.iter().all(|scope| self.has(scope))
    }

    /// What is wanted and not here, in the spelling of the question.
    pub fn missing(&self, wanted: &[String]) -> Vec<String> {
        wanted
            .iter()
            .filter(|scope| !self.has(scope))
            .cloned()
            .collect()
    }

    /// The scopes in their short spelling, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.scopes.values().map(String::as_str)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    fn has(&self, wanted: &str) -> bool {
        let wanted = short(wanted, &self.graph).to_ascii_lowercase();
        SIGN_IN.contains(&wanted.as_str()) || self.includes(&wanted)
    }

    fn includes(&self, scope: &str) -> bool {
        self.scopes.contains_key(scope)
            || INCLUDED_IN
                .iter()
                .any(|(smaller, larger)| *smaller == scope && self.includes(larger))
    }
}

/// A Graph scope without its resource.
fn short<'a>(scope: &'a str, graph: &str) -> &'a str {
    [GRAPH, graph]
        .iter()
        .find_map(|resource| without(resource, scope))
        .unwrap_or(scope)
}

/// The short name of a scope that begins with Microsoft Graph's own address; any other text as it is.
pub(crate) fn on_graph(scope: &str) -> &str {
    without(GRAPH, scope).unwrap_or(scope)
}

fn without<'a>(resource: &str, scope: &'a str) -> Option<&'a str> {
    let (head, rest) = scope.split_at_checked(resource.len())?;
    head.eq_ignore_ascii_case(resource).then_some(rest)
}

impl fmt::Debug for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> ScopeSet {
        ScopeSet::parse(text, &"http://127.0.0.1:8090/graph".parse().unwrap())
    }

    fn list(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn spelling_does_not_matter() {
        let granted = set(
            "openid MAIL.READ https://graph.microsoft.com/Calendars.Read http://127.0.0.1:8090/graph/Mail.Send",
        );
        assert!(granted.covers(&list(
            "Mail.Read calendars.read https://graph.microsoft.com/Mail.Send"
        )));
        assert_eq!(
            granted.iter().collect::<Vec<_>>(),
            ["Calendars.Read", "MAIL.READ", "Mail.Send", "openid"]
        );
    }

    #[test]
    fn the_larger_includes_the_smaller_and_never_the_reverse() {
        let table = [
            (
                "Mail.ReadWrite",
                "Mail.ReadBasic Mail.Read Mail.ReadWrite",
                "",
            ),
            ("Mail.Read", "Mail.ReadBasic Mail.Read", "Mail.ReadWrite"),
            (
                "Mail.ReadBasic",
                "Mail.ReadBasic",
                "Mail.Read Mail.ReadWrite",
            ),
            (
                "Calendars.ReadWrite",
                "Calendars.ReadBasic Calendars.Read",
                "",
            ),
            (
                "Calendars.Read",
                "Calendars.ReadBasic",
                "Calendars.ReadWrite",
            ),
            ("Contacts.ReadWrite", "Contacts.Read", ""),
            ("Contacts.Read", "Contacts.Read", "Contacts.ReadWrite"),
            (
                "Mail.ReadWrite Calendars.ReadWrite Contacts.ReadWrite",
                "",
                "Mail.Send",
            ),
            ("Mail.Send", "", "Mail.ReadBasic"),
            ("", "openid profile email offline_access", "User.Read"),
        ];
        for (granted, covered, missing) in table {
            assert!(set(granted).covers(&list(covered)), "{granted}");
            assert_eq!(
                set(granted).missing(&list(missing)),
                list(missing),
                "{granted}"
            );
        }
    }

    #[test]
    fn another_resource_is_another_scope() {
        let granted = set(
            "https://outlook.office.com/Mail.Read https://graph.microsoft.com.evil.example/Mail.Read",
        );
        assert!(!granted.covers(&list("Mail.Read")));
    }
}
