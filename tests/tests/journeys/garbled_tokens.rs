//! Tokens of the host's and of Microsoft's, garbled: byte by byte, part by part, and signed with claims that make no sense.
//! None is believed, and each is refused by name.

use anyhow::ensure;
use assent_dev_stack::actors::{ANA, Reply};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::start;
use crate::garbage::Seeded;

const SEED: u64 = 0x70c3_2026;
const BYTES: &[u8] = b"AZaz09-_.=+/~|{\"";

/// The token with its parts taken apart, put together otherwise, or with single bytes changed. None has a good signature for
/// what it says.
fn garbled(token: &str, random: &mut Seeded) -> Vec<String> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        return Vec::new();
    };
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut all = vec![
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!(".{claims}.{signature}"),
        format!("{header}..{signature}"),
        format!("{claims}.{header}.{signature}"),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{header}.{claims}.{signature}=="),
        format!("{token}{token}"),
        ".".repeat(5_000),
        "x".repeat(9_000),
        "..".to_owned(),
    ];
    let kid = URL_SAFE_NO_PAD.decode(header).ok();
    let kid = kid.and_then(|header| serde_json::from_slice::<Value>(&header).ok());
    let kid = kid.and_then(|header| header.get("kid").cloned());
    for alg in [
        json!("none"),
        json!("None"),
        json!("HS256"),
        json!("RS1"),
        json!(""),
        json!(7),
        json!(["ES256"]),
        Value::Null,
    ] {
        all.push(format!(
            "{}.{claims}.{signature}",
            encoded(&json!({"alg": alg, "kid": kid}))
        ));
    }
    for wrong in [
        json!(""),
        json!("../../key.pem"),
        json!("x".repeat(5_000)),
        json!(7),
        json!([kid]),
        json!({"kid": kid}),
        Value::Null,
    ] {
        for alg in ["ES256", "RS256"] {
            let header = encoded(&json!({"alg": alg, "kid": wrong, "typ": "JWT"}));
            all.push(format!("{header}.{claims}.{signature}"));
        }
    }
    let nested = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
    all.push(format!(
        "{header}.{}.{signature}",
        URL_SAFE_NO_PAD.encode(nested)
    ));
    all.push(format!(
        "{header}.{}.{signature}",
        URL_SAFE_NO_PAD.encode([0xff; 40])
    ));
    // The last sign of a signature holds bits that mean nothing, so that one is left alone.
    let last = token.len().saturating_sub(1);
    for _ in 0..60 {
        let mut bytes = token.as_bytes().to_vec();
        let place = random.below(last);
        let sign = BYTES.get(random.below(BYTES.len())).copied();
        if let (Some(byte), Some(sign)) = (bytes.get_mut(place), sign)
            && *byte != sign
        {
            *byte = sign;
            all.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        let cut = random.below(last);
        all.push(token.chars().take(cut).collect());
    }
    all
}

/// Refused with this, in our own words.
fn is_refused(reply: &Reply, status: u16, code: &str, what: &str) -> anyhow::Result<()> {
    ensure!(
        reply.status == status && reply.word("/code") == Some(code),
        "{what:.200}: {} {}",
        reply.status,
        reply.text
    );
    Ok(())
}

#[tokio::test]
async fn no_garbled_token_is_believed() -> anyhow::Result<()> {
    let stack = start().await?;
    let mut random = Seeded(SEED);

    let good = stack.host.token_for("ana", "acme").sign();
    let account = async |token: &str| {
        let ana = stack.user("acme", "ana").bearing(token);
        ana.send(Method::GET, "/v1/accounts/acme", |request| request)
            .await
    };
    account(&good).await?.ok()?;
    for token in garbled(&good, &mut random) {
        is_refused(&account(&token).await?, 401, "unauthenticated", &token)?;
    }

    let good = stack.microsoft().id_token(ANA, None).await?;
    let login = stack.login("acme");
    let decided = async |id_token: &str| {
        let sign_in = json!({"provider": "microsoft", "id_token": id_token});
        let question = json!({"account_id": "acme", "user_id": "ana", "sign_in": sign_in});
        login.ask(&question).await
    };
    decided(&good).await?.ok()?;
    for token in garbled(&good, &mut random) {
        is_refused(&decided(&token).await?, 422, "invalid_id_token", &token)?;
    }
    decided(&good).await?.ok()?;
    Ok(())
}

#[tokio::test]
async fn claims_that_make_no_sense_are_refused_or_mean_nothing() -> anyhow::Result<()> {
    let stack = start().await?;
    let values = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("a b"),
        json!("\u{0}"),
        json!("acme\u{202e}"),
        json!("x".repeat(3_000)),
        json!([]),
        json!(["acme", 7, null]),
        json!({"acme": "acme"}),
        json!(vec!["assent"; 500]),
    ];
    for name in [
        "iss",
        "aud",
        "exp",
        "nbf",
        "iat",
        "sub",
        "account",
        "jti",
        "roles",
        "permissions",
        "scope",
        "name",
        "account_name",
    ] {
        for value in &values {
            let token = stack.host.token_for("ana", "acme");
            let token = token.claim(name, value.clone()).sign();
            let ana = stack.user("acme", "ana").bearing(&token);
            for path in ["/v1/accounts/acme", "/v1/accounts/acme/users/ana"] {
                let reply = ana.send(Method::GET, path, |request| request).await?;
                let is_named = reply.status == 200 || reply.word("/code").is_some();
                ensure!(
                    is_named && [200, 401, 403].contains(&reply.status),
                    "{name} {value:.100}: {} {}",
                    reply.status,
                    reply.text
                );
            }
            // Nobody becomes a Super Admin by it.
            let refused = ana.set_method("user_individual", "limited").await?;
            ensure!(
                [401, 403].contains(&refused.status),
                "{name} {value:.100}: {} {}",
                refused.status,
                refused.text
            );
        }
    }
    Ok(())
}
