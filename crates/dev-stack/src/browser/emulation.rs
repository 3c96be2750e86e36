//! Emulation of a device: the window, the colours, the time zone, with scripts or without.

use serde_json::{Value, json};

/// Light or dark, as the system's setting tells pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// The device that a browser pretends to be: what pages can tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emulation {
    /// The window's width in CSS pixels.
    pub width: u32,
    /// The window's height in CSS pixels.
    pub height: u32,
    /// The colours.
    pub scheme: Scheme,
    /// The name of its time zone.
    pub time_zone: &'static str,
    /// Whether scripts of pages run.
    pub scripts: bool,
}

impl Default for Emulation {
    /// A desktop's window, light, in UTC, with scripts.
    fn default() -> Self {
        Self {
            width: 1000,
            height: 800,
            scheme: Scheme::Light,
            time_zone: "UTC",
            scripts: true,
        }
    }
}

impl Emulation {
    /// Switches to the narrowest window that pages have to fit into without scrolling sideways (WCAG 2, 1.4.10).
    #[must_use]
    pub fn narrow(self) -> Self {
        Self {
            width: 320,
            height: 640,
            ..self
        }
    }

    /// Switches to dark colours.
    #[must_use]
    pub fn dark(self) -> Self {
        Self {
            scheme: Scheme::Dark,
            ..self
        }
    }

    /// Switches off the scripts of pages.
    #[must_use]
    pub fn without_scripts(self) -> Self {
        Self {
            scripts: false,
            ..self
        }
    }

    /// The commands of the DevTools protocol that set it.
    pub(super) fn commands(self) -> [(&'static str, Value); 4] {
        let scheme = match self.scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        [
            (
                "Emulation.setDeviceMetricsOverride",
                json!({
                    "width": self.width, "height": self.height, "deviceScaleFactor": 1, "mobile": false,
                }),
            ),
            (
                "Emulation.setEmulatedMedia",
                json!({"features": [
                    {"name": "prefers-color-scheme", "value": scheme},
                    // A moving thing would be clicked, judged or drawn half-way.
                    {"name": "prefers-reduced-motion", "value": "reduce"},
                ]}),
            ),
            (
                "Emulation.setTimezoneOverride",
                json!({"timezoneId": self.time_zone}),
            ),
            (
                "Emulation.setScriptExecutionDisabled",
                json!({"value": !self.scripts}),
            ),
        ]
    }
}
