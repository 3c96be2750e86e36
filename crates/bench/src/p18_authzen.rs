//! P18: access evaluations over HTTP, against our own query for the same user.

use std::time::Duration;

use anyhow::Context as _;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::Size;
use crate::catalogue;
use crate::fixture::{ACCOUNT, Fixture, USER};
use crate::measure::closed_loop;
use crate::table::Row;

const CONNECTIONS: usize = 64;

pub(crate) async fn measure(fixture: &Fixture, size: Size) -> anyhow::Result<Row> {
    let projection = fixture.stack.projections.first();
    let projection = projection.context("there is no projection")?.url();
    let evaluation = json!({
        "subject": {"type": "user", "id": USER},
        "action": {"name": "sync"},
        "resource": {"type": "permission", "id": "calendar", "properties": {"account_id": ACCOUNT}},
    });
    let token = fixture.stack.host.service_token(&["permissions:read"]);
    let request = |method: Method, path: String, body: Option<&Value>| {
        let (http, token) = (Client::new(), token.clone());
        let body = body.map(|body| bytes::Bytes::from(body.to_string()));
        Request {
            http,
            token,
            method,
            url: format!("{projection}{path}"),
            body,
        }
    };
    let own = format!("/v1/accounts/{ACCOUNT}/users/{USER}/permissions");
    let own = request(Method::GET, own, None);
    let path = "/access/v1/evaluation".to_owned();
    let ours_request = request(Method::POST, path, Some(&evaluation));
    let said = String::from_utf8_lossy(&ours_request.send().await?).into_owned();
    anyhow::ensure!(said.contains("\"decision\":true"), "it is denied: {said}");

    let (mut ours, mut ceiling) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        ceiling.push(own.repeat(size).await?);
        ours.push(ours_request.repeat(size).await?);
    }
    Ok(Row::new(
        &catalogue::EVALUATIONS,
        ours,
        ceiling,
        format!(
            "{CONNECTIONS} connections, closed loop, {} s a round; the ceiling is our own GET …/permissions of the same user",
            size.seconds_per_round
        ),
    ))
}

/// A request to be sent over and over.
#[derive(Debug, Clone)]
struct Request {
    http: Client,
    token: String,
    method: Method,
    url: String,
    body: Option<bytes::Bytes>,
}

impl Request {
    async fn send(&self) -> anyhow::Result<bytes::Bytes> {
        let request = self.http.request(self.method.clone(), &self.url);
        let mut request = request
            .bearer_auth(&self.token)
            .timeout(Duration::from_secs(10));
        if let Some(body) = &self.body {
            request = request
                .header("content-type", "application/json")
                .body(body.clone());
        }
        let response = request.send().await?;
        let status = response.status();
        let answer = response.bytes().await?;
        let said = String::from_utf8_lossy(&answer);
        anyhow::ensure!(status.is_success(), "{status}: {said}");
        Ok(answer)
    }

    async fn repeat(&self, size: Size) -> anyhow::Result<f64> {
        let request = self.clone();
        closed_loop(CONNECTIONS, size.seconds_per_round, move |_| {
            let request = request.clone();
            async move { request.send().await.map(drop) }
        })
        .await
    }
}
