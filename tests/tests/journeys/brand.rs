//! The pages look like the host application, and who may embed them.

use anyhow::{Context, ensure};
use assent_dev_stack::Stack;
use assent_dev_stack::actors::Reply;
use serde_json::json;

use crate::fixture::start_with;

const LOGO: &str = r##"<svg xmlns="http://www.w3.org/2000/svg"><circle r="9" fill="#f80"/></svg>"##;
const APP: &str = "http://127.0.0.1:3000";
const FOR_A_YEAR: &str = "public, max-age=31536000, immutable";

async fn open(stack: &Stack, path: &str) -> anyhow::Result<Reply> {
    let address = format!("{}{path}", stack.gateway.url());
    Ok(stack.microsoft().open(&address).await?)
}

/// Who may embed a page.
fn ancestors(page: &Reply) -> anyhow::Result<&str> {
    page.header("content-security-policy")
        .and_then(|policy| policy.split_once("frame-ancestors "))
        .map(|(_, ancestors)| ancestors)
        .context("nothing said of frames")
}

/// The address after `before` in a page, as a path.
fn address<'a>(page: &'a Reply, before: &str) -> anyhow::Result<&'a str> {
    page.text
        .split_once(before)
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(address, _)| address)
        .with_context(|| format!("no {before} in {}", page.text))
}

#[tokio::test]
async fn the_hosts_look_is_on_every_page_and_its_origin_may_embed_the_settings()
-> anyhow::Result<()> {
    let logo = tempfile::NamedTempFile::new()?;
    std::fs::write(&logo, LOGO)?;
    let path = logo.path().to_string_lossy();
    let stack = start_with(|options| {
        options.variables = [
            ("ASSENT_PRODUCT_NAME", "Bread & Butter"),
            ("ASSENT_PRODUCT_URL", "https://app.example/home?a=1&b=2"),
            ("ASSENT_PRODUCT_LOGO_FILE", &path),
            ("ASSENT_PRODUCT_ACCENT_COLOR", "#ffcc00"),
            ("ASSENT_FRAME_ANCESTORS", APP),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    })
    .await?;
    let settings = open(&stack, "/settings/account").await?;
    ensure!(ancestors(&settings)? == APP, "{:?}", settings.headers);
    let asked = json!({
        "purpose": "administrator_consent",
        "permissions": {"calendar": true, "contacts": false, "email": "limited"},
    });
    let sam = stack.super_admin("acme", "sam");
    let link = sam.make_hand_off(&asked).await?.ok()?;
    let link = link.word("/url").context("no link")?;
    let hand_off = stack.microsoft().open(link).await?;
    ensure!(
        hand_off.status == 200 && ancestors(&hand_off)? == "'none'",
        "{:?}",
        hand_off.headers
    );
    for page in [&settings, &hand_off] {
        ensure!(
            address(page, "<a href=\"")? == "https://app.example/home?a=1&#38;b=2"
                && address(page, "alt=\"")? == "Bread &#38; Butter",
            "{}",
            page.text
        );
        for (before, kind) in [
            ("rel=\"stylesheet\" href=\"", "text/css; charset=utf-8"),
            ("<script src=\"", "text/javascript; charset=utf-8"),
            ("<img src=\"", "image/svg+xml"),
        ] {
            let asset = open(&stack, address(page, before)?).await?;
            ensure!(
                asset.status == 200
                    && asset.header("content-type") == Some(kind)
                    && asset.header("cache-control") == Some(FOR_A_YEAR)
                    && asset.header("x-content-type-options") == Some("nosniff"),
                "{} {:?}",
                asset.call,
                asset.headers
            );
        }
    }
    let stylesheet = open(&stack, "/assets/pages.css?v=0").await?;
    ensure!(
        stylesheet.header("cache-control") == Some("no-cache"),
        "what was not asked for is kept: {:?}",
        stylesheet.headers
    );
    // The yellow is darkened on white, and stays as it is on black.
    ensure!(
        stylesheet.text.starts_with(":root{--accent:light-dark(#")
            && stylesheet.text.contains(",#ffcc00);--on-accent:"),
        "{}",
        stylesheet.text
    );
    let logo = open(&stack, "/assets/logo").await?;
    let policy = logo.header("content-security-policy").unwrap_or_default();
    ensure!(
        logo.text == LOGO && policy.contains("default-src 'none'") && policy.ends_with("; sandbox"),
        "{:?}",
        logo.headers
    );
    Ok(())
}

#[tokio::test]
async fn without_a_brand_the_name_stands_there_and_nobody_may_embed_anything() -> anyhow::Result<()>
{
    let stack = start_with(|options| {
        let nobody = ("ASSENT_FRAME_ANCESTORS".to_owned(), String::new());
        options.variables.push(nobody);
    })
    .await?;
    for path in ["/settings/account", "/settings/company"] {
        let page = open(&stack, path).await?;
        ensure!(
            page.text.contains("<span>the application</span>") && !page.text.contains("<img"),
            "{}",
            page.text
        );
        ensure!(ancestors(&page)? == "'none'", "{:?}", page.headers);
    }
    open(&stack, "/assets/logo")
        .await?
        .refused(404, "not_found")?;
    Ok(())
}
