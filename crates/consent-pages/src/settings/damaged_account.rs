//! Settings > My account while the log is damaged: what was granted can't be told, and can be taken back all the same.

use askama::Template;
use assent_consent_core::messages;
use assent_contract::problem::ErrorCode;
use assent_domain::permissions::Permission;
use axum::http::StatusCode;
use axum::response::Response;

use crate::layout::Layout;
use crate::session::InSession;
use crate::site::Site;
use crate::{labels, page};

#[derive(Template)]
#[template(path = "damaged_account.html")]
struct DamagedAccount<'a> {
    layout: Layout<'a>,
    base: &'a str,
    proof: &'a str,
    epoch: u64,
    sentence: &'a str,
    permissions: [(&'static str, &'static str); 3],
}

pub(super) async fn show(site: &Site, session: &InSession) -> Response {
    // Where the company can be read, the form has to be of its epoch; else no epoch is asked for.
    let company = site.executor.account(&session.session.account).await;
    let page = DamagedAccount {
        layout: Layout::new(site),
        base: site.addresses.base_path(),
        proof: session.proof.expose(),
        epoch: company.map_or(0, |company| company.state.epoch.0),
        sentence: messages::for_code(ErrorCode::EventLogDamaged.as_str()),
        permissions: Permission::ALL
            .map(|permission| (labels::key(permission), labels::name(permission))),
    };
    let ancestors = &site.frame_ancestors;
    page::show_embeddable(StatusCode::SERVICE_UNAVAILABLE, &page, &[], ancestors)
}
