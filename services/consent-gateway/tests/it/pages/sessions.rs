//! The settings pages belong to whoever the host application vouches for, and to nobody else's page.

use anyhow::{Context, ensure};
use assent_dev_stack::actors::{ANA, Reaction, hidden_field as hidden, session_cookie as cookie};
use reqwest::Method;

use crate::fixture::{start, start_with};

#[tokio::test]
async fn a_token_opens_one_session_and_leads_to_the_settings_or_back_to_the_host()
-> anyhow::Result<()> {
    let stack = start().await?;
    let token = stack.host.token_for("ana", "acme").sign();
    // A wrong address does not use the token up.
    for bad in [
        "https://evil.example/",
        "//evil.example/settings/account",
        "/\\evil.example/settings/account",
        "/v1/accounts/acme",
        "javascript:alert(1)",
    ] {
        let refused = stack.open(&token, bad).await?;
        ensure!(refused.status == 400, "{bad}: {}", refused.status);
        ensure!(refused.header("set-cookie").is_none(), "{bad}");
    }
    let opened = stack.open(&token, "/settings/account").await?;
    let here = format!("{}/settings/account", stack.base);
    ensure!(opened.status == 303, "{}", opened.text);
    ensure!(opened.header("location") == Some(&here), "{opened:?}");
    let set = opened.header("set-cookie").context("no cookie")?;
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=3600"] {
        ensure!(set.contains(part), "{set}");
    }

    let host = format!("{}/my/settings", stack.host.origin());
    let token = stack.host.token_for("ana", "acme").sign();
    let back = stack.open(&token, &host).await?;
    ensure!(back.header("location") == Some(&host), "{back:?}");
    Ok(())
}

/// A double click, or a form that is sent again, by whoever has the session; and by whoever has copied the token alone.
#[tokio::test]
async fn a_form_that_is_sent_twice_opens_one_session_and_shows_it_to_its_own_browser()
-> anyhow::Result<()> {
    let stack = start().await?;
    let of_ana = || stack.host.token_for("ana", "acme").sign();
    let (token, other) = (of_ana(), of_ana());
    let opened = stack.open(&token, "/settings/account").await?;
    let ours = cookie(&opened)?;
    let in_session = async |token: &str, cookie: &str, return_to: &str| {
        stack
            .open_saying(token, return_to, |request| request.header("cookie", cookie))
            .await
    };
    for (return_to, there) in [
        ("/settings/account", "account"),
        ("/settings/company", "company"),
    ] {
        let again = in_session(&token, ours, return_to).await?;
        let there = format!("{}/settings/{there}", stack.base);
        ensure!(again.status == 303, "{}", again.text);
        ensure!(again.header("location") == Some(&there), "{again:?}");
        ensure!(again.header("set-cookie").is_none(), "{again:?}");
    }
    let refused = in_session(&token, ours, "https://evil.example/").await?;
    ensure!(refused.status == 400, "{}", refused.status);

    // Nobody else gets in with it: not without the cookie, nor with that of a session that another token opened.
    let opened = stack.open(&other, "/settings/account").await?;
    let of_other = cookie(&opened)?;
    let left = stack.session_user("acme", "ana").await?;
    for cookie in ["", "assent_session=made-up", of_other, &left.cookie] {
        let again = in_session(&token, cookie, "/settings/account").await?;
        ensure!(again.status == 401, "{cookie}: {}", again.status);
        ensure!(again.header("set-cookie").is_none(), "{again:?}");
        ensure!(
            again.text.contains("The settings are open already"),
            "{}",
            again.text
        );
        let way_on = format!("href=\"{}/settings/account\"", stack.base);
        ensure!(again.text.contains(&way_on), "{}", again.text);
    }
    let nobody = stack.user("acme", "nobody").bearing("none");
    let form = [("token", token.as_str())];
    let program = nobody.send(Method::POST, "/session", |request| request.form(&form));
    program.await?.refused(401, "unauthenticated")?;

    // A session that is over is not opened again.
    let mut ana = stack.session_user("acme", "ana").await?;
    ours.clone_into(&mut ana.cookie);
    ana.post("/settings/account", "/session/end", &[]).await?;
    let again = in_session(&token, ours, "/settings/account").await?;
    ensure!(again.status == 401, "{}", again.status);
    Ok(())
}

/// Both clicks at once: one opens the session, and the other says so.
#[tokio::test]
async fn two_clicks_at_once_open_one_session() -> anyhow::Result<()> {
    let stack = start().await?;
    let token = stack.host.token_for("ana", "acme").sign();
    let click = || stack.open(&token, "/settings/account");
    let (one, two, three) = tokio::join!(click(), click(), click());
    let all = [one?, two?, three?];
    let (opened, told): (Vec<_>, Vec<_>) = all.into_iter().partition(|click| click.status == 303);
    ensure!(opened.len() == 1, "{opened:?}");
    for click in told {
        ensure!(click.status == 401, "{}", click.status);
        ensure!(
            click.text.contains("The settings are open already"),
            "{}",
            click.text
        );
    }
    Ok(())
}

