//! What people may consent to by themselves, where their tenant leaves that to Microsoft.

use crate::scopes::on_graph;

/// The scopes that a person may still grant under Microsoft's managed consent policy, the default of new tenants.
///
/// The policy (`microsoft-user-default-recommended`) excludes the permissions that read or change mail, calendars,
/// mailbox settings, people and tasks, those that change contacts, and all `.Shared` ones; sending mail, reading
/// contacts, one's own profile and signing in are not excluded. Source: MicrosoftDocs/entra-docs,
/// `manage-app-consent-policies` (2026-01-22). What is not known to be open is closed: a tenant may still allow it, and
/// the worst that comes of it is a hint on a page that was not needed.
const OPEN_TO_USERS: [&str; 7] = [
    "openid",
    "profile",
    "email",
    "offline_access",
    "User.Read",
    "Mail.Send",
    "Contacts.Read",
];

/// Whether a person may grant this scope by themselves under Microsoft's default. Short and fully qualified names are
/// the same; an unknown scope, and any scope of another resource, is closed.
pub fn is_open_to_users_by_default(scope: &str) -> bool {
    let scope = on_graph(scope.trim());
    OPEN_TO_USERS
        .iter()
        .any(|open| open.eq_ignore_ascii_case(scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microsofts_list() {
        let open = [
            "Mail.Send",
            "mail.send",
            "https://graph.microsoft.com/Mail.Send",
            "HTTPS://GRAPH.MICROSOFT.COM/contacts.read",
            " User.Read ",
            "Contacts.Read",
            "openid",
            "profile",
            "email",
            "offline_access",
        ];
        for scope in open {
            assert!(is_open_to_users_by_default(scope), "{scope}");
        }
        let closed = [
            "Mail.Read",
            "Mail.ReadBasic",
            "Mail.ReadWrite",
            "Mail.Read.Shared",
            "Mail.ReadWrite.Shared",
            "Mail.ReadBasic.Shared",
            "Mail.Send.Shared",
            "MailboxItem.Read",
            "MailboxFolder.Read",
            "MailboxSettings.Read",
            "MailboxSettings.ReadWrite",
            "Calendars.Read",
            "Calendars.ReadBasic",
            "Calendars.ReadWrite",
            "Calendars.Read.Shared",
            "Contacts.ReadWrite",
            "Contacts.Read.Shared",
            "People.Read",
            "Tasks.Read",
            "Tasks.ReadWrite",
            "https://graph.microsoft.com/Calendars.Read",
            "Directory.Read.All",
            "User.Read.All",
            "https://graph.microsoft.com/.default",
            "https://outlook.office.com/Mail.Send",
            "https://graph.microsoft.com.evil.example/Mail.Send",
            "Something.New",
            "",
            "Mail.Send Mail.Read",
        ];
        for scope in closed {
            assert!(!is_open_to_users_by_default(scope), "{scope}");
        }
    }
}
