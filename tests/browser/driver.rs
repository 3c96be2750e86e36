//! The browser itself: that it does, sees and complains as the journeys rely on.

use std::time::Duration;

use anyhow::ensure;
use assent_dev_stack::HostApplication;
use assent_dev_stack::browser::{Browser, Emulation, Impact, Key};

const PAGE: &str = r#"<!doctype html><html lang="en"><head><title>Settings</title>
<meta name="viewport" content="width=device-width">
<style>@media (prefers-color-scheme: dark) { .light { display: none } }
@media (prefers-color-scheme: light) { .dark { display: none } }</style></head>
<body><main><h1>Settings</h1>
<p class="light">It is light.</p><p class="dark">It is dark.</p><p id="clock"></p><p id="clicks">never clicked</p>
<noscript>Without scripts.</noscript>
<form action="/saved">
<label><input type="checkbox" name="calendar"> Calendar</label>
<fieldset disabled><label><input type="checkbox" name="contacts" checked> Contacts</label></fieldset>
<label><input type="radio" name="email" value="full" checked> Full sync</label>
<label><input type="radio" name="email" value="limited"> Limited sync</label>
<label>Tenant <input name="tenant" value="old"></label>
<button type="button" id="count">Count</button>
<button hidden>Save changes</button><button>Save changes</button>
</form><a href="/elsewhere">Elsewhere</a></main>
<script>
let clicks = 0;
const said = () => document.getElementById('clicks').textContent = `clicked ${++clicks} times`;
document.getElementById('count').addEventListener('click', said);
document.getElementById('clock').textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
</script></body></html>"#;

