//! Note keys: Ed25519, in the text forms of C2SP's signed notes.

use std::fmt;
use std::str::FromStr;

use rand_core::OsRng;
use secrecy::{ExposeSecret as _, SecretString};
use signed_note::{StandardSigner, StandardVerifier, Verifier as _, is_key_name_valid};

/// A key's name has no more bytes than this.
const MAX_NAME: usize = 200;
/// The text of a key has no more bytes than this.
const MAX_TEXT: usize = 400;

/// A text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No key can have this name.
    #[error(
        "a key can't be named {0:?}: use a name like log.example.com/consent, without spaces, plus signs and control \
         characters"
    )]
    BadName(String),
    /// Not of the form of a private key.
    #[error("this is no private key: it has to be one line that begins with PRIVATE+KEY+")]
    NoSigningKey,
    /// Not of the form of a public key.
    #[error("this is no public key: it has to be one line of the form name+hash+key")]
    NoVerifierKey,
    /// A private key where a public one is expected.
    #[error("this is a private key, which nobody but its owner may have: give the public one")]
    PrivateForPublic,
}

/// A private key. Its text is `PRIVATE+KEY+<name>+<hash>+<key>`.
#[derive(Clone)]
pub struct SigningKey(StandardSigner);

impl SigningKey {
    /// Makes a new key of that name. Its private text, which is to be kept secret, and its public half.
    pub fn generate(name: &str) -> Result<(SecretString, VerifierKey), KeyError> {
        if !is_name(name) {
            return Err(KeyError::BadName(name.to_owned()));
        }
        let (private, public) = signed_note::generate_key(&mut OsRng, name);
        Ok((private.into(), public.parse()?))
    }

    /// Reads the private text; white space around it does not matter.
    pub fn parse(private: &SecretString) -> Result<Self, KeyError> {
        let text = private.expose_secret().trim();
        if MAX_TEXT < text.len() {
            return Err(KeyError::NoSigningKey);
        }
        let signer = StandardSigner::new(text).map_err(|_| KeyError::NoSigningKey)?;
        if !is_name(signed_note::Signer::name(&signer)) {
            return Err(KeyError::NoSigningKey);
        }
        Ok(Self(signer))
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        signed_note::Signer::name(&self.0)
    }

    pub(crate) const fn signer(&self) -> &StandardSigner {
        &self.0
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.name())
    }
}

/// A public key. Its text is `<name>+<hash>+<key>`.
#[derive(Clone)]
pub struct VerifierKey {
    text: String,
    verifier: StandardVerifier,
}

impl VerifierKey {
    /// The key's name.
    pub fn name(&self) -> &str {
        self.verifier.name()
    }

    pub(crate) const fn verifier(&self) -> &StandardVerifier {
        &self.verifier
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    /// White space around it does not matter.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.starts_with("PRIVATE+KEY+") {
            return Err(KeyError::PrivateForPublic);
        }
        if MAX_TEXT < text.len() {
            return Err(KeyError::NoVerifierKey);
        }
        let verifier = StandardVerifier::new(text).map_err(|_| KeyError::NoVerifierKey)?;
        if !is_name(verifier.name()) {
            return Err(KeyError::NoVerifierKey);
        }
        Ok(Self {
            text: text.to_owned(),
            verifier,
        })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({})", self.text)
    }
}

impl PartialEq for VerifierKey {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for VerifierKey {}

/// The name is the first line of each note, so it must not end that line.
fn is_name(name: &str) -> bool {
    is_key_name_valid(name) && name.len() <= MAX_NAME && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::{KeyError, SigningKey, VerifierKey};

    /// The keys of the package that the form is from: golang.org/x/mod/sumdb/note.
    const PRIVATE: &str =
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn keys_are_those_of_the_published_form() {
        let signing = SigningKey::parse(&format!("{PRIVATE}\n").into()).unwrap();
        assert_eq!(signing.name(), "PeterNeumann");
        let verifier: VerifierKey = format!("{PUBLIC}\n").parse().unwrap();
        assert_eq!(verifier.to_string(), PUBLIC);
    }

    #[test]
    fn what_is_no_key_is_refused_by_name() {
        for bad in [
            "",
            "x",
            PUBLIC,
            &PRIVATE.replace("c74f", "c74e"),
            &PRIVATE.replace("AYEK", "AoEK"),
        ] {
            let refused = SigningKey::parse(&bad.to_owned().into()).unwrap_err();
            assert_eq!(refused, KeyError::NoSigningKey, "{bad}");
        }
        for bad in [
            "",
            "x",
            "a+b+c",
            &PUBLIC.replace("c74f", "c74e"),
            &PUBLIC.replace("ARpc", "Ahpc"),
            &"x".repeat(5000),
        ] {
            let refused = bad.parse::<VerifierKey>().unwrap_err();
            assert_eq!(refused, KeyError::NoVerifierKey, "{bad}");
        }
        assert_eq!(
            PRIVATE.parse::<VerifierKey>(),
            Err(KeyError::PrivateForPublic)
        );
        for bad in [
            "",
            "a b",
            "a+b",
            "a\nb",
            "a\u{7}b",
            "a\u{a0}b",
            &"x".repeat(201),
        ] {
            let refused = SigningKey::generate(bad).unwrap_err();
            assert_eq!(refused, KeyError::BadName(bad.to_owned()));
        }
    }

    #[test]
    fn a_new_key_can_be_read_again_and_is_another_each_time() {
        let name = "log.example.com/consent";
        let (private, public) = SigningKey::generate(name).unwrap();
        assert_eq!(SigningKey::parse(&private).unwrap().name(), name);
        assert_eq!(public.to_string().parse::<VerifierKey>().unwrap(), public);
        let (other, _) = SigningKey::generate(name).unwrap();
        assert_ne!(private.expose_secret(), other.expose_secret());
        assert!(!format!("{:?}", SigningKey::parse(&private)).contains(private.expose_secret()));
    }
}
