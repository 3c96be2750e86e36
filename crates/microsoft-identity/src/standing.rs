//! How we stand with Microsoft, for whoever reports on the health of a service.

use std::sync::Arc;

use tokio::sync::watch;

use crate::client::Entra;
use crate::transport::{CircuitState, Part};

/// How we stand with Microsoft, as far as the calls so far have shown. Nothing is asked to find out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// The sign-in service: metadata, keys and tokens.
    pub sign_in: CircuitState,
    /// Microsoft Graph.
    pub graph: CircuitState,
}

impl Entra {
    /// The current standing, and every change of it.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.shared.board.0.subscribe()
    }
}

/// Where the standing is written down.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board(Arc<watch::Sender<Standing>>);

impl Board {
    pub(crate) fn circuit(&self, part: &Part, state: CircuitState) {
        self.0.send_if_modified(|standing| {
            let known = match part {
                Part::SignIn => &mut standing.sign_in,
                Part::Graph => &mut standing.graph,
            };
            let changed = *known != state;
            *known = state;
            changed
        });
    }
}