#[tokio::test]
async fn a_person_ticks_chooses_types_and_sends() -> anyhow::Result<()> {
    let host = HostApplication::start().await?;
    let browser = Browser::start(Emulation::default()).await?;
    browser.open(&host.page(PAGE)).await?;
    browser.sees("It is light.").await?;
    browser.sees("UTC").await?;
    browser.does_not_see("It is dark.").await?;
    ensure!(browser.does_not_see("It is light.").await.is_err());

    ensure!(!browser.is_ticked("Calendar").await?);
    browser.tick("Calendar").await?;
    browser.tick("Calendar").await?;
    ensure!(browser.is_ticked("Calendar").await?);
    ensure!(browser.is_ticked("Contacts").await? && browser.is_disabled("Contacts").await?);
    ensure!(!browser.is_disabled("Calendar").await?);
    browser.choose_radio("Limited").await?;
    ensure!(!browser.is_ticked("Full sync").await?);
    browser.type_into("Tenant", "contoso.example").await?;
    browser.double_click_button("Count").await?;
    browser.sees("clicked 2 times").await?;

    browser.click_button("Save changes").await?;
    browser
        .sees("calendar=on&email=limited&tenant=contoso.example")
        .await?;
    ensure!(
        browser.path().await? == "/saved",
        "{}",
        browser.path().await?
    );
    browser.back().await?;
    browser.sees("Settings").await?;
    browser.click_link("Elsewhere").await?;
    browser
        .sees("Back at the host application: /elsewhere")
        .await?;
    ensure!(browser.console_errors().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_or_not_clear_is_an_error_that_tells_what_is() -> anyhow::Result<()> {
    let host = HostApplication::start().await?;
    let mut browser = Browser::start(Emulation::default()).await?;
    browser.set_patience(Duration::from_millis(500));
    let two = r"<title>Two</title><button>Save it</button><button>Save all</button>";
    browser.open(&host.page(two)).await?;

    let Err(unclear) = browser.click_button("Save").await else {
        anyhow::bail!("one of two was clicked");
    };
    let said = unclear.to_string();
    ensure!(
        said.contains("2 are called \"Save\"") && said.contains("titled \"Two\""),
        "{said}"
    );
    let Err(missing) = browser.click_button("Delete").await else {
        anyhow::bail!("what is not there was clicked");
    };
    let said = missing.to_string();
    ensure!(
        said.contains("the button \"Delete\"") && said.contains("Save itSave all"),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn it_looks_as_it_is_told_in_every_tab() -> anyhow::Result<()> {
    let host = HostApplication::start().await?;
    let mut browser = Browser::start(Emulation::default().dark().narrow()).await?;
    let (page, first) = (host.page(PAGE), browser.this_tab().await?);
    browser.open(&page).await?;
    browser.sees("It is dark.").await?;
    ensure!(browser.run("return window.innerWidth").await? == 320);
    ensure!(browser.sideways_scroll().await? == 0);
    let second = browser.new_tab().await?;
    browser
        .open(&host.page("<div style='width: 500px'>wide</div>"))
        .await?;
    ensure!(browser.sideways_scroll().await? > 150);
    ensure!(
        browser
            .run("return matchMedia('(prefers-color-scheme: dark)').matches")
            .await?
            == true
    );
    browser.go_to_tab(&first).await?;
    browser.sees("It is dark.").await?;

    let emulation = Emulation {
        time_zone: "Asia/Tokyo",
        ..Emulation::default()
    };
    browser.set_emulation(emulation).await?;
    browser.reload().await?;
    browser.sees("It is light.").await?;
    browser.sees("Asia/Tokyo").await?;
    browser.set_emulation(emulation.without_scripts()).await?;
    browser.reload().await?;
    browser.sees("Without scripts.").await?;
    browser.tick("Calendar").await?;
    browser.click_button("Save changes").await?;
    browser.sees("calendar=on").await?;
    ensure!(first != second);
    Ok(())
}

#[tokio::test]
async fn a_keyboard_is_enough() -> anyhow::Result<()> {
    let host = HostApplication::start().await?;
    let browser = Browser::start(Emulation::default()).await?;
    browser.open(&host.page(PAGE)).await?;
    ensure!(browser.focused().await?.is_empty());
    browser.tab_to("Calendar").await?;
    browser.press(Key::Space).await?;
    browser.tab_to("Full sync").await?;
    browser.press(Key::Down).await?;
    ensure!(browser.focused().await? == "Limited sync");
    browser.tab_to("Save changes").await?;
    browser.press(Key::Enter).await?;
    browser.sees("/saved?calendar=on&email=limited").await?;
    Ok(())
}

#[tokio::test]
async fn the_host_application_posts_in_its_window_and_in_a_frame() -> anyhow::Result<()> {
    let (host, other) = (
        HostApplication::start().await?,
        HostApplication::start().await?,
    );
    let browser = Browser::start(Emulation::default()).await?;
    let (action, fields) = (format!("{}/session", other.origin()), [("token", "\"a&b<")]);
    let window = host.page_that_posts(&action, &fields, "Open the settings", None);
    browser.open(&window).await?;
    browser.click_button("Open the settings").await?;
    browser
        .sees("Back at the host application: /session")
        .await?;
    ensure!(browser.address().await? == action);

    let framed = host.page_that_posts(&action, &fields, "Open the settings", Some("Settings"));
    browser.open(&framed).await?;
    browser.click_button("Open the settings").await?;
    browser.enter_frame("Settings").await?;
    browser
        .sees("Back at the host application: /session")
        .await?;
    browser.leave_frames().await?;
    browser.sees("The host application").await?;
    ensure!(browser.cookie("none").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn it_complains_of_what_a_policy_forbids_and_of_what_keeps_people_out() -> anyhow::Result<()>
{
    let host = HostApplication::start().await?;
    let browser = Browser::start(Emulation::default()).await?;
    browser.open(&host.page(PAGE)).await?;
    let found = browser.accessibility_findings().await?;
    ensure!(
        found.iter().all(|finding| finding.impact < Impact::Serious),
        "{found:?}"
    );

    let bad = r#"<!doctype html><html><head><title>Bad</title>
<meta http-equiv="content-security-policy" content="default-src 'none'"></head>
<body><script>document.title = 'Good'</script><input name="nameless"><p style="color: #ccc">Pale</p></body></html>"#;
    browser.open(&host.page(bad)).await?;
    let errors = browser.console_errors().await?;
    ensure!(
        errors
            .iter()
            .any(|error| error.contains("Content Security Policy")),
        "{errors:?}"
    );
    ensure!(browser.console_errors().await?.is_empty(), "told twice");
    // The policy that stops the page's scripts does not stop the judge.
    let found = browser.accessibility_findings().await?;
    let serious: Vec<&str> = found
        .iter()
        .filter(|finding| finding.impact >= Impact::Serious)
        .map(|finding| finding.rule.as_str())
        .collect();
    ensure!(
        serious.contains(&"label") && serious.contains(&"html-has-lang"),
        "{found:?}"
    );
    ensure!(
        browser.console_errors().await?.is_empty(),
        "the judge broke the policy"
    );
    Ok(())
}

#[tokio::test]
async fn a_picture_holds_the_whole_page_and_is_the_same_each_time() -> anyhow::Result<()> {
    let host = HostApplication::start().await?;
    let browser = Browser::start(Emulation::default()).await?;
    let long = "<!doctype html><body style='margin: 0'><div style='height: 2000px'>long</div>";
    let (page, folder) = (host.page(long), tempfile::tempdir()?);
    let mut pictures = Vec::new();
    for name in ["one.png", "two.png"] {
        let file = folder.path().join(name);
        browser.open(&page).await?;
        browser.screenshot(&file).await?;
        pictures.push(std::fs::read(file)?);
    }
    // A PNG tells its size in bytes 16 to 24.
    let size = pictures.first().and_then(|picture| picture.get(16..24));
    ensure!(size == Some(&[0, 0, 3, 232, 0, 0, 7, 208]), "{size:?}");
    ensure!(pictures.first() == pictures.last());
    Ok(())
}
