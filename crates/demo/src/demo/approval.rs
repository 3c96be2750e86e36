//! Chapter (h): somebody whom Microsoft lets nothing do, and the link that ends it.

use std::io::Write;

use anyhow::{Context, bail};
use assent_dev_stack::actors::{DANA, ERIK, HostUser, Reaction, Visit};
use serde_json::json;

use super::walkthrough::Walkthrough;

const ADATUM: &str = "adatum";

pub(crate) async fn the_loop_is_broken<W: Write>(
    walkthrough: &mut Walkthrough<'_, W>,
) -> anyhow::Result<()> {
    walkthrough
        .narrator
        .chapter("(h) Dana works at Adatum, where Microsoft lets users approve next to nothing")?;
    let dana = walkthrough.stack.user(ADATUM, "dana");
    let everything = "calendar, contacts, email (full)";

    let first = prompted(walkthrough, "signs in", everything).await?;
    let visit = walkthrough
        .microsoft
        .visit(&first, DANA, Reaction::Accept)
        .await?;
    if visit != Visit::Page("AADSTS90094".to_owned()) {
        bail!("Dana should have met \"Need admin approval\", and met {visit:?}");
    }
    walkthrough
        .walk(
            &first,
            (DANA, Reaction::Return),
            "meets \"Need admin approval\", and goes back",
            "undetermined",
        )
        .await?;
    prompted(walkthrough, "signs in again", "contacts").await?;

    approved_by_a_link(walkthrough, &dana).await?;

    let third = prompted(walkthrough, "signs in", everything).await?;
    let landing = walkthrough
        .walk(
            &third,
            (DANA, Reaction::Accept),
            "passes through Microsoft, which has nothing left to ask",
            "completed",
        )
        .await?;
    let flow = dana.flow(&landing.flow).await?.ok()?;
    if flow.word("/code") != Some("on_premises_exchange") {
        bail!(flow.unexpected("on_premises_exchange"));
    }
    walkthrough.print(
        "Dana",
        "is told where her mailbox is",
        "on_premises_exchange",
        Some(&flow),
    )?;
    if let Some(detail) = flow.word("/detail") {
        walkthrough.narrator.note(detail)?;
    }
    walkthrough
        .sees(&dana, "has granted it all the same", everything)
        .await
}

/// Dana forwards a link to Erik, who has no account in the host application.
async fn approved_by_a_link<W: Write>(
    walkthrough: &mut Walkthrough<'_, W>,
    dana: &HostUser,
) -> anyhow::Result<()> {
    let made = dana
        .make_hand_off(&json!({"purpose": "approval", "tenant": "adatum.example",
            "permissions": {"calendar": true, "contacts": true, "email": "full"}}))
        .await?
        .ok()?;
    let link = made.word("/url").context("no link")?.to_owned();
    walkthrough.print(
        "Dana",
        "gets a link, and forwards it to IT",
        "waiting",
        Some(&made),
    )?;
    let page = walkthrough.microsoft.open(&link).await?.ok()?;
    if !page.text.contains("Nobody is connected by your acceptance") {
        bail!(page.unexpected("the page that says what is asked"));
    }
    walkthrough.print(
        "Erik",
        "opens it, without an account in the application",
        "opened",
        Some(&page),
    )?;
    let followed = walkthrough.microsoft.follow_hand_off(&link).await?;
    let on = followed
        .header("location")
        .with_context(|| followed.unexpected("the way to Microsoft").to_string())?
        .to_owned();
    walkthrough
        .accept_and_confirm(
            &on,
            ERIK,
            "is an application administrator, and accepts",
            &["<code>dana</code>", "Nobody is connected by it"],
        )
        .await?;
    let account = dana.account().await?.ok()?;
    if account.word("/method") != Some("user_individual") || account.sequence() != 0 {
        bail!(account.unexpected("an account in which nothing happened"));
    }
    walkthrough.print(
        "Dana",
        "still decides for herself: nobody's permissions changed",
        "user_individual",
        Some(&account),
    )
}

/// Dana signs in, and is sent to Microsoft for exactly these permissions; the address.
async fn prompted<W: Write>(
    walkthrough: &mut Walkthrough<'_, W>,
    what: &str,
    missing: &str,
) -> anyhow::Result<String> {
    let login = walkthrough.stack.login(ADATUM);
    let reply = login.through_microsoft("dana", DANA, 0).await?.ok()?;
    if reply.word("/decision") != Some("prompt") || reply.permissions("/missing") != missing {
        bail!(reply.unexpected(&format!("a prompt for {missing}")));
    }
    walkthrough.print("Dana", what, "prompt", Some(&reply))?;
    walkthrough
        .narrator
        .note(&format!("Microsoft is asked for {missing}"))?;
    Walkthrough::<W>::authorize_url(&reply)
}
