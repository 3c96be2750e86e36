//! What is taken out of Microsoft's free texts: numbers and ids. The texts themselves, which hold user names, go no
//! further.

use url::form_urlencoded;
use uuid::Uuid;

/// A genuine refusal has one number, rarely two.
pub(super) const MOST: usize = 8;

/// Every `AADSTS<number>` of a text, in order, each once, eight at most.
pub(crate) fn codes_in_description(description: &str) -> Vec<u32> {
    let mut codes = Vec::new();
    for rest in description.to_ascii_lowercase().split("aadsts").skip(1) {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if let Some(Ok(code)) = rest.get(..digits).map(str::parse)
            && !codes.contains(&code)
            && codes.len() < MOST
        {
            codes.push(code);
        }
    }
    codes
}

/// `code` of `https://login.microsoftonline.com/error?code=65004`.
pub(super) fn code_in_uri(uri: &str) -> Option<u32> {
    let (_, query) = uri.split_once('?')?;
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "code")
        .and_then(|(_, code)| code.trim().parse().ok())
}

/// The id behind `Trace ID:` or `Correlation ID:`.
pub(super) fn id_after(label: &str, description: &str) -> Option<Uuid> {
    let (_, rest) = description.split_once(label)?;
    rest.trim_start()
        .get(..36)
        .and_then(|id| Uuid::try_parse(id).ok())
}
