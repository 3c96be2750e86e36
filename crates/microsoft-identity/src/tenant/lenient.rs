//! A tenant as people type and paste it.

use url::{Host, Url};
use uuid::Uuid;

use super::{DomainName, TenantRef, TenantRefError};

/// Longer texts are read no further: the longest address that holds a tenant is one of a portal.
const LONGEST: usize = 2048;

/// Of Microsoft's own sites no host is a tenant's; their addresses hold the tenant elsewhere.
const OF_MICROSOFT: [&str; 8] = [
    "microsoftonline.com",
    "microsoftonline.us",
    "microsoftonline.cn",
    "microsoft.com",
    "windows.net",
    "azure.com",
    "office.com",
    "office365.com",
];

impl TenantRef {
    /// Reads what somebody typed: the tenant's id, in braces or not; one of its domains, in any script; or an address that
    /// has one of them, be it of a mailbox, of a web site or of Microsoft's own. What stands around it is left out.
    pub fn parse_lenient(text: &str) -> Result<Self, TenantRefError> {
        if text.len() > LONGEST {
            return Err(TenantRefError);
        }
        // Names and ids begin and end with a letter or digit.
        let text = text.trim_matches(|letter: char| !letter.is_alphanumeric());
        if let Ok(id) = Uuid::try_parse(text) {
            return Ok(Self::Id(id));
        }
        if text.contains("://") {
            in_address(text)
        } else if begins_with_a_host(text) {
            in_address(&format!("https://{text}"))
        } else if text.contains('@') {
            behind_at(text)
        } else {
            in_any_script(text)
        }
    }
}

/// Whether it is a web address without its scheme. There can be an `@` further on.
fn begins_with_a_host(text: &str) -> bool {
    let host = text
        .split_once('/')
        .and_then(|(host, _)| host.split(':').next());
    host.is_some_and(|host| !host.contains('@') && in_any_script(host).is_ok())
}

/// Of which domain an e-mail address is. Several addresses name a tenant only where all of them name the same.
fn behind_at(text: &str) -> Result<TenantRef, TenantRefError> {
    // Behind it are parameters of a link, where there can be other people's addresses.
    let text = text.split('?').next().unwrap_or(text);
    let mut domains = text.split('@').skip(1).peekable();
    let mut found = None;
    while let Some(behind) = domains.next() {
        let is_last = domains.peek().is_none();
        // Between two addresses there can be anything.
        let ends_it = |letter: char| match letter {
            '/' | '#' => true,
            '.' | '-' => false,
            letter => !is_last && !letter.is_alphanumeric(),
        };
        let domain = in_any_script(behind.split(ends_it).next().unwrap_or(behind))?;
        if found.as_ref().is_some_and(|found| *found != domain) {
            return Err(TenantRefError);
        }
        found = Some(domain);
    }
    found.ok_or(TenantRefError)
}

fn in_address(text: &str) -> Result<TenantRef, TenantRefError> {
    let url = Url::parse(text).map_err(|_| TenantRefError)?;
    let Some(Host::Domain(host)) = url.host().filter(|_| url.scheme().starts_with("http")) else {
        return Err(TenantRefError);
    };
    let is_of_microsoft = OF_MICROSOFT.iter().any(|site| {
        host.strip_suffix(site)
            .is_some_and(|before| before.is_empty() || before.ends_with('.'))
    });
    if !is_of_microsoft {
        return in_any_script(host);
    }
    let first_of_path = url.path_segments().and_then(|mut parts| parts.next());
    let in_query = url
        .query_pairs()
        .find(|(name, _)| name.eq_ignore_ascii_case("tenantid"))
        .map(|(_, value)| value);
    let behind_at = url
        .fragment()
        .and_then(|fragment| fragment.strip_prefix('@'))
        .and_then(|fragment| fragment.split('/').next());
    // What says that it is a tenant first: in a path there can be the name of a file, `login.srf`.
    [in_query.as_deref(), behind_at, first_of_path]
        .into_iter()
        .flatten()
        .find_map(|name| match Uuid::try_parse(name) {
            Ok(id) => Some(TenantRef::Id(id)),
            Err(_) => in_any_script(name).ok(),
        })
        .ok_or(TenantRefError)
}

