use std::time::Duration;

use assent_dev_stack::NatsUser;
use assent_messaging::{
    Connection, Endpoint, RequestError, ServiceDefinition, ServiceError, serve,
};
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, connect, server, until};

const SERVICE: ServiceDefinition = ServiceDefinition {
    name: "consent-projection",
    version: "1.0.0",
    description: "for tests",
};

async fn ask(asker: &Connection, what: &str, payload: &[u8]) -> Result<Vec<u8>, RequestError> {
    let subject = format!("consent.query.v1.{what}");
    asker
        .request(&subject, payload.to_vec(), None, PATIENCE)
        .await
}

fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new("number", "consent.query.v1.number", async |request| {
            let text = std::str::from_utf8(&request.payload).ok();
            let number = text.and_then(|text| text.parse::<u64>().ok());
            let number = number.ok_or_else(|| ServiceError {
                status: 400,
                code: "bad_request".to_owned(),
                body: br#"{"status":400}"#.to_vec(),
            })?;
            Ok((number + 1).to_string().into_bytes())
        }),
        Endpoint::new("never", "consent.query.v1.never", async |_| {
            std::future::pending().await
        }),
        Endpoint::new("trace", "consent.query.v1.trace", async |request| {
            Ok(request.traceparent.unwrap_or_default().into_bytes())
        }),
        Endpoint::new("bad-code", "consent.query.v1.bad-code", async |_| {
            Err(ServiceError {
                status: 422,
                code: "two\r\nlines".to_owned(),
                body: Vec::new(),
            })
        }),
        Endpoint::new("panics", "consent.query.v1.panics", async |request| {
            assert_ne!(request.payload, "at once", "a panic on purpose");
            tokio::task::yield_now().await;
            assert_ne!(request.payload, "later", "a panic on purpose");
            Ok(request.payload.into())
        }),
    ]
}

#[tokio::test]
async fn what_cannot_be_asked_fails_at_once_and_by_name() {
    let server = server().await;
    let asker = connect(&server, NatsUser::LoginHook).await;

    let error = ask(&asker, "nobody", b"").await.unwrap_err();
    assert!(
        matches!(error, RequestError::NoResponders { .. }),
        "{error:?}"
    );
    let large = ask(&asker, "large", &vec![0; 300_000]).await.unwrap_err();
    assert!(matches!(large, RequestError::TooLarge { .. }), "{large:?}");
    let nowhere = ask(&asker, "not a subject", b"").await.unwrap_err();
    assert!(
        matches!(nowhere, RequestError::CannotBeSent { .. }),
        "{nowhere:?}"
    );
    let broken = asker
        .request("consent.query.v1.x", Vec::new(), Some("a\r\nb"), PATIENCE)
        .await
        .unwrap_err();
    assert!(
        matches!(broken, RequestError::CannotBeSent { .. }),
        "{broken:?}"
    );
}

#[tokio::test]
async fn what_a_service_answers_is_told_apart() {
    let server = server().await;
    let asker = connect(&server, NatsUser::LoginHook).await;
    let answering = connect(&server, NatsUser::Projection).await;
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { serve(&answering, SERVICE, endpoints(), 16, shutdown).await }
    });
    until("every endpoint answers", async || {
        ask(&asker, "panics", b"fine").await.is_ok()
    })
    .await;

    assert_eq!(ask(&asker, "number", b"41").await.unwrap(), b"42");
    for garbage in [&b"\xff\x00"[..], b"", b"{", b"-1"] {
        let error = ask(&asker, "number", garbage).await.unwrap_err();
        assert!(
            matches!(&error, RequestError::Service { status: 400, description, body }
                if description == "bad_request" && body == br#"{"status":400}"#),
            "{error:?}"
        );
    }

    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let traced = asker
        .request("consent.query.v1.trace", Vec::new(), Some(trace), PATIENCE)
        .await
        .unwrap();
    assert_eq!(traced, trace.as_bytes());

    let error = ask(&asker, "bad-code", b"").await.unwrap_err();
    assert!(
        matches!(&error, RequestError::Service { status: 422, description, .. } if description == "internal_error"),
        "{error:?}"
    );
    for when in ["at once", "later"] {
        let error = ask(&asker, "panics", when.as_bytes()).await.unwrap_err();
        assert!(
            matches!(&error, RequestError::Service { status: 500, .. }),
            "{error:?}"
        );
    }
    assert_eq!(
        ask(&asker, "panics", b"still there").await.unwrap(),
        b"still there"
    );

    let patience = Duration::from_millis(200);
    let error = asker
        .request("consent.query.v1.never", Vec::new(), None, patience)
        .await
        .unwrap_err();
    assert!(matches!(error, RequestError::TimedOut { .. }), "{error:?}");
    // Its handler is still at it: stopping does not wait for it for ever.
    shutdown.cancel();
    let stopped = tokio::time::timeout(PATIENCE, serving)
        .await
        .unwrap()
        .unwrap();
    assert!(stopped.unwrap_err().to_string().contains("did not finish"));
}
