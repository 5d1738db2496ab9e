//! Notes when nobody could come to the schedules of a server, since a process was frozen in the midst of a transaction. The server ends it when
//! the deadline of a call is over, and not before.

use std::sync::Arc;
use std::time::Duration;

use jobs_core::BoxError;
use tokio::time::sleep;

use crate::chaos::faults::{Journal, What};
use crate::chaos::stage::Server;

/// For how long a transaction rests where nothing is wrong.
const REST: f64 = 0.2;

/// The transaction that has rested longest, in seconds. The locks of the darkness are known.
const RESTING: &str = "SELECT extract(epoch FROM max(clock_timestamp() - state_change))::float8 FROM pg_stat_activity \
                       WHERE state = 'idle in transaction' AND application_name <> 'darkness'";

/// Watches for ever.
pub(super) async fn watch(server: &Server, journal: &Arc<Journal>) -> Result<(), BoxError> {
    let somebody = server.somebody().await?;
    let mut mark = None;
    loop {
        let resting: Option<f64> = somebody.query_one(RESTING, &[]).await?.get(0);
        match (resting.is_some_and(|seconds| seconds > REST), mark) {
            (true, None) => mark = Some(journal.begin(What::Stuck, "")),
            (false, Some(begun)) => {
                journal.end(begun);
                mark = None;
            }
            _ => {}
        }
        sleep(Duration::from_millis(20)).await;
    }
}
