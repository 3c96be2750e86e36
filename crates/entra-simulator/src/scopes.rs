//! Scope strings: what is asked for, in whichever spelling, and which Microsoft Graph permissions exist.

use std::collections::BTreeSet;

/// The OpenID Connect scopes: not permissions of a resource, and never refused to a name.
pub(crate) const OPENID_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// The application id of Microsoft Graph, the only resource that there is here.
pub(crate) const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";

/// How a scope string may name Microsoft Graph. Our own address comes on top.
const GRAPH_RESOURCES: [&str; 5] = [
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
    GRAPH_APP_ID,
];

/// A delegated permission of Microsoft Graph: name, does it need an administrator, what the consent page says.
struct Permission(&'static str, bool, &'static str);

const DELEGATED: [Permission; 42] = [
    Permission("User.Read", false, "Sign you in and read your profile"),
    Permission(
        "User.ReadBasic.All",
        false,
        "Read all users' basic profiles",
    ),
    Permission("User.Read.All", true, "Read all users' full profiles"),
    Permission(
        "User.RevokeSessions.All",
        true,
        "Revoke all sign in sessions for a user",
    ),
    Permission(
        "Mail.ReadBasic",
        false,
        "Read your mail, without bodies and attachments",
    ),
    Permission("Mail.Read", false, "Read your mail"),
    Permission(
        "Mail.ReadWrite",
        false,
        "Read and write access to your mail",
    ),
    Permission("Mail.Send", false, "Send mail as you"),
    Permission(
        "Mail.ReadBasic.Shared",
        false,
        "Read basic mail in shared mailboxes",
    ),
    Permission("Mail.Read.Shared", false, "Read mail you can access"),
    Permission(
        "Mail.ReadWrite.Shared",
        false,
        "Read and write mail you can access",
    ),
    Permission(
        "Mail.Send.Shared",
        false,
        "Send mail on behalf of others or yourself",
    ),
    Permission("MailboxFolder.Read", false, "Read your mailbox folders"),
    Permission(
        "MailboxFolder.ReadWrite",
        false,
        "Read and write your mailbox folders",
    ),
    Permission("MailboxItem.Read", false, "Read your mailbox items"),
    Permission("MailboxSettings.Read", false, "Read your mailbox settings"),
    Permission(
        "MailboxSettings.ReadWrite",
        false,
        "Read and write your mailbox settings",
    ),
    Permission(
        "Calendars.ReadBasic",
        false,
        "Read basic details of your calendars",
    ),
    Permission("Calendars.Read", false, "Read your calendars"),
    Permission(
        "Calendars.ReadWrite",
        false,
        "Have full access to your calendars",
    ),
    Permission(
        "Calendars.Read.Shared",
        false,
        "Read calendars you can access",
    ),
    Permission(
        "Calendars.ReadWrite.Shared",
        false,
        "Read and write calendars you can access",
    ),
    Permission("Contacts.Read", false, "Read your contacts"),
    Permission(
        "Contacts.ReadWrite",
        false,
        "Have full access to your contacts",
    ),
    Permission(
        "Contacts.Read.Shared",
        false,
        "Read your and shared contacts",
    ),
    Permission(
        "Contacts.ReadWrite.Shared",
        false,
        "Read and write your and shared contacts",
    ),
    Permission("People.Read", false, "Read your relevant people list"),
    Permission("Tasks.Read", false, "Read your tasks"),
    Permission(
        "Tasks.ReadWrite",
        false,
        "Create, read, update and delete your tasks",
    ),
    Permission("Files.Read", false, "Read your files"),
    Permission("Files.ReadWrite", false, "Have full access to your files"),
    Permission("Application.Read.All", true, "Read applications"),
    Permission("AuditLog.Read.All", true, "Read audit log data"),
    Permission(
        "DelegatedPermissionGrant.Read.All",
        true,
        "Read delegated permission grants",
    ),
    Permission(
        "DelegatedPermissionGrant.ReadWrite.All",
        true,
        "Manage all delegated permission grants",
    ),
    Permission("Directory.Read.All", true, "Read directory data"),
    Permission(
        "Directory.ReadWrite.All",
        true,
        "Read and write directory data",
    ),
    Permission(
        "Organization.Read.All",
        true,
        "Read organization information",
    ),
    Permission("openid", false, "Sign you in"),
    Permission("profile", false, "View your basic profile"),
    Permission("email", false, "View your email address"),
    Permission(
        "offline_access",
        false,
        "Maintain access to data you have given it access to",
    ),
];