/// A domain in the form that is looked up: `bücher.example` is `xn--bcher-kva.example`.
fn in_any_script(name: &str) -> Result<TenantRef, TenantRefError> {
    let name = name.trim_matches(|letter: char| !letter.is_alphanumeric());
    let Ok(Host::Domain(ascii)) = Host::parse(name) else {
        return Err(TenantRefError);
    };
    // The web site's name, not the tenant's.
    let behind_www = ascii.strip_prefix("www.").filter(|rest| rest.contains('.'));
    DomainName::parse(behind_www.unwrap_or(&ascii)).map(TenantRef::Domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

    #[test]
    fn a_domain_is_found_in_what_people_paste() {
        for (typed, domain) in [
            ("contoso.example", "contoso.example"),
            ("Contoso.OnMicrosoft.COM", "contoso.onmicrosoft.com"),
            ("  contoso.example \n", "contoso.example"),
            ("\u{feff}contoso.example\u{a0}\u{200b}", "contoso.example"),
            ("contoso.example.", "contoso.example"),
            ("@contoso.example", "contoso.example"),
            ("\u{201c}contoso.example\u{201d},", "contoso.example"),
            ("www.contoso.example", "contoso.example"),
            ("www.example", "www.example"),
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("B\u{dc}CHER.example", "xn--bcher-kva.example"),
            ("bu\u{308}cher.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("b\u{fc}cher\u{3002}example", "xn--bcher-kva.example"),
            ("olga@contoso.example", "contoso.example"),
            ("Olga <olga@contoso.example>", "contoso.example"),
            ("mailto:olga@contoso.example?subject=x", "contoso.example"),
            ("olga@b\u{fc}cher.example.", "xn--bcher-kva.example"),
            ("https://contoso.example", "contoso.example"),
            ("https://www.contoso.example/about?x=1#y", "contoso.example"),
            ("HTTPS://Contoso.Example:443/", "contoso.example"),
            ("https://b\u{fc}cher.example/", "xn--bcher-kva.example"),
            ("https://olga@contoso.example/", "contoso.example"),
            ("contoso.example/", "contoso.example"),
            ("contoso.example/about", "contoso.example"),
            ("contoso.example:443/about", "contoso.example"),
            (
                "contoso.example/team?mail=petr@fabrikam.example",
                "contoso.example",
            ),
            (
                "mailto:olga@contoso.example?cc=petr@fabrikam.example",
                "contoso.example",
            ),
            (
                "\"olga@contoso.example\" <olga@contoso.example>",
                "contoso.example",
            ),
            (
                "olga@contoso.example; petr@Contoso.Example",
                "contoso.example",
            ),
            ("Olga / Sales <olga@contoso.example>", "contoso.example"),
            (
                "petr_fabrikam.example#EXT#@contoso.example",
                "contoso.example",
            ),
            (
                "https://login.microsoftonline.com/contoso.example/v2.0/adminconsent",
                "contoso.example",
            ),
            (
                "https://portal.azure.com/#@contoso.example/resource/x",
                "contoso.example",
            ),
        ] {
            let found = TenantRef::parse_lenient(typed).unwrap().to_string();
            assert_eq!(found, domain, "{typed}");
        }
    }

    #[test]
    fn an_id_is_found_in_what_people_paste() {
        let upper = ID.to_uppercase();
        let plain = ID.replace('-', "");
        for typed in [
            ID,
            &upper,
            &plain,
            &format!(" {ID}\t"),
            &format!("{{{ID}}}"),
            &format!("{{{upper}}}"),
            &format!("\"{ID}\","),
            &format!("urn:uuid:{ID}"),
            &format!("https://login.microsoftonline.com/{ID}"),
            &format!("https://login.microsoftonline.com/{ID}/oauth2/v2.0/authorize?client_id=x"),
            &format!("login.microsoftonline.com/{upper}/v2.0"),
            &format!("https://sts.windows.net/{ID}/"),
            &format!("https://myapplications.microsoft.com/?tenantId={ID}"),
            &format!("https://www.office.com/login.aspx?tenantId={ID}"),
            &format!("login.microsoftonline.com/{ID}/?login_hint=petr@fabrikam.example"),
        ] {
            let expected = TenantRef::Id(ID.parse().unwrap());
            assert_eq!(TenantRef::parse_lenient(typed), Ok(expected), "{typed}");
        }
    }

    #[test]
    fn what_names_no_tenant_is_refused() {
        let long = format!("https://contoso.example/{}", "x".repeat(LONGEST));
        for nothing in [
            "",
            " ",
            "...",
            "contoso",
            "Contoso Ltd",
            "common",
            "organizations",
            "consumers",
            "olga@",
            "olga@contoso",
            "contoso.example, fabrikam.example",
            "olga@contoso.example, petr@fabrikam.example",
            "olga@contoso.example; petr@fabrikam.example",
            "\"olga@contoso.example\" <petr@fabrikam.example>",
            "olga@contoso.example or fabrikam.example",
            "olga@contoso.example@fabrikam.example",
            "contoso .example",
            "a.-b.example",
            "a..example",
            "under_score.example",
            "10.0.0.1",
            "https://10.0.0.1/",
            "https://localhost/",
            "ftp://contoso.example/",
            "javascript:alert(1)",
            "xn--zzzzzzzz\u{fc}.example",
            "https://login.microsoftonline.com/organizations/v2.0",
            "https://login.microsoftonline.com/common",
            "https://outlook.office.com/mail",
            "https://portal.azure.com/#home",
            "72f988bf-86f1-41af-91ab-2d7cd011db4",
            &long,
        ] {
            assert_eq!(
                TenantRef::parse_lenient(nothing),
                Err(TenantRefError),
                "{nothing}"
            );
        }
    }
}
