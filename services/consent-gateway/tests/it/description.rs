//! Whatever a test here is answered is what the description of the API says of that operation: its statuses, and the codes
//! of its problems.

use std::sync::LazyLock;

use assent_dev_stack::actors::Reply;
use reqwest::{Method, Url};
use serde_json::Value;

static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../openapi.json")).unwrap());

/// Whether a path is one of this template's.
fn is_of(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template
            .zip(path)
            .all(|(part, found)| part == found || (part.starts_with('{') && !found.is_empty()))
}

/// What is not described of an answer; `None` where all of it is.
fn undescribed(method: &Method, path: &str, status: u16, code: Option<&str>) -> Option<String> {
    let all = DESCRIPTION.get("paths").and_then(Value::as_object).unwrap();
    let mut named: Vec<_> = all
        .keys()
        .filter(|template| is_of(template, path))
        .collect();
    // Where a fixed part and a parameter both fit, the router takes the fixed one.
    named.sort_by_key(|template| template.matches('{').count());
    let Some(template) = named.first() else {
        // Nothing is described of addresses that are none.
        return None;
    };
    let methods = all.get(template.as_str()).unwrap();
    let Some(operation) = methods.get(method.as_str().to_ascii_lowercase()) else {
        let is_refused = status == 405 || *method == Method::HEAD || *method == Method::OPTIONS;
        return (!is_refused).then(|| format!("{template} has no {method}, and answers it"));
    };
    let Some(response) = operation.pointer(&format!("/responses/{status}")) else {
        return Some(format!("{method} {template} answers {status} {code:?}"));
    };
    let description = response.get("description").and_then(Value::as_str).unwrap();
    let code = code.filter(|code| status >= 400 && !description.contains(&format!("`{code}`")))?;
    Some(format!("{method} {template} answers {status} with {code}"))
}

/// Looks at an answer of the gateway's.
pub(crate) fn require_described(method: &Method, address: &str, reply: &Reply) {
    let path = Url::parse(address).unwrap().path().to_owned();
    let missing = undescribed(method, &path, reply.status, reply.word("/code"));
    assert_eq!(missing, None, "{}", reply.text);
}

#[test]
fn what_is_not_described_is_noticed() {
    let found = |method, path, status, code| undescribed(&method, path, status, code);
    let account = "/v1/accounts/acme";
    assert_eq!(found(Method::GET, account, 200, None), None);
    assert_eq!(found(Method::GET, account, 403, Some("forbidden")), None);
    assert_eq!(found(Method::GET, "/nowhere", 404, Some("not_found")), None);
    assert_eq!(found(Method::PATCH, account, 405, None), None);
    assert!(found(Method::GET, account, 201, None).is_some());
    assert!(found(Method::GET, account, 409, Some("tenant_mismatch")).is_some());
    assert!(found(Method::GET, account, 403, Some("tenant_mismatch")).is_some());
    assert!(found(Method::PATCH, account, 200, None).is_some());
}
