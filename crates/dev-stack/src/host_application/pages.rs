//! Pages of the host application, as far as a browser needs them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::Uri;
use axum::response::{Html, IntoResponse, Response};

/// The pages that were put up, by their path.
#[derive(Debug, Clone, Default)]
pub(super) struct Pages(Arc<Mutex<HashMap<String, String>>>);

impl Pages {
    /// Puts a page up; its path.
    pub(super) fn add(&self, html: String) -> String {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let path = format!("/pages/{}", pages.len());
        pages.insert(path.clone(), html);
        path
    }

    /// The page at this address; everywhere else a line that repeats the address.
    pub(super) fn at(&self, uri: &Uri) -> Response {
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match pages.get(uri.path()) {
            Some(html) => Html(html.clone()).into_response(),
            None => format!("Back at the host application: {uri}\n").into_response(),
        }
    }
}

/// A page with a button that posts these fields to `action`, into the page itself or into a frame titled `frame`.
pub(super) fn with_form(
    action: &str,
    fields: &[(&str, &str)],
    button: &str,
    frame: Option<&str>,
) -> String {
    let inputs = fields.iter().map(|(name, value)| {
        let (name, value) = (escaped(name), escaped(value));
        format!(r#"<input type="hidden" name="{name}" value="{value}">"#)
    });
    let inputs: Vec<String> = inputs.collect();
    let (target, frame) = frame.map_or_else(Default::default, |title| {
        let title = escaped(title);
        (
            r#" target="frame""#.to_owned(),
            format!(r#"<iframe name="frame" title="{title}" width="900" height="700"></iframe>"#),
        )
    });
    format!(
        r#"<!doctype html><html lang="en"><title>The host application</title><h1>The host application</h1>
<form method="post" action="{}"{target}>{}<button>{}</button></form>{frame}</html>"#,
        escaped(action),
        inputs.concat(),
        escaped(button)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
