//! A service in full: what it reads, how it starts, what it answers.
//!
//! `ASSENT_DATA_DIR` chooses how it behaves, so that the tests can watch every
//! way a program may end.

use assent_service_kit::config::ListenAddress;
use assent_service_kit::{
    ApiJson, Health, Misconfigured, NotReachable, Problem, Program, Runtime, StartError, Variable,
    run, serve,
};
use axum::routing::{get, post};
use axum::{Json, Router};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

static PROGRAM: Program = Program {
    name: "answering",
    version: env!("CARGO_PKG_VERSION"),
    about: "Answers with what it was sent.",
    variables: &[
        Variable {
            name: "ASSENT_LISTEN",
            help: "address and port to listen on",
            default: Some("127.0.0.1:0"),
            secret: false,
        },
        Variable {
            name: "ASSENT_DATA_DIR",
            help: "how to behave: serve, wait, unreachable, fail, die",
            default: Some("serve"),
            secret: false,
        },
        Variable {
            name: "ASSENT_NATS_PASSWORD",
            help: "a secret that is never shown",
            default: None,
            secret: true,
        },
    ],
    known_names: &[
        "ASSENT_DATA_DIR",
        "ASSENT_LISTEN",
        "ASSENT_NATS_PASSWORD",
        "ASSENT_NATS_PASSWORD_FILE",
    ],
};

#[derive(Deserialize)]
struct Config {
    listen: ListenAddress,
    data_dir: String,
    nats_password: Option<SecretString>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Message {
    text: String,
}

async fn start(config: Config, runtime: Runtime) -> Result<(), StartError> {
    tracing::info!(secret = ?config.nats_password, "starting");
    match config.data_dir.as_str() {
        "wait" => std::future::pending().await,
        "unreachable" => return Err(NotReachable::new("nats://127.0.0.1:1", None).into()),
        "misconfigured" => {
            let cause = std::io::Error::other("the key fits no lock");
            return Err(Misconfigured::from_error(&cause).into());
        }
        "fail" => return Err("it cannot work like this".into()),
        "die" => runtime.spawn_critical("dying", async {}),
        _ => {}
    }
    let router = Router::new()
        .route("/v1/echo", post(echo))
        .route("/v1/broken", get(broken));
    serve(&runtime, config.listen, router, Health::new()).await?;
    Ok(())
}

async fn echo(ApiJson(message): ApiJson<Message>) -> Json<Message> {
    Json(message)
}

async fn broken() -> Problem {
    Problem::bug(std::io::Error::other("the disk is on fire"))
}

fn main() -> std::process::ExitCode {
    run(&PROGRAM, start)
}
