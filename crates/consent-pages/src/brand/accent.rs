//! The accent: whatever colour the host application has, made so that it can be read on our paper and written on.

use super::Color;

/// What the pages are written on, as in the stylesheet.
const LIGHT_PAPER: Color = Color::WHITE;
const DARK_PAPER: Color = Color::new([0x16, 0x19, 0x1d]);

/// WCAG 2.2, success criterion 1.4.3: text against what is behind it.
const READABLE: f64 = 4.5;
/// How far a button moves away from its text while a pointer is over it.
const HOVER_SHARE: u8 = 38;

/// The accent as it is used on one paper.
#[derive(Debug, Clone, Copy)]
struct OnPaper {
    accent: Color,
    on_accent: Color,
    hover: Color,
}

/// The custom properties that the stylesheet expects.
pub(super) fn properties(color: Color) -> String {
    let light = OnPaper::new(LIGHT_PAPER, color);
    let dark = OnPaper::new(DARK_PAPER, color);
    format!(
        ":root{{--accent:light-dark({},{});--on-accent:light-dark({},{});--accent-hover:light-dark({},{})}}",
        light.accent, dark.accent, light.on_accent, dark.on_accent, light.hover, dark.hover,
    )
}

impl OnPaper {
    fn new(paper: Color, color: Color) -> Self {
        let away = paper.most_contrasting();
        // As much of the colour as can stay.
        let accent = (0..=u8::MAX)
            .map(|share| color.mixed_with(away, share))
            .find(|mixed| READABLE <= mixed.contrast(paper))
            .unwrap_or(away);
        let on_accent = accent.most_contrasting();
        Self {
            accent,
            on_accent,
            hover: accent.mixed_with(on_accent.most_contrasting(), HOVER_SHARE),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn hex(text: &str) -> Color {
        text.to_owned().try_into().unwrap()
    }

    proptest! {
        #[test]
        fn every_accent_can_be_read_on_and_be_written_on(channels in any::<[u8; 3]>()) {
            let color = Color::new(channels);
            for paper in [LIGHT_PAPER, DARK_PAPER] {
                let made = OnPaper::new(paper, color);
                prop_assert!(READABLE <= made.accent.contrast(paper), "{made:?}");
                prop_assert!(READABLE <= made.on_accent.contrast(made.accent), "{made:?}");
                prop_assert!(READABLE <= made.on_accent.contrast(made.hover), "{made:?}");
                // What is no text has to be told from the paper: WCAG 2.2, 1.4.11.
                prop_assert!(3.0 <= made.hover.contrast(paper), "{made:?}");
                for ink in [Color::BLACK, Color::WHITE] {
                    let written = made.on_accent.contrast(made.accent);
                    prop_assert!(ink.contrast(made.accent) <= written, "{made:?}");
                }
                if READABLE <= color.contrast(paper) {
                    prop_assert_eq!(made.accent, color);
                }
            }
        }
    }

    #[test]
    fn a_bright_accent_is_darkened_on_white_and_a_dark_one_lightened_on_black() {
        let yellow = hex("#ffcc00");
        let on_white = OnPaper::new(LIGHT_PAPER, yellow).accent;
        assert!(on_white.contrast(LIGHT_PAPER) < 4.7, "{on_white}");
        assert_eq!(OnPaper::new(DARK_PAPER, yellow).accent, yellow);
        let navy = hex("#001f5b");
        let on_black = OnPaper::new(DARK_PAPER, navy).accent;
        assert!(on_black.contrast(DARK_PAPER) < 4.7, "{on_black}");
        assert_eq!(OnPaper::new(LIGHT_PAPER, navy).accent, navy);
    }

    #[test]
    fn the_stylesheet_has_this_paper_and_leaves_the_accent_to_us() {
        let stylesheet = include_str!("../../assets/pages.css");
        let paper = format!("--paper: light-dark({LIGHT_PAPER}, {DARK_PAPER});");
        assert!(stylesheet.contains(&paper));
        for property in ["--accent:", "--on-accent:", "--accent-hover:"] {
            assert!(!stylesheet.contains(property), "{property}");
            assert!(properties(Color::BLACK).contains(property), "{property}");
        }
    }
}
