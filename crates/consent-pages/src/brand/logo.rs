//! The host application's logo: a file that is looked into, because its name proves nothing.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::asset::Asset;

/// As much as a logo may have.
const LIMIT: u64 = 256 * 1024;

/// Why a file is no logo.
#[derive(Debug, thiserror::Error)]
pub enum LogoError {
    /// The file can't be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file is too big, or something else than a picture.
    #[error("expected an SVG, PNG, JPEG or WebP image of at most 256 KiB in {}", .0.display())]
    NoImage(PathBuf),
}

/// Reads an image that browsers show.
pub(crate) fn read(path: &Path) -> Result<Asset, LogoError> {
    let unreadable = |source| LogoError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut content = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    // One byte more than allowed tells a file that is too big, however big it is.
    let read = file.take(LIMIT + 1).read_to_end(&mut content);
    read.map_err(unreadable)?;
    let small_enough = u64::try_from(content.len()).is_ok_and(|length| length <= LIMIT);
    match recognise(&content) {
        Some(content_type) if small_enough => Ok(Asset::new(content_type, content)),
        Some(_) | None => Err(LogoError::NoImage(path.to_owned())),
    }
}

/// What kind of image it is, by how it begins.
fn recognise(content: &[u8]) -> Option<&'static str> {
    match content {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        _ => std::str::from_utf8(content)
            .is_ok_and(is_svg)
            .then_some("image/svg+xml"),
    }
}

/// Whether the first element of a text is `svg`, in the namespace without which browsers show no image.
fn is_svg(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    while let Some(after) = after_preamble(rest) {
        rest = after;
    }
    rest.strip_prefix("<svg")
        .and_then(|after| after.split_once('>'))
        .is_some_and(|(attributes, _)| {
            attributes.starts_with(|next: char| next.is_ascii_whitespace())
                && attributes.contains("http://www.w3.org/2000/svg")
        })
}

/// What follows an XML declaration, a comment or a document type, if a text begins with one.
fn after_preamble(text: &str) -> Option<&str> {
    [("<?", "?>"), ("<!--", "-->"), ("<!DOCTYPE", ">")]
        .into_iter()
        .find_map(|(begins, ends)| text.strip_prefix(begins)?.split_once(ends))
        .map(|(_, after)| after.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_recognised_by_its_bytes() {
        let svg = r#"<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>"#;
        for (content, expected) in [
            (&b"\x89PNG\r\n\x1a\n\0\0"[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Some("image/jpeg")),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"RIFF\x24\0\0\0WAVEfmt ", None),
            (b"GIF89a", None),
            (b"", None),
            (b"%PDF-1.7", None),
            (b"<svg>not in the namespace</svg>", None),
            (b"<svgx xmlns='http://www.w3.org/2000/svg'>", None),
            (
                b"<html><svg xmlns='http://www.w3.org/2000/svg'/></html>",
                None,
            ),
            (b"<!-- <svg xmlns='http://www.w3.org/2000/svg'> -->", None),
            (svg.as_bytes(), Some("image/svg+xml")),
        ] {
            let said = String::from_utf8_lossy(content);
            assert_eq!(recognise(content), expected, "{said}");
        }
        let before = "\u{feff}<?xml version=\"1.0\"?>\n<!-- drawn -->\n\
                      <!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"svg11.dtd\">\n<!-- by hand -->";
        assert!(is_svg(&format!("{before}{svg}")));
    }

    #[test]
    fn a_logo_has_its_size() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut content = b"\xff\xd8\xff".to_vec();
        content.resize(256 * 1024, 0);
        std::fs::write(&file, &content).unwrap();
        assert_eq!(read(file.path()).unwrap().content_type, "image/jpeg");
        content.push(0);
        std::fs::write(&file, &content).unwrap();
        let refused = read(file.path()).unwrap_err().to_string();
        assert!(refused.contains("at most 256 KiB"), "{refused}");
    }
}
