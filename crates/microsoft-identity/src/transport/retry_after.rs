//! `Retry-After`: for how long Microsoft wants to be left alone.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// Longer pauses are cut to this: nobody can shut us out for days.
const LONGEST: Duration = Duration::from_mins(5);

/// The pause asked for, if there is one.
pub(super) fn requested_pause(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = text(headers, &RETRY_AFTER)?;
    let pause = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit is a long time all the same.
        text.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        let until = httpdate::parse_http_date(text).ok()?;
        // By Microsoft's own clock, where it tells the time: ours may be off.
        let there =
            self::text(headers, &DATE).and_then(|date| httpdate::parse_http_date(date).ok());
        until.duration_since(there.unwrap_or(now)).ok()?
    };
    (!pause.is_zero()).then(|| pause.min(LONGEST))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(retry_after: &str, date: Option<SystemTime>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
        if let Some(date) = date {
            let date = httpdate::fmt_http_date(date);
            headers.insert(DATE, date.parse().unwrap());
        }
        requested_pause(&headers, now()).map(|pause| pause.as_secs())
    }

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
    }

    fn date(seconds_from_now: u64) -> String {
        httpdate::fmt_http_date(now() + Duration::from_secs(seconds_from_now))
    }

    #[test]
    fn seconds_and_dates() {
        assert_eq!(requested_pause(&HeaderMap::new(), now()), None);
        for (text, seconds) in [
            ("1", Some(1)),
            (" 17 ", Some(17)),
            ("0", None),
            ("300", Some(300)),
            ("301", Some(300)),
            ("99999999999999999999999", Some(300)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(pause(text, None), seconds, "{text:?}");
        }
        assert_eq!(pause(&date(42), None), Some(42));
        assert_eq!(pause(&date(86_400), None), Some(300));
        assert_eq!(pause(&date(0), None), None);
        assert_eq!(pause("Mon, 01 Jan 2001 00:00:00 GMT", None), None);
    }

    #[test]
    fn a_date_is_read_by_the_clock_of_whoever_wrote_it() {
        let ahead = now() + Duration::from_hours(1);
        assert_eq!(pause(&date(3_630), Some(ahead)), Some(30));
        assert_eq!(pause(&date(30), Some(ahead)), None);
    }
}
