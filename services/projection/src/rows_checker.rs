//! Reading every row of the view, now and then, to see that it is what was written.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use assent_metrics::projection::ROWS_CHECKS;
use assent_permission_store::{RowsCheck, View};
use assent_service_kit::error_chain::with_sources;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::served_view::ServedView;

const EVERY: Duration = Duration::from_hours(1);
/// Between a few hundred rows and the next ones: four seconds more for a million of them.
const PAUSE: Duration = Duration::from_millis(1);

/// Checks the rows at once and then every hour, for as long as that view follows the log. It is served meanwhile: damage
/// that opening it did not show is rare.
pub(crate) async fn keep_checking(view: Arc<View>, served: Arc<ServedView>) {
    loop {
        check(&view, &served).await;
        sleep(EVERY).await;
    }
}

async fn check(view: &Arc<View>, served: &Arc<ServedView>) {
    let checked = Arc::clone(view);
    let checked = spawn_blocking(move || checked.verify(|| thread::park_timeout(PAUSE))).await;
    ROWS_CHECKS.increment(1);
    match checked {
        Ok(Ok(RowsCheck::Damaged)) => {
            tracing::error!(
                operator_alarm = "view_damaged",
                "rows of the view are not what was written"
            );
            served.report_damage(view);
        }
        Ok(Err(damage)) => {
            tracing::error!(operator_alarm = "view_damaged", error = %with_sources(&damage), "the rows of the view can't be read");
            served.report_damage(view);
        }
        // It fails only where the program is ending.
        Ok(Ok(RowsCheck::Sound)) | Err(_) => {}
    }
}
