use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::sync::Semaphore;

use super::*;

const HOUR: Duration = Duration::from_hours(1);

/// The number of the fetch is the name of the only key.
#[derive(Default)]
struct Issuer {
    fetches: AtomicU32,
    is_down: AtomicBool,
    /// Where there is one, a fetch waits for a permit.
    gate: Option<Semaphore>,
}

#[derive(Debug, thiserror::Error)]
#[error("down")]
struct Down;

impl KeySource for Arc<Issuer> {
    type Keys = String;
    type Error = Down;

    async fn fetch(&self) -> Result<String, Down> {
        let number = self.fetches.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
        if self.is_down.load(Ordering::SeqCst) {
            return Err(Down);
        }
        Ok(number.to_string())
    }
}

impl Issuer {
    fn fetches(&self) -> u32 {
        self.fetches.load(Ordering::SeqCst)
    }

    fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }
}

fn cache(issuer: Issuer) -> (Arc<Issuer>, KeyCache<Arc<Issuer>>) {
    let issuer = Arc::new(issuer);
    (Arc::clone(&issuer), KeyCache::new(issuer, HOUR))
}

async fn find(cache: &KeyCache<Arc<Issuer>>, name: &str) -> Result<(), LookupError<Down>> {
    let found = cache.find(name, |key| (key == name).then_some(())).await;
    found.map(|_| ())
}

#[tokio::test(start_paused = true)]
async fn while_the_issuer_is_down_one_look_a_second_is_made_for_keys_that_are_not_there() {
    let (issuer, cache) = cache(Issuer::default());
    issuer.set_down(true);
    for second in 1..=20 {
        for _ in 0..10 {
            let error = find(&cache, "0").await.unwrap_err();
            assert!(matches!(error, LookupError::Unavailable(_)), "{error:?}");
        }
        assert_eq!(issuer.fetches(), second);
        tokio::time::advance(RETRY_AFTER).await;
    }
    issuer.set_down(false);
    find(&cache, "20").await.unwrap();
    // Known keys serve on, whatever happens when they are to be replaced.
    issuer.set_down(true);
    for fetches in 22..30 {
        tokio::time::advance(HOUR * 2).await;
        find(&cache, "20").await.unwrap();
        find(&cache, "20").await.unwrap();
        while issuer.fetches() < fetches {
            tokio::task::yield_now().await;
        }
        assert_eq!(issuer.fetches(), fetches);
    }
}

#[tokio::test(start_paused = true)]
async fn old_keys_are_replaced_once_however_many_look_at_them() {
    let (issuer, cache) = cache(Issuer::default());
    find(&cache, "0").await.unwrap();
    tokio::time::advance(HOUR + RETRY_AFTER).await;
    for _ in 0..100 {
        find(&cache, "0").await.unwrap();
    }
    while cache.current().is_some_and(|now| now.keys == "0") {
        tokio::task::yield_now().await;
    }
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn whoever_hangs_up_ends_no_fetch() {
    let (issuer, cache) = cache(Issuer {
        gate: Some(Semaphore::new(0)),
        ..Issuer::default()
    });
    let (hasty, patient) = (cache.clone(), cache.clone());
    let hasty = tokio::spawn(async move { find(&hasty, "0").await });
    while issuer.fetches() == 0 {
        tokio::task::yield_now().await;
    }
    hasty.abort();
    assert!(hasty.await.unwrap_err().is_cancelled());
    let patient = tokio::spawn(async move { find(&patient, "0").await });
    issuer.gate.as_ref().unwrap().add_permits(1);
    patient.await.unwrap().unwrap();
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_replaced_under_its_name_is_looked_at_anew_once_in_ten_seconds() {
    let (issuer, cache) = cache(Issuer::default());
    find(&cache, "0").await.unwrap();
    for fetches in 2..5 {
        tokio::time::advance(Duration::from_secs(10)).await;
        let seen = cache.current().unwrap();
        let newer = cache.newer_than(&seen, "main").await.unwrap();
        assert_ne!(newer.keys, seen.keys);
        tokio::time::advance(Duration::from_secs(9)).await;
        // Who has not seen them yet gets them without a fetch, who has gets none.
        assert!(cache.newer_than(&seen, "main").await.is_some());
        assert!(cache.newer_than(&newer, "main").await.is_none());
        assert_eq!(issuer.fetches(), fetches);
    }
}

#[tokio::test]
async fn one_fetch_serves_everybody_who_waits_for_the_first_keys() {
    let (issuer, cache) = cache(Issuer::default());
    let lookups = (0..100).map(|_| {
        let cache = cache.clone();
        tokio::spawn(async move { find(&cache, "0").await })
    });
    for lookup in lookups.collect::<Vec<_>>() {
        lookup.await.unwrap().unwrap();
    }
    assert_eq!(issuer.fetches(), 1);
}

async fn is_unknown(cache: &KeyCache<Arc<Issuer>>, name: &str) {
    let error = find(cache, name).await.unwrap_err();
    assert!(matches!(error, LookupError::Unknown), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_who_make_up_keys_at_once_cost_a_few_fetches() {
    let (issuer, cache) = cache(Issuer::default());
    find(&cache, "0").await.unwrap();
    let lookups = (0..2000).map(|number| {
        let cache = cache.clone();
        tokio::spawn(async move { is_unknown(&cache, &format!("made up {number}")).await })
    });
    for lookup in lookups.collect::<Vec<_>>() {
        lookup.await.unwrap();
    }
    assert!((2..=6).contains(&issuer.fetches()), "{}", issuer.fetches());
}

#[tokio::test(start_paused = true)]
async fn one_after_the_other_made_up_keys_cost_the_budget_and_a_genuine_one_waits_for_seconds() {
    let (issuer, cache) = cache(Issuer::default());
    find(&cache, "0").await.unwrap();
    for number in 0..100 {
        tokio::time::advance(Duration::from_millis(1)).await;
        is_unknown(&cache, &format!("made up {number}")).await;
    }
    assert_eq!(issuer.fetches(), 6);
    is_unknown(&cache, "6").await;
    tokio::time::advance(Duration::from_secs(5)).await;
    find(&cache, "6").await.unwrap();
    assert_eq!(issuer.fetches(), 7);
}

#[tokio::test(start_paused = true)]
async fn the_same_unknown_key_is_looked_for_once_in_ten_seconds() {
    let (issuer, cache) = cache(Issuer::default());
    find(&cache, "0").await.unwrap();
    for fetches in 2..5 {
        for _ in 0..10 {
            tokio::time::advance(Duration::from_millis(1)).await;
            is_unknown(&cache, "made up").await;
        }
        assert_eq!(issuer.fetches(), fetches);
        tokio::time::advance(Duration::from_secs(10)).await;
    }
}