#[tokio::test]
async fn whoever_is_not_vouched_for_has_no_session() -> anyhow::Result<()> {
    let stack = start().await?;
    let host = &stack.host;
    for (token, status) in [
        (host.token_for("ana", "acme").expired().sign(), 401),
        (host.token_for("ana", "acme").without("jti").sign(), 401),
        (host.token_for("ana", "acme").audience("other").sign(), 401),
        (
            host.token_for("ana", "acme").signed_by_another_key().sign(),
            401,
        ),
        (host.service_token(&["permissions:read"]), 403),
        ("garbage".to_owned(), 401),
    ] {
        let refused = stack.open(&token, "/settings/account").await?;
        ensure!(
            refused.status == status,
            "{} {}",
            refused.status,
            refused.text
        );
        ensure!(refused.header("set-cookie").is_none());
    }
    // A program that posts nonsense is answered like a program.
    let nobody = stack.user("acme", "nobody").bearing("none");
    let garbage = nobody.send(Method::POST, "/session", |request| request.body("x"));
    garbage.await?.refused(400, "invalid_request")?;

    let mut stranger = stack.session_user("acme", "ana").await?;
    "assent_session=made-up".clone_into(&mut stranger.cookie);
    for path in ["/settings/account", "/settings/company"] {
        let page = stranger.get(path).await?;
        ensure!(page.status == 401, "{path}: {}", page.status);
        ensure!(page.text.contains("Your session is over"), "{}", page.text);
    }
    Ok(())
}

#[tokio::test]
async fn a_form_counts_only_from_a_page_of_this_session() -> anyhow::Result<()> {
    let stack = start().await?;
    let (sam, sue) = (
        stack.session_super_admin("acme", "sam").await?,
        stack.session_super_admin("acme", "sue").await?,
    );
    let page = sue.get("/settings/company").await?;
    let of_sue = hidden(&page.text, "proof").context("no proof on the page")?;
    let path = "/settings/company/email-sync";
    let limited = [
        ("email_sync", "limited"),
        ("seen", "0"),
        ("confirmed", "true"),
    ];
    for proof in [None, Some(""), Some(of_sue)] {
        let mut fields = limited.to_vec();
        fields.extend(proof.map(|proof| ("proof", proof)));
        let refused = sam.post_bare(path, &fields).await?;
        let expected = if proof.is_none() { 400 } else { 403 };
        ensure!(refused.status == expected, "{proof:?}: {}", refused.status);
    }
    let account = stack.super_admin("acme", "sam").account().await?.ok()?;
    ensure!(account.number("/sequence") == Some(0), "{}", account.text);

    let done = sam.post("/settings/company", path, &limited).await?;
    ensure!(done.status == 303, "{}", done.text);
    stack
        .super_admin("acme", "sam")
        .account()
        .await?
        .ok()?
        .with_text("/email_sync", "limited")?;

    // An ordinary user has a page of their own, and not the company's.
    let ana = stack.session_user("acme", "ana").await?;
    let refused = ana.get("/settings/company").await?;
    ensure!(refused.status == 403, "{}", refused.status);
    let fields = [("email_sync", "full"), ("seen", "1")];
    let refused = ana.post("/settings/account", path, &fields).await?;
    ensure!(refused.status == 403, "{}", refused.status);

    let left = sam.post("/settings/company", "/session/end", &[]).await?;
    ensure!(
        left.status == 200 && cookie(&left)? == "assent_session=",
        "{left:?}"
    );
    let over = sam.get("/settings/company").await?;
    ensure!(over.status == 401, "{}", over.status);
    Ok(())
}

#[tokio::test]
async fn the_settings_are_embedded_only_where_they_may_and_lead_out_of_the_frame()
-> anyhow::Result<()> {
    let ancestors = "http://127.0.0.1:7777".to_owned();
    let stack = start_with([("ASSENT_FRAME_ANCESTORS", ancestors)]).await?;
    let ana = stack.session_user("acme", "ana").await?;
    let page = ana.get("/settings/account").await?;
    let policy = page
        .header("content-security-policy")
        .context("no policy")?;
    ensure!(
        policy.ends_with("frame-ancestors http://127.0.0.1:7777"),
        "{policy}"
    );
    ensure!(!policy.contains("unsafe"), "{policy}");

    let proof = hidden(&page.text, "proof").context("no proof")?;
    let nobody = stack.user("acme", "nobody").bearing("none");
    let sent = nobody.send(Method::POST, "/settings/account/permissions", |request| {
        request
            .header("cookie", &ana.cookie)
            .header("sec-fetch-dest", "iframe")
            .form(&[("proof", proof), ("epoch", "0"), ("calendar", "true")])
    });
    let sent = sent.await?;
    ensure!(sent.status == 200, "{}", sent.status);
    ensure!(sent.text.contains("target=\"_top\""), "{}", sent.text);

    // What is opened with a link alone is shown in nobody's page.
    let missing = ana.get("/hand-off/x").await?;
    let policy = missing
        .header("content-security-policy")
        .context("no policy")?;
    ensure!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
    Ok(())
}

