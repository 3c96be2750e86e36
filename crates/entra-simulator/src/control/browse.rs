//! Walking the pages without a browser: signs in as somebody, answers, and says where that ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{Body, Refused};
use crate::aadsts::Aadsts;
use crate::authorization_request::Version;
use crate::identifiers::ObjectId;
use crate::interaction;
use crate::return_target::BrowserReturn;
use crate::screen::{ConsentAnswer, Screen};
use crate::seed::parse_permissions;
use crate::simulator::Simulator;
use crate::state::SimulatedState;
use crate::{admin_consent, authorize, html, random, sign_out};

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Click {
    Accept,
    Decline,
    Cancel,
    Return,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Visit {
    url: Url,
    #[serde(rename = "as")]
    person: ObjectId,
    answer: Click,
    grant_scopes: Option<Vec<String>>,
    #[serde(default)]
    tenant_wide: bool,
    browser: Option<String>,
}

pub(super) async fn browse(
    State(simulator): State<Arc<Simulator>>,
    Body(visit): Body<Visit>,
) -> Result<Json<Value>, Refused> {
    let address = visit.url.as_str();
    let path = address
        .strip_prefix(&simulator.base_url)
        .map(|rest| rest.split('?').next().unwrap_or_default())
        .ok_or_else(|| Refused::invalid(format!("the url is not one of {}", simulator.base_url)))?;
    let only: Option<BTreeSet<String>> = visit
        .grant_scopes
        .as_ref()
        .map(|names| parse_permissions(names))
        .transpose()?;
    // A named browser keeps its session; its name cannot be a cookie that a real one was given.
    let browser = visit
        .browser
        .as_ref()
        .map_or_else(|| random::secret(""), |name| format!("control:{name}"));
    let query = visit.url.query().unwrap_or_default();
    let base_url = simulator.base_url.as_str();
    let mut state = simulator.state();
    let mut screen = arrive(&mut state, base_url, &browser, path, query)?;
    let mut steps = Vec::new();
    // Each screen is passed at most once: signing in, consenting, and an end.
    loop {
        let clicked = match visit.answer {
            Click::Accept => ConsentAnswer::Accept {
                for_organization: visit.tenant_wide,
                only: only.clone(),
            },
            Click::Decline => ConsentAnswer::Decline,
            Click::Cancel | Click::Return => ConsentAnswer::Cancel,
        };
        let leaves = visit.answer == Click::Cancel || visit.answer == Click::Return;
        screen = match screen {
            Screen::Return(BrowserReturn::Redirect(location)) => {
                return Ok(Json(json!({ "redirect": location, "steps": steps })));
            }
            Screen::Return(BrowserReturn::Form { action, fields }) => {
                let fields: BTreeMap<String, String> = fields.into_iter().collect();
                let form = json!({ "action": action, "fields": fields });
                return Ok(Json(json!({ "form_post": form, "steps": steps })));
            }
            Screen::PickAccount { interaction, .. } if !steps.contains(&"sign_in") => {
                steps.push("sign_in");
                interaction::choose_account(
                    &mut state,
                    base_url,
                    &browser,
                    &interaction,
                    visit.person,
                )
            }
            Screen::Consent { interaction, .. } if visit.answer == Click::Return => {
                return Err(Refused::invalid(format!(
                    "this is the consent page of {interaction}: nothing on it is called \"return\""
                )));
            }
            Screen::Consent {
                interaction, user, ..
            } if user != visit.person => {
                // Somebody else is signed in in this browser: "use another account".
                interaction::sign_out(&mut state, &browser, &interaction)
            }
            Screen::Consent { interaction, .. } => {
                steps.push("consent");
                interaction::answer(&mut state, base_url, &browser, &interaction, &clicked)
            }
            Screen::NeedsApproval { interaction, .. } if leaves => interaction::answer(
                &mut state,
                base_url,
                &browser,
                &interaction,
                &ConsentAnswer::Cancel,
            ),
            Screen::SignedOut => {
                return Ok(Json(
                    json!({ "page": { "title": "You signed out" }, "steps": steps }),
                ));
            }
            Screen::NeedsApproval { error, .. }
            | Screen::WrongAccount { error, .. }
            | Screen::DeadEnd(error) => {
                return Ok(page(&error, &steps));
            }
            Screen::PickAccount { .. } => return Err(Refused::invalid("signing in led nowhere")),
        };
    }
}

/// What the browser shows first.
fn arrive(
    state: &mut SimulatedState,
    base_url: &str,
    browser: &str,
    path: &str,
    query: &str,
) -> Result<Screen, Refused> {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    Ok(match segments.as_slice() {
        [tenant, "v2.0", "adminconsent"] => {
            let endpoint = (*tenant, Version::V2);
            admin_consent::visit(state, base_url, browser, endpoint, query)
        }
        [tenant, "adminconsent"] => {
            let endpoint = (*tenant, Version::V1);
            admin_consent::visit(state, base_url, browser, endpoint, query)
        }
        [tenant, "oauth2", "v2.0", "authorize"] => {
            authorize::visit(state, base_url, browser, tenant, query)
        }
        [tenant, "oauth2", "v2.0", "logout"] => sign_out::visit(state, browser, tenant, query),
        _ => {
            return Err(Refused::invalid(
                "the url is none of adminconsent, authorize and logout",
            ));
        }
    })
}

fn page(error: &Aadsts, steps: &[&str]) -> Json<Value> {
    let page = json!({
        "code": format!("AADSTS{}", error.number()), "title": html::title(error), "message": error.message,
    });
    Json(json!({ "page": page, "steps": steps }))
}
