//! A name may stand for tenants in several of Microsoft's clouds: then we ask, and never guess.

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{CONTOSO, FABRIKAM};
use assent_entra_simulator::{Seed, SeedDocument, Settings};
use serde_json::{Value, json};

use crate::fixture::{selection, start_with};

/// A login host of the US government's cloud. Contoso has a namesake there, Fabrikam's very id is taken there, and one
/// company is nowhere else.
async fn us_government() -> anyhow::Result<assent_entra_simulator::Running> {
    let tenant = |name: &str, domain: &str, id: &str| json!({"name": name, "domain": domain, "id": id, "cloud": "gcc_high"});
    let seed = json!({"tenants": [
        tenant("Contoso Federal", "contoso.example", "c0000000-0000-4000-8000-00000000fede"),
        tenant("Fabrikam Federal", "fabrikam-federal.example", FABRIKAM),
        tenant("Woodgrove Federal", "woodgrove.example", "a0000000-0000-4000-8000-00000000fede"),
    ], "applications": []});
    let mut settings = Settings::story(Vec::<String>::new());
    settings.seed = Seed::Document(SeedDocument::parse(&seed.to_string())?);
    Ok(assent_entra_simulator::start(settings).await?)
}

fn with_cloud(tenant: &str, cloud: &str) -> Value {
    let mut body = selection(Some(tenant));
    if let Some(fields) = body.as_object_mut() {
        fields.insert("tenant_cloud".to_owned(), json!(cloud));
    }
    body
}

#[tokio::test]
async fn ambiguous_names_are_asked_about() -> anyhow::Result<()> {
    let national = us_government().await?;
    let authorities = (
        "ASSENT_ENTRA_NATIONAL_AUTHORITIES",
        national.base_url.clone(),
    );
    let stack = start_with([authorities]).await?;
    let sam = stack.super_admin("acme", "sam");

    // A domain with a namesake, and an id that is taken twice.
    for (tenant, ours) in [("contoso.example", CONTOSO), (FABRIKAM, FABRIKAM)] {
        let asked = sam.start_admin_consent(&selection(Some(tenant))).await?;
        let asked = asked.refused(409, "ambiguous_tenant")?;
        let candidates = asked
            .value("/candidates")
            .as_array()
            .context("no candidates")?;
        let clouds: Vec<_> = candidates.iter().map(|one| &one["cloud"]).collect();
        ensure!(
            clouds == [&json!("worldwide"), &json!("gcc_high")],
            "{}",
            asked.text
        );
        ensure!(candidates[0]["tenant_id"] == json!(ours), "{}", asked.text);

        let started = sam
            .start_admin_consent(&with_cloud(tenant, "worldwide"))
            .await?
            .ok()?;
        ensure!(
            started
                .word("/authorize_url")
                .is_some_and(|url| url.contains(ours)),
            "{}",
            started.text
        );
        let refused = sam
            .start_admin_consent(&with_cloud(tenant, "gcc_high"))
            .await?;
        refused.refused(422, "unsupported_cloud")?;
        let nowhere = sam
            .start_admin_consent(&with_cloud(tenant, "china"))
            .await?;
        nowhere.refused(400, "invalid_request")?;
    }
    // Who is in that cloud only is told so, and not that nobody knows them.
    let refused = sam
        .start_admin_consent(&selection(Some("woodgrove.example")))
        .await?;
    refused.refused(422, "unsupported_cloud")?;
    let unknown = sam
        .start_admin_consent(&selection(Some("nobody.example")))
        .await?;
    unknown.refused(400, "invalid_request")?;
    sam.start_admin_consent(&with_cloud("", "worldwide"))
        .await?
        .refused(400, "invalid_request")?;

    // A link is for one tenant, too.
    let link = json!({"purpose": "approval", "tenant": "contoso.example",
        "permissions": {"calendar": true, "contacts": false, "email": "none"}});
    sam.make_hand_off(&link)
        .await?
        .refused(409, "ambiguous_tenant")?;

    // When that cloud does not answer, its tenants are not there: the name says only where to sign in.
    national.shutdown().await;
    let fresh = stack.super_admin("fresh", "sam");
    fresh
        .start_admin_consent(&selection(Some("adatum.example")))
        .await?
        .ok()?;
    Ok(())
}
