use crate::log::granted;
use crate::place::{Place, apply};
use assent_permission_store::Why;
#[test]
fn size() {
    let place = Place::new();
    let mut load = place.fresh(Why::Missing);
    let t = std::time::Instant::now();
    let n = 200_000u64;
    let mut s = 0;
    for chunk in 0..40 {
        let e: Vec<_> = (0..5000).map(|i| { s += 1; granted(s, &format!("account-{}", s % 1000), &format!("user-{:06}", (s * 7919) % n)) }).collect();
        load.add(&e, [1; 32]).unwrap();
        let _ = chunk;
    }
    eprintln!("fold {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let view = load.finish().unwrap();
    eprintln!("finish {:?} users {}", t.elapsed(), view.counts().users);
    let t = std::time::Instant::now();
    view.digest().unwrap();
    eprintln!("digest {:?}", t.elapsed());
    let du = |w: &str| eprintln!("{w} {}", String::from_utf8(std::process::Command::new("du").arg("-sb").arg(place.path()).output().unwrap().stdout).unwrap());
    du("bulk");
    for _ in 0..300 { let e: Vec<_> = (0..64).map(|_| { s += 1; granted(s, &format!("account-{}", (s*31) % 1000), &format!("user-{:06}", (s * 104729) % n)) }).collect(); apply(&view, &e); }
    drop(view);
    du("closed");
    let t = std::time::Instant::now();
    let v = place.resumed();
    eprintln!("open {:?} rows*66 = {}", t.elapsed(), v.counts().users * 66);
}
