//! An error in a redirect back to the application.

use uuid::Uuid;

use super::{Aadsts, Code, Shape, Surface, Words};

/// Somebody left without an answer, or could not give one: nothing says which.
pub(crate) const CANCELLED: [(&str, &str); 2] =
    [("error", "access_denied"), ("error_subcode", "cancel")];

impl Aadsts {
    /// The parameters that tell it, but for `state` and `admin_consent`, which the request adds.
    pub(crate) fn parameters(&self, base_url: &str) -> Vec<(&'static str, String)> {
        let is_told = self.other != Words::default();
        if self.shape == Shape::Observed && self.code.refusal().ends_on_page && !is_told {
            return CANCELLED
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect();
        }
        let mut parameters = vec![("error", self.error().to_owned())];
        // A decline carries the same sub-code as a cancellation; only the number tells them apart.
        let declined = self.code == Code::UserDeclinedConsent
            && (self.surface, self.shape) == (Surface::Authorize, Shape::Observed);
        if declined {
            parameters.push(("error_subcode", "cancel".to_owned()));
        }
        if let Some(suberror) = &self.other.suberror {
            parameters.push(("suberror", suberror.clone()));
        }
        parameters.push((
            "error_description",
            self.description(Uuid::new_v4(), Uuid::new_v4()),
        ));
        if self.shape == Shape::Observed {
            parameters.push(("error_uri", self.error_uri(base_url)));
        }
        parameters
    }
}
