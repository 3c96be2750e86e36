//! The little of DER that is needed: to find the public key in a certificate, and the numbers in an RSA key.

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const EXPLICIT_0: u8 = 0xA0;

/// One element, and what follows it.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    whole: &'a [u8],
    rest: &'a [u8],
}

fn element(input: &[u8]) -> Option<Element<'_>> {
    let (&tag, after_tag) = input.split_first()?;
    let (&first, after_first) = after_tag.split_first()?;
    let (length, body) = if first < 0x80 {
        (usize::from(first), after_first)
    } else {
        let count = usize::from(first & 0x7F);
        let (digits, body) = after_first
            .split_at_checked(count)
            .filter(|_| (1..=4).contains(&count))?;
        (
            digits
                .iter()
                .fold(0usize, |sum, digit| (sum << 8) | usize::from(*digit)),
            body,
        )
    };
    let (content, rest) = body.split_at_checked(length)?;
    let whole = input.get(..input.len() - rest.len())?;
    Some(Element {
        tag,
        content,
        whole,
        rest,
    })
}

fn expect(input: &[u8], tag: u8) -> Option<Element<'_>> {
    element(input).filter(|found| found.tag == tag)
}

/// The `SubjectPublicKeyInfo` of an X.509 certificate, whole.
pub(crate) fn public_key_of_certificate(certificate: &[u8]) -> Option<&[u8]> {
    let signed = expect(expect(certificate, SEQUENCE)?.content, SEQUENCE)?.content;
    let after_version = expect(signed, EXPLICIT_0).map_or(signed, |version| version.rest);
    let after_serial = expect(after_version, INTEGER)?.rest;
    let after_algorithm = expect(after_serial, SEQUENCE)?.rest;
    let after_issuer = expect(after_algorithm, SEQUENCE)?.rest;
    let after_validity = expect(after_issuer, SEQUENCE)?.rest;
    let after_subject = expect(after_validity, SEQUENCE)?.rest;
    Some(expect(after_subject, SEQUENCE)?.whole)
}

/// The PKCS#1 key inside a `SubjectPublicKeyInfo`.
pub(crate) fn rsa_key_of_public_key_info(info: &[u8]) -> Option<&[u8]> {
    let algorithm = expect(expect(info, SEQUENCE)?.content, SEQUENCE)?;
    let bits = expect(algorithm.rest, BIT_STRING)?.content;
    // The first octet counts unused bits: none, in a key.
    bits.strip_prefix(&[0])
}

/// Modulus and exponent of a PKCS#1 `RSAPublicKey`, without leading zeros.
pub(crate) fn rsa_numbers(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let modulus = expect(expect(key, SEQUENCE)?.content, INTEGER)?;
    let exponent = expect(modulus.rest, INTEGER)?;
    Some((
        without_leading_zeros(modulus.content),
        without_leading_zeros(exponent.content),
    ))
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    number.get(zeros..).unwrap_or_default()
}
