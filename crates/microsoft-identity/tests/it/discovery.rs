//! Tenant metadata over the network.

use std::pin::pin;
use std::time::{Duration, Instant};

use assent_microsoft_identity::{CloudInstance, DiscoveryError, TenantRef};
use serde_json::json;

use crate::authority::{Answer, Authority, PATIENCE, TENANT, client_of};
use crate::wire::{Reaction, Wire, metadata};

const PATH: &str = "/contoso.example/v2.0/.well-known/openid-configuration";

fn contoso() -> TenantRef {
    TenantRef::parse("contoso.example").unwrap()
}

#[tokio::test]
async fn a_tenant_is_asked_for_once() {
    let authority = Authority::start().await;
    let document = json!({
        "issuer": format!("{}{TENANT}/v2.0", authority.url), "tenant_region_scope": "NA",
        "tenant_region_sub_scope": "GCC", "cloud_instance_name": "microsoftonline.com",
    });
    authority.at(PATH, Answer::Json(200, document));
    let entra = authority.client(None);
    for _ in 0..3 {
        let tenant = entra.tenant(&contoso()).await.unwrap();
        assert_eq!(
            (tenant.tenant_id, tenant.cloud),
            (TENANT, CloudInstance::Gcc)
        );
    }
    assert_eq!(authority.requests("contoso.example").len(), 1);
}

/// A login waits for milliseconds only, and the answer is for the next one.
#[tokio::test]
async fn a_lookup_goes_on_though_nobody_waits_and_is_shared() {
    let wire = Wire::start([Reaction::Late(Duration::from_millis(100), metadata())]).await;
    let entra = wire.entra();
    let tenant = TenantRef::Id(TENANT);
    {
        let mut hasty = pin!(entra.tenant(&tenant));
        while wire.count() == 0 {
            assert!(futures::poll!(&mut hasty).is_pending());
            tokio::task::yield_now().await;
        }
    }
    let (one, other) = futures::join!(entra.tenant(&tenant), entra.tenant(&tenant));
    assert_eq!(one.unwrap(), other.unwrap());
    assert_eq!(wire.count(), 1);
}

#[tokio::test]
async fn answers_that_prove_nothing() {
    let authority = Authority::start().await;
    let entra = authority.client(None);
    assert!(matches!(
        entra.tenant(&contoso()).await,
        Err(DiscoveryError::UnknownTenant)
    ));
    for answer in [
        Answer::Huge,
        Answer::Redirect("/elsewhere".to_owned()),
        Answer::Json(200, json!({})),
    ] {
        authority.at(PATH, answer);
        assert!(matches!(
            entra.tenant(&contoso()).await,
            Err(DiscoveryError::Nonsense(_))
        ));
    }
    assert!(authority.requests("elsewhere").is_empty());
    assert!(matches!(
        entra.tenant(&TenantRef::Organizations).await,
        Err(DiscoveryError::NotOneTenant)
    ));
}

#[tokio::test]
async fn silence_and_absence_end_in_time() {
    let authority = Authority::start().await;
    authority.at(PATH, Answer::Silence);
    let begun = Instant::now();
    assert!(matches!(
        authority.client(None).tenant(&contoso()).await,
        Err(DiscoveryError::TimedOut)
    ));
    assert!(begun.elapsed() < 2 * PATIENCE);

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap())
        .parse()
        .unwrap();
    drop(closed);
    assert!(matches!(
        client_of(&url, None).tenant(&contoso()).await,
        Err(DiscoveryError::Unreachable(_))
    ));
}
