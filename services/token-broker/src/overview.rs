//! The use case: how is this broker, and what does it hold in all?

use assent_contract::custody::CustodyOverview;

use crate::custody::Custody;

/// Which keys there are, how often tokens are tried, and what was counted last.
pub(crate) async fn overview(custody: &Custody) -> CustodyOverview {
    let keys = custody.keys.key_ids().await;
    CustodyOverview {
        keys: keys.iter().map(ToString::to_string).collect(),
        verify_every_seconds: custody.verify_every.as_secs(),
        counted: custody.count.last(),
    }
}
