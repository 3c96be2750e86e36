//! Every form and every page of the settings, with whatever a browser can be made to send: each is answered with a page,
//! and nothing is recorded.

use anyhow::ensure;
use assent_dev_stack::actors::Reply;

use crate::fixture::start;

const FORMS: [&str; 10] = [
    "/settings/company/email-sync",
    "/settings/company/method",
    "/settings/company/administrator-consent",
    "/settings/company/administrator-links",
    "/settings/company/administrator-links/019ab000-0000-7000-8000-000000000000/cancellation",
    "/settings/account/permissions",
    "/settings/account/confirmation",
    "/settings/account/administrator-links",
    "/settings/account/administrator-links/019ab000-0000-7000-8000-000000000000/cancellation",
    "/session/end",
];

fn odd_values() -> Vec<String> {
    let mut values: Vec<String> = [
        "",
        "true",
        "0",
        "-1",
        "18446744073709551616",
        "full",
        "é\u{0}<b>",
        "../..",
    ]
    .map(str::to_owned)
    .to_vec();
    // All of them together below what any body may have.
    values.push("x".repeat(4_000));
    values
}

/// A page, and not the server's fault.
fn is_answered(reply: &Reply, what: &str) -> anyhow::Result<()> {
    let is_page = reply.header("content-type") == Some("text/html; charset=utf-8");
    ensure!(
        (is_page || reply.status == 303) && reply.status < 500,
        "{what}: {} {}",
        reply.status,
        reply.text
    );
    ensure!(!reply.text.contains("<b>"), "{what}: {}", reply.text);
    Ok(())
}

#[tokio::test]
async fn odd_forms_are_answered_with_a_page_and_record_nothing() -> anyhow::Result<()> {
    let stack = start().await?;
    for form in FORMS {
        let sam = stack.session_super_admin("acme", "sam").await?;
        for value in odd_values() {
            let all = [
                "email_sync",
                "seen",
                "confirmed",
                "then",
                "method",
                "email_level",
                "tenant",
                "shown",
                "epoch",
                "flow",
                "confirm",
                "extend",
            ]
            .map(|name| (name, value.as_str()));
            let what = format!("{form} with {value:.20?}");
            is_answered(&sam.post("/settings/company", form, &all).await?, &what)?;
            let seen = [
                ("seen", "0"),
                ("epoch", "0"),
                ("email_sync", &value),
                ("method", &value),
            ];
            is_answered(&sam.post("/settings/company", form, &seen).await?, &what)?;
            if form == "/session/end" {
                break;
            }
        }
    }
    ensure!(stack.last_sequence().await? == 0, "something was recorded");
    Ok(())
}

#[tokio::test]
async fn odd_addresses_show_the_page_as_it_is() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.session_super_admin("acme", "sam").await?;
    let flow = "flow=019ab000-0000-7000-8000-000000000000";
    for page in ["/settings/company", "/settings/account"] {
        for query in [
            "flow=x",
            "done=x",
            "dialog=x",
            "outcome=completed&outcome=declined",
            "outcome=%3Cb%3E&reason=%3Cb%3E",
            "%ff=%ff",
            flow,
            &format!("{flow}&outcome=refused&reason=tenant_mismatch"),
        ] {
            let reply = sam.get(&format!("{page}?{query}")).await?;
            is_answered(&reply, query)?;
            ensure!(reply.status == 200, "{query}: {}", reply.status);
        }
    }
    // A grant of nobody's can't be confirmed.
    let reply = sam
        .get(&format!("/settings/account?{flow}&confirm=x"))
        .await?;
    is_answered(&reply, "confirm")?;
    ensure!(reply.status == 404, "{}", reply.status);
    Ok(())
}
