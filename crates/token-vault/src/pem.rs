//! X25519 keys as OpenSSL writes them: PKCS#8 and SubjectPublicKeyInfo (RFC 8410), in PEM (RFC 7468).
//!
//! Both have exactly one encoding in DER but for attributes, which no tool writes for these keys: so what stands before
//! the 32 bytes of the key is compared, and there is no parser that could be wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::KeyError;

/// How many bytes a key has.
pub(crate) const KEY_BYTES: usize = 32;
/// No file of a key is longer.
pub(crate) const MAX_FILE_BYTES: u64 = 4096;

const PRIVATE: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";
/// SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.110 }, OCTET STRING { OCTET STRING (32 bytes) } }
const PRIVATE_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20,
];
/// SEQUENCE { SEQUENCE { OID 1.3.101.110 }, BIT STRING (32 bytes) }
const PUBLIC_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00,
];

pub(crate) fn read_private(text: &str) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
    let (label, der) = decode(text)?;
    match label {
        PRIVATE => {}
        PUBLIC => return Err(KeyError::IsPublic),
        _ => return Err(KeyError::OtherKind),
    }
    let key = der.strip_prefix(&PRIVATE_PREFIX);
    let key = key.and_then(|key| key.try_into().ok());
    key.map(Zeroizing::new).ok_or(KeyError::OtherKind)
}

pub(crate) fn read_public(text: &str) -> Result<[u8; KEY_BYTES], KeyError> {
    let (label, der) = decode(text)?;
    match label {
        PUBLIC => {}
        label if label.ends_with(PRIVATE) => return Err(KeyError::IsPrivate),
        _ => return Err(KeyError::OtherKind),
    }
    let key = der.strip_prefix(&PUBLIC_PREFIX);
    let key = key.and_then(|key| key.try_into().ok());
    key.ok_or(KeyError::OtherKind)
}

pub(crate) fn write_private(key: &[u8; KEY_BYTES]) -> Zeroizing<String> {
    let der = Zeroizing::new([PRIVATE_PREFIX.as_slice(), key].concat());
    Zeroizing::new(encode(PRIVATE, &der))
}

pub(crate) fn write_public(key: &[u8; KEY_BYTES]) -> String {
    encode(PUBLIC, &public_der(key))
}

pub(crate) fn public_der(key: &[u8; KEY_BYTES]) -> Vec<u8> {
    [PUBLIC_PREFIX.as_slice(), key].concat()
}

/// Both fit into one line of 64 characters.
fn encode(label: &str, der: &[u8]) -> String {
    let body = Zeroizing::new(STANDARD.encode(der));
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        body.as_str()
    )
}

/// The label and the content of the only block there is.
fn decode(text: &str) -> Result<(&str, Zeroizing<Vec<u8>>), KeyError> {
    let rest = text.trim().strip_prefix("-----BEGIN ");
    let (label, rest) = rest
        .and_then(|rest| rest.split_once("-----"))
        .ok_or(KeyError::NoPem)?;
    let body = rest
        .strip_suffix("-----")
        .and_then(|rest| rest.strip_suffix(label))
        .and_then(|rest| rest.strip_suffix("-----END "))
        .ok_or(KeyError::NoPem)?;
    let mut packed = Zeroizing::new(String::with_capacity(body.len()));
    packed.extend(body.chars().filter(|c| !c.is_ascii_whitespace()));
    let der = STANDARD.decode(packed.as_bytes());
    Ok((label, Zeroizing::new(der.map_err(|_| KeyError::NoPem)?)))
}