/// The well-known spelling of a permission, whatever the case it was written in.
pub(crate) fn canonical(name: &str) -> Option<&'static str> {
    find(name).map(|permission| permission.0)
}

/// Does this delegated permission need an administrator, whatever the tenant's policy?
pub(crate) fn needs_administrator(name: &str) -> bool {
    find(name).is_none_or(|permission| permission.1)
}

/// What the consent page says about it.
pub(crate) fn described(name: &str) -> &str {
    find(name).map_or(name, |permission| permission.2)
}

fn find(name: &str) -> Option<&'static Permission> {
    DELEGATED
        .iter()
        .find(|permission| permission.0.eq_ignore_ascii_case(name))
}

/// What a `scope` parameter asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScopeRequest {
    /// `openid`, `profile`, `email`, `offline_access`.
    pub(crate) openid: BTreeSet<String>,
    /// Permissions of Microsoft Graph, by their short names.
    pub(crate) permissions: BTreeSet<String>,
    /// Whether everything registered was asked for, with `.default`.
    pub(crate) default: bool,
}

/// Why a `scope` parameter was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ScopeRefusal {
    /// Nothing was asked for.
    Empty,
    /// `.default` beside permissions by name.
    DefaultMixed,
    /// A resource that there is none of in any tenant here.
    UnknownResource(String),
    /// Microsoft Graph has no such permission.
    UnknownPermission(String),
}

impl ScopeRequest {
    /// Reads a `scope` parameter. `own_address` also names Microsoft Graph, because it is served from there.
    pub(crate) fn parse(text: &str, own_address: &str) -> Result<Self, ScopeRefusal> {
        let mut request = Self::default();
        for word in text.split_ascii_whitespace() {
            let name = permission_name(word, own_address)?;
            if name.eq_ignore_ascii_case(".default") {
                request.default = true;
            } else if OPENID_SCOPES.contains(&name) {
                request.openid.insert(name.to_owned());
            } else {
                let known = canonical(name)
                    .ok_or_else(|| ScopeRefusal::UnknownPermission(name.to_owned()))?;
                request.permissions.insert(known.to_owned());
            }
        }
        if request == Self::default() {
            return Err(ScopeRefusal::Empty);
        }
        if request.default && !request.permissions.is_empty() {
            return Err(ScopeRefusal::DefaultMixed);
        }
        Ok(request)
    }

    /// `.default`, and nothing else.
    pub(crate) fn everything_registered() -> Self {
        Self {
            default: true,
            ..Self::default()
        }
    }

    /// Everything asked for by name.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.openid.union(&self.permissions).cloned().collect()
    }
}

fn permission_name<'a>(word: &'a str, own_address: &str) -> Result<&'a str, ScopeRefusal> {
    for resource in GRAPH_RESOURCES.into_iter().chain([own_address]) {
        if let Some(rest) = word.strip_prefix(resource)
            && let Some(name) = rest.strip_prefix("//").or_else(|| rest.strip_prefix('/'))
        {
            return Ok(name);
        }
    }
    match word.rsplit_once('/') {
        Some((resource, _)) => Err(ScopeRefusal::UnknownResource(resource.to_owned())),
        None => Ok(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ScopeRequest, ScopeRefusal> {
        ScopeRequest::parse(text, "http://localhost:8090")
    }

    #[test]
    fn short_and_qualified_names_are_the_same() {
        let short = parse("openid Mail.Read").unwrap();
        for spelling in [
            "openid https://graph.microsoft.com/mail.read",
            "openid http://localhost:8090/Mail.Read",
        ] {
            assert_eq!(parse(spelling).unwrap(), short);
        }
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        assert_eq!(parse("  "), Err(ScopeRefusal::Empty));
        assert_eq!(
            parse("https://graph.microsoft.com/.default Mail.Read"),
            Err(ScopeRefusal::DefaultMixed)
        );
        assert_eq!(
            parse("Mail.Everything"),
            Err(ScopeRefusal::UnknownPermission(
                "Mail.Everything".to_owned()
            ))
        );
        assert_eq!(
            parse("https://outlook.office.com/Mail.Read"),
            Err(ScopeRefusal::UnknownResource(
                "https://outlook.office.com".to_owned()
            ))
        );
    }

    #[test]
    fn default_goes_with_the_openid_scopes() {
        let request = parse("openid offline_access https://graph.microsoft.com/.default").unwrap();
        assert!(request.default);
        assert_eq!(request.names().len(), 2);
    }
}
