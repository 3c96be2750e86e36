//! Names of variables: telling one that another program reads from one that is a typing error.

use super::{ConfigError, key_of, name_of};

/// Refuses a variable that no program reads.
pub(super) fn check(known: &[&'static str], name: &str) -> Result<(), ConfigError> {
    if known.contains(&name) {
        return Ok(());
    }
    Err(ConfigError::Unknown {
        place: "the variable",
        name: name.to_owned(),
        nearest: nearest(known, name),
    })
}

/// Refuses a key of the file that no program reads.
pub(super) fn check_key(known: &[&'static str], key: &str) -> Result<(), ConfigError> {
    let name = name_of(key);
    // Keys are lower case only: `Listen` would otherwise pass and be ignored.
    if key == key_of(&name) && known.contains(&name.as_str()) {
        return Ok(());
    }
    Err(ConfigError::Unknown {
        place: "the configuration file's key",
        name: key.to_owned(),
        nearest: nearest(known, &name),
    })
}

/// The known name most like this one, if any is like it at all.
fn nearest(known: &[&'static str], name: &str) -> Option<&'static str> {
    // The `_FILE` of something that is no secret is far from every name.
    let name = name.strip_suffix("_FILE").unwrap_or(name);
    known
        .iter()
        .map(|known| (strsim::levenshtein(name, known), *known))
        .min()
        .filter(|(distance, known)| *distance <= known.len() / 3)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_is_found_by_distance() {
        let known = ["ASSENT_LISTEN", "ASSENT_NATS_URL"];
        assert_eq!(nearest(&known, "ASSENT_LISTN"), Some("ASSENT_LISTEN"));
        assert_eq!(nearest(&known, "ASSENT_LISTEN_FILE"), Some("ASSENT_LISTEN"));
        assert_eq!(nearest(&known, "ASSENT_COMPLETELY_DIFFERENT_THING"), None);
    }
}
