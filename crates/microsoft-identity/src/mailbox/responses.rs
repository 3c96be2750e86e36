//! What Graph and Autodiscover answer, as far as it tells where a mailbox is.

use serde::Deserialize;
use url::Url;

use super::UnknownReason;
use crate::graph::read;
use crate::transport::Response;

/// Where Exchange Online is. What Autodiscover finds anywhere else is a server of somebody's own.
const MICROSOFTS_DOMAINS: [&str; 4] = [
    "office365.com",
    "office.com",
    "outlook.com",
    "microsoft.com",
];

/// Whether the mailbox is there for Graph; any other answer says nothing about where it is.
pub(super) fn is_reachable(response: &Response) -> Result<bool, UnknownReason> {
    match response.status {
        200 => read::<AnyObject>(response)
            .map(|_| true)
            .ok_or(UnknownReason::Unexpected),
        401 | 403 => Err(UnknownReason::NotAllowed),
        404 if read::<Refusal>(response)
            .is_some_and(|refusal| refusal.error.is_of_the_mailbox()) =>
        {
            Ok(false)
        }
        _ => Err(UnknownReason::Unexpected),
    }
}

/// Any JSON object.
#[derive(Deserialize)]
struct AnyObject {}

#[derive(Deserialize)]
struct Refusal {
    error: GraphRefusal,
}

#[derive(Deserialize)]
struct GraphRefusal {
    code: String,
}

impl GraphRefusal {
    fn is_of_the_mailbox(&self) -> bool {
        [
            "MailboxNotEnabledForRESTAPI",
            "MailboxNotSupportedForRESTAPI",
        ]
        .iter()
        .any(|code| code.eq_ignore_ascii_case(&self.code))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MailboxUser {
    mail: Option<String>,
    user_principal_name: Option<String>,
    assigned_plans: Option<Vec<Plan>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Plan {
    #[serde(default)]
    service: String,
    #[serde(default)]
    capability_status: String,
}

impl MailboxUser {
    pub(super) fn address(&self) -> Option<&str> {
        [&self.mail, &self.user_principal_name]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .find(|address| address.contains('@'))
    }

    /// `None` where the plans are not told.
    pub(super) fn has_exchange_plan(&self) -> Option<bool> {
        let is_exchange = |plan: &Plan| plan.service.eq_ignore_ascii_case("exchange");
        // `Warning` is a plan whose payment is late. It works for a while.
        let is_on = |plan: &Plan| {
            ["enabled", "warning"]
                .iter()
                .any(|status| plan.capability_status.eq_ignore_ascii_case(status))
        };
        let plans = self.assigned_plans.as_ref()?;
        Some(plans.iter().any(|plan| is_exchange(plan) && is_on(plan)))
    }
}

#[derive(Deserialize)]
pub(super) struct Discovered {
    #[serde(rename = "Url")]
    url: Url,
}

impl Discovered {
    pub(super) fn is_elsewhere(&self, own: &Url) -> bool {
        self.url.host_str().is_some_and(|host| {
            own.host_str() != Some(host)
                && !MICROSOFTS_DOMAINS.iter().any(|domain| is_in(host, domain))
        })
    }
}

fn is_in(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_of_microsofts_are_microsofts() {
        let own: Url = "http://127.0.0.1:8090".parse().unwrap();
        for (url, elsewhere) in [
            ("https://outlook.office.com/api", false),
            ("https://outlook.office365.com/api", false),
            ("https://OUTLOOK.COM/", false),
            ("https://graph.microsoft.com/v1.0", false),
            ("http://127.0.0.1:1/api", false),
            ("https://mail.contoso.example/api", true),
            ("https://office.com.contoso.example/", true),
            ("https://notoffice.com/", true),
            ("https://contoso-outlook.com/", true),
            ("mailto:ana@contoso.example", false),
        ] {
            let discovered = Discovered {
                url: url.parse().unwrap(),
            };
            assert_eq!(discovered.is_elsewhere(&own), elsewhere, "{url}");
        }
    }
}
