//! What a word means, who can mend what it says, and how.

/// Who can mend what a word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mender {
    /// Nobody has to: nothing is wrong, or it passes by itself.
    Nobody,
    /// The person in front of the browser.
    Person,
    /// A Super Admin of the company.
    SuperAdmin,
    /// The Office 365 administrator of the company's tenant.
    Administrator,
    /// Whoever develops or runs the host application.
    Host,
    /// Whoever runs Assent.
    Operator,
}

impl Mender {
    /// The stable name, for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Person => "person",
            Self::SuperAdmin => "super_admin",
            Self::Administrator => "administrator",
            Self::Host => "host",
            Self::Operator => "operator",
        }
    }

    /// Who it is, for people.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Nobody => "nobody has to",
            Self::Person => "the person in front of the browser",
            Self::SuperAdmin => "a Super Admin of the company",
            Self::Administrator => "the Office 365 administrator of the company",
            Self::Host => "whoever develops or runs the host application",
            Self::Operator => "whoever runs Assent",
        }
    }
}

/// The meaning of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// What kind of word it is, such as "flow state": one word may be of several kinds, and mean something else in each.
    pub kind: &'static str,
    /// The word, in snake case.
    pub word: &'static str,
    /// The HTTP status of an answer that ends in the word; `None` for a word that ends no answer.
    pub status: Option<u16>,
    means: &'static str,
    /// Who can mend it.
    pub who: Mender,
    /// How it is mended.
    pub how: &'static str,
}

impl Meaning {
    /// Makes a meaning of a word that ends no answer. `means` may begin with a space, as doc comments do.
    pub const fn new(
        kind: &'static str,
        word: &'static str,
        means: &'static str,
        who: Mender,
        how: &'static str,
    ) -> Self {
        Self {
            kind,
            word,
            status: None,
            means,
            who,
            how,
        }
    }

    /// What the word means, in whole sentences.
    pub fn means(&self) -> &'static str {
        self.means.trim()
    }

    /// The meaning of a word that ends an answer with this HTTP status.
    pub(crate) const fn with_status(self, status: u16) -> Self {
        Self {
            status: Some(status),
            ..self
        }
    }
}
