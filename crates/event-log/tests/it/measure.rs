use crate::world::*;
use assent_domain::ids::Sequence;
use assent_event_log::Tail;
use futures::StreamExt;
use std::time::{Duration, Instant};

async fn ours(log: &assent_event_log::EventLog, run: &str) -> f64 {
    let begun = Instant::now();
    let mut set = tokio::task::JoinSet::new();
    for task in 0..64 {
        let log = log.clone();
        let run = run.to_owned();
        set.spawn(async move {
            for n in 0..200 {
                log.append(Tail::EMPTY, vec![draft(&format!("{run}-{task}-{n}"))])
                    .await
                    .unwrap();
            }
        });
    }
    set.join_all().await;
    12800.0 / begun.elapsed().as_secs_f64()
}
async fn theirs(js: &async_nats::jetstream::Context, run: &str) -> f64 {
    let begun = Instant::now();
    let mut set = tokio::task::JoinSet::new();
    for task in 0..64 {
        let js = js.clone();
        let run = run.to_owned();
        set.spawn(async move {
            for n in 0..200 {
                let d = draft("x");
                let e = assent_contract::codec::encode(
                    &d.event,
                    &assent_contract::codec::Metadata {
                        id: d.id,
                        time: d.time,
                        previous: assent_contract::chain::EventHash::NONE,
                        traceparent: d.traceparent,
                    },
                )
                .unwrap();
                let mut h = async_nats::HeaderMap::new();
                for (k, v) in e.headers {
                    h.insert(k, v);
                }
                h.insert("Nats-Msg-Id", d.id.to_string());
                h.insert("Nats-Expected-Last-Subject-Sequence", "0");
                h.insert("Nats-Expected-Stream", "CONSENT_EVENTS");
                js.publish_with_headers(
                    format!("consent.events.v1.acme.user.{run}-{task}-{n}"),
                    h,
                    e.body.into(),
                )
                .await
                .unwrap()
                .await
                .unwrap();
            }
        });
    }
    set.join_all().await;
    12800.0 / begun.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn measure() {
    let (server, log) = server_with_log().await;
    let js = raw(&server).await;
    for n in 0..3 {
        let a = theirs(&js, &format!("t{n}")).await;
        let b = ours(&log, &format!("o{n}")).await;
        println!("append raw {a:.0} ours {b:.0} ratio {:.2}", b / a);
    }
    let total = log.status().await.unwrap().last_sequence.0;
    for _ in 0..3 {
        let begun = Instant::now();
        let s = js.get_stream("CONSENT_EVENTS").await.unwrap();
        let c = s
            .create_consumer(async_nats::jetstream::consumer::push::OrderedConfig {
                deliver_subject: js.client().new_inbox(),
                ..Default::default()
            })
            .await
            .unwrap();
        let mut m = c.messages().await.unwrap();
        for _ in 0..total {
            let m = m.next().await.unwrap().unwrap();
            std::hint::black_box(&m);
        }
        let a = total as f64 / begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        let mut f = log.follow(Sequence(0));
        let mut n = 0;
        let mut batches = 0;
        while n < total {
            n += f
                .next_batch(1024, Duration::from_secs(5))
                .await
                .unwrap()
                .len() as u64;
            batches += 1;
        }
        let b = total as f64 / begun.elapsed().as_secs_f64();
        println!(
            "follow ordered {a:.0} ours {b:.0} ratio {:.2} batches {batches}",
            b / a
        );
    }
}
