//! Connections that keep the server waiting, and too many of them.

use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::time::Duration;

use assent_service_kit::{ConnectionLimits, Health, Runtime, bind};
use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::program::{SOON, logged, started_with_files};

const WAIT: Duration = Duration::from_millis(300);
const LARGE: usize = 32 * 1024 * 1024;

struct Server {
    address: String,
    runtime: Runtime,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.runtime.request_shutdown();
    }
}

async fn serving(limits: ConnectionLimits) -> Server {
    let router = Router::new()
        .route("/small", get(async || "small"))
        .route("/large", get(async || vec![b'x'; LARGE]))
        .route("/body", post(async |body: Bytes| body.len().to_string()));
    let bound = bind("127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap())
        .await
        .unwrap();
    let (address, runtime) = (bound.address().to_string(), Runtime::new());
    let bound = bound.limited(limits);
    let serving = runtime.clone();
    tokio::spawn(async move { bound.serve(&serving, router, Health::new()).await });
    Server { address, runtime }
}

fn patient_for(time: Duration) -> ConnectionLimits {
    ConnectionLimits {
        head_within: time,
        read_within: time,
        ..ConnectionLimits::default()
    }
}

async fn connected(server: &Server) -> TcpStream {
    TcpStream::connect(&server.address).await.unwrap()
}

/// Reads until the server closes; all that came.
async fn until_closed(connection: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let closed = timeout(SOON, connection.read_to_end(&mut all)).await;
    if let Err(error) = closed.unwrap() {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// One answer with `Content-Length`, whole.
async fn answer(connection: &mut TcpStream) -> String {
    let mut read = String::new();
    let whole = async {
        loop {
            if let Some((head, body)) = read.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                if length.is_some_and(|length| length.parse::<usize>().unwrap() <= body.len()) {
                    return;
                }
            }
            let mut some = [0; 4096];
            let n = connection.read(&mut some).await.unwrap();
            assert!(n > 0, "closed after {read:?}");
            read.push_str(std::str::from_utf8(&some[..n]).unwrap());
        }
    };
    timeout(SOON, whole).await.unwrap();
    read
}

fn get_of(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")
}

#[tokio::test]
async fn whoever_sends_nothing_or_half_a_head_is_not_waited_for() {
    let server = serving(patient_for(WAIT)).await;
    for sent in ["", "GET /small HT", "GET /small HTTP/1.1\r\nhost: loc"] {
        let mut connection = connected(&server).await;
        connection.write_all(sent.as_bytes()).await.unwrap();
        let told = until_closed(&mut connection).await;
        assert!(!told.starts_with("HTTP/1.1 200"), "{sent:?}: {told}");
    }
}

#[tokio::test]
async fn a_head_that_drips_is_not_waited_for() {
    let server = serving(patient_for(WAIT)).await;
    let mut connection = connected(&server).await;
    connection
        .write_all(b"GET /small HTTP/1.1\r\n")
        .await
        .unwrap();
    let dripped = async {
        let mut drip = tokio::time::interval(WAIT / 6);
        loop {
            drip.tick().await;
            if connection.write_all(b"x-a: 1\r\n").await.is_err() {
                return;
            }
        }
    };
    timeout(SOON, dripped).await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_answers_many_and_is_closed_in_the_end() {
    let server = serving(patient_for(WAIT)).await;
    let mut connection = connected(&server).await;
    for _ in 0..3 {
        connection
            .write_all(get_of("/small").as_bytes())
            .await
            .unwrap();
        assert!(answer(&mut connection).await.ends_with("small"));
    }
    assert_eq!(until_closed(&mut connection).await, "");
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_a_row() {
    let server = serving(patient_for(WAIT)).await;
    let mut connection = connected(&server).await;
    let many = get_of("/small").repeat(50);
    connection.write_all(many.as_bytes()).await.unwrap();
    let told = until_closed(&mut connection).await;
    assert_eq!(told.matches("HTTP/1.1 200 OK").count(), 50);
    let ids = told
        .lines()
        .filter(|line| line.starts_with("x-request-id: "));
    let ids: std::collections::BTreeSet<&str> = ids.collect();
    assert_eq!(ids.len(), 50);
}

#[tokio::test]
async fn whoever_does_not_read_the_answers_is_given_up() {
    let server = serving(patient_for(WAIT)).await;
    for asked in [get_of("/large"), get_of("/large").repeat(3)] {
        let mut connection = connected(&server).await;
        connection.write_all(asked.as_bytes()).await.unwrap();
        let counted = format!("http://{}/metrics", server.address);
        let given_up = async {
            loop {
                let metrics = reqwest::get(&counted).await.unwrap().text().await.unwrap();
                // This very question is the only one left.
                if metrics.contains("http_connections_open 1\n") {
                    return;
                }
                tokio::time::sleep(WAIT / 10).await;
            }
        };
        timeout(SOON, given_up).await.unwrap();
        let came = until_closed(&mut connection).await;
        assert!(came.len() < LARGE, "{}", came.len());
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let server = serving(patient_for(WAIT)).await;
    let mut connection = connected(&server).await;
    let head = "POST /body HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nhalf of it";
    connection.write_all(head.as_bytes()).await.unwrap();
    let told = until_closed(&mut connection).await;
    assert!(told.starts_with("HTTP/1.1 503"), "{told}");
    assert!(told.contains("\"code\":\"timeout\""), "{told}");
}

#[tokio::test]
async fn beyond_the_cap_only_the_watchers_are_answered() {
    let limits = ConnectionLimits {
        most: 8,
        ..ConnectionLimits::default()
    };
    let server = serving(limits).await;
    let mut held = Vec::new();
    for _ in 0..limits.most {
        let mut connection = connected(&server).await;
        connection
            .write_all(get_of("/small").as_bytes())
            .await
            .unwrap();
        answer(&mut connection).await;
        held.push(connection);
    }
    // More than the reserve holds; they send nothing.
    let mut crowd = Vec::new();
    for _ in 0..40 {
        crowd.push(connected(&server).await);
    }
    for (path, status) in [
        ("/livez", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        ("/small", 503),
        ("/nowhere", 503),
    ] {
        let answered = reqwest::get(format!("http://{}{path}", server.address));
        let answered = timeout(SOON, answered).await.unwrap().unwrap();
        assert_eq!(answered.status(), status, "{path}");
        assert_eq!(answered.headers()["connection"], "close", "{path}");
        let has_id = answered.headers().contains_key("x-request-id");
        assert!(has_id, "{path}");
        let text = answered.text().await.unwrap();
        match path {
            "/metrics" => {
                assert!(text.contains("http_connections_limit 8"), "{text}");
                assert!(!text.contains("http_connections_refused_total 0"), "{text}");
            }
            "/small" => assert!(text.contains("too_many_connections"), "{text}"),
            _ => {}
        }
    }
    for connection in &mut crowd {
        assert_eq!(until_closed(connection).await, "");
    }
    // Those that were served before still are.
    let first = &mut held[0];
    first.write_all(get_of("/small").as_bytes()).await.unwrap();
    assert!(answer(first).await.starts_with("HTTP/1.1 200"));

    held.clear();
    let again = async {
        let url = format!("http://{}/small", server.address);
        while reqwest::get(&url).await.unwrap().status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, again).await.unwrap();
}

#[tokio::test]
async fn few_open_files_are_enough_to_be_seen_while_somebody_holds_connections() {
    let (_child, mut log) = started_with_files(128, &[("RUST_LOG", "info")]);
    let address = logged(&mut log, "listening").await["address"]
        .as_str()
        .unwrap()
        .to_owned();
    let url = |path: &str| format!("http://{address}{path}");
    let mut crowd = Vec::new();
    for _ in 0..140 {
        crowd.push(TcpStream::connect(&address).await.unwrap());
    }
    for path in ["/livez", "/readyz", "/metrics"] {
        for _ in 0..3 {
            let answered = timeout(Duration::from_secs(4), reqwest::get(url(path)));
            assert_eq!(answered.await.unwrap().unwrap().status(), 200, "{path}");
        }
    }
    let metrics = reqwest::get(url("/metrics")).await.unwrap().text().await;
    let metrics = metrics.unwrap();
    assert!(metrics.contains("http_connections_limit 64"), "{metrics}");
    assert!(!metrics.contains("http_accept_errors_total"), "{metrics}");
}

#[tokio::test]
async fn more_connections_than_files_do_not_end_or_spin_the_program() {
    // The program thinks that it may take 16; the system gives it none.
    let (_child, mut log) = started_with_files(24, &[("RUST_LOG", "info")]);
    let address = logged(&mut log, "listening").await["address"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(TcpStream::connect(&address).await.unwrap());
    }
    let told = async {
        loop {
            let line = log.next_line().await.unwrap().unwrap();
            if line.contains("no connection can be accepted") {
                return;
            }
        }
    };
    timeout(SOON, told).await.unwrap();
    drop(crowd);
    let answered = async {
        while !reqwest::get(format!("http://{address}/livez"))
            .await
            .is_ok_and(|answer| answer.status() == 200)
        {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, answered).await.unwrap();
}

#[tokio::test]
async fn an_open_connection_does_not_hold_a_stop_up() {
    let server = serving(ConnectionLimits::for_this_process(
        NonZeroUsize::new(100),
        Duration::from_secs(10),
    ))
    .await;
    let mut connection = connected(&server).await;
    connection
        .write_all(get_of("/small").as_bytes())
        .await
        .unwrap();
    answer(&mut connection).await;
    server.runtime.request_shutdown();
    assert_eq!(until_closed(&mut connection).await, "");
    timeout(SOON, server.runtime.tasks_ended()).await.unwrap();
}