#[tokio::test]
async fn a_page_says_only_what_happened() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.session_super_admin("acme", "sam").await?;
    let ours = [
        "Saved",
        "Full sync is on",
        "Limited sync is on",
        "Users individually authorize",
        "is cancelled",
        "meanwhile",
        "Recorded",
        "Done",
        "Declined at Microsoft",
        "No answer from Microsoft",
        "has expired",
        "Thank you",
        "were recorded",
        "was verified",
        "Nothing was granted",
        "said no",
    ];
    // What the pages say of themselves is no claim that anything happened.
    let claims = |page: &str, plain: &str| {
        let says = |text: &&str| page.contains(*text) && !plain.contains(*text);
        ours.iter()
            .copied()
            .filter(|text| says(text))
            .collect::<Vec<_>>()
    };
    let mut made_up = Vec::new();
    for done in [
        "full_sync",
        "limited_sync",
        "users_authorize",
        "revoked",
        "unchanged",
        "link_cancelled",
        "changed_meanwhile",
    ] {
        made_up.push(format!("done={done}"));
        made_up.push(format!("done={done}&told=1767225600.AAAA"));
    }
    for outcome in [
        "completed",
        "declined",
        "undetermined",
        "expired",
        "refused",
        "awaiting_confirmation",
    ] {
        made_up.push(format!("outcome={outcome}"));
        made_up.push(format!("outcome={outcome}&reason=declined"));
        made_up.push(format!(
            "outcome={outcome}&flow=019ab000-0000-7000-8000-000000000000"
        ));
    }
    let nobody = stack.microsoft();
    for page in [
        "/settings/company",
        "/settings/account",
        "/hand-off-outcome",
    ] {
        let plain = sam.get(page).await?.text;
        for query in &made_up {
            let shown = sam.get(&format!("{page}?{query}")).await?;
            let found = claims(&shown.text, &plain);
            ensure!(found.is_empty(), "{page}?{query}: {found:?}");
            let address = format!("{}{page}?{query}", stack.base);
            let shown = nobody.open(&address).await?;
            let found = claims(&shown.text, &plain);
            ensure!(
                found.is_empty(),
                "without a session {page}?{query}: {found:?}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_did_happen_is_said_to_whoever_did_it() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.session_super_admin("acme", "sam").await?;
    let ana = stack.session_user("acme", "ana").await?;
    // Again if the page is loaded again, and to nobody else.
    let form = [("email_sync", "limited"), ("confirmed", "true")];
    let saved = sam
        .post("/settings/company", "/settings/company/email-sync", &form)
        .await?;
    let there = saved.header("location").context("no way on")?;
    for _ in 0..2 {
        let shown = sam.get(there).await?;
        ensure!(
            shown.text.contains("From now on e-mail is only sent"),
            "{}",
            shown.text
        );
    }
    let kim = stack.session_super_admin("acme", "kim").await?;
    let told = there.split_once("told=").context("nothing is told")?.1;
    ensure!(
        !kim.get(there)
            .await?
            .text
            .contains("From now on e-mail is only sent")
    );
    let other = format!("/settings/company?done=users_authorize&told={told}");
    ensure!(
        !sam.get(&other)
            .await?
            .text
            .contains("Each user now chooses")
    );

    // A flow is told to whoever began it.
    let started = ana
        .post(
            "/settings/account",
            "/settings/account/permissions",
            &[("calendar", "true")],
        )
        .await?;
    let on = started.header("location").context("no way on")?;
    let landing = stack.microsoft().walk(on, ANA, Reaction::Decline).await?;
    let there = format!("/settings/account?flow={}", landing.flow);
    ensure!(
        ana.get(&there)
            .await?
            .text
            .contains("Declined at Microsoft")
    );
    ensure!(
        !sam.get(&there)
            .await?
            .text
            .contains("Declined at Microsoft")
    );
    Ok(())
}

#[tokio::test]
async fn a_form_leads_to_us_to_microsoft_and_back_to_the_application_alone() -> anyhow::Result<()> {
    let stack = start().await?;
    let sam = stack.session_super_admin("acme", "sam").await?;
    for page in ["/settings/company", "/settings/account"] {
        let shown = sam.get(page).await?;
        let policy = shown
            .header("content-security-policy")
            .context("no policy")?;
        let forms = policy
            .split("form-action ")
            .nth(1)
            .and_then(|rest| rest.split(';').next());
        let expected = format!("'self' {} {}", stack.simulator_url(), stack.host.origin());
        ensure!(forms == Some(&expected), "{policy}, expected {expected}");
    }
    Ok(())
}
