//! The times in which no process comes to the schedules, so that ticks are missed by all: somebody else holds the lock of the file, or that of
//! the table on a server.

use std::time::Duration;

use jobs_core::BoxError;
use tokio::time::{Instant, sleep, sleep_until};

use super::plan::Plan;
use crate::chaos::faults::{Journal, What};
use crate::chaos::stage::{Stage, somebody};

/// How long a time of light lasts, at least and at most.
const LIGHT: (f64, f64) = (3.0, 9.0);

/// How long a time of darkness lasts: long enough that ticks of each schedule are missed, and shorter than a call on a server may take.
const DARK: (f64, f64) = (1.0, 2.2);

/// Takes the schedules away from all, now and then, until this moment.
pub(super) async fn fall(plan: &Plan, stage: &Stage, journal: &Journal, until: Instant) -> Result<(), BoxError> {
    let mut chance = plan.chaos.chance(200);
    let mut draw = |(least, most): (f64, f64)| Duration::from_secs_f64(least + (most - least) * chance.f64());
    loop {
        let (from, length) = (Instant::now() + draw(LIGHT), draw(DARK));
        if from + length > until {
            sleep_until(until).await;
            return Ok(());
        }
        sleep_until(from).await;
        hold(stage, journal, length).await?;
    }
}

/// Holds the lock for so long. One that is not to be had is not waited for.
async fn hold(stage: &Stage, journal: &Journal, length: Duration) -> Result<(), BoxError> {
    match stage {
        Stage::File(file) => {
            let path = file.path();
            let lock = move || somebody(&path).and_then(|lock| lock.execute_batch("BEGIN IMMEDIATE").map(|()| lock));
            let Ok(lock) = tokio::task::spawn_blocking(lock).await? else {
                journal.in_vain(What::Lock);
                return Ok(());
            };
            let mark = journal.begin(What::Lock, "");
            sleep(length).await;
            drop(lock);
            journal.end(mark);
        }
        Stage::Server(server) => {
            let somebody = server.somebody().await?;
            let lock =
                "SET application_name = 'darkness'; SET lock_timeout = '5s'; BEGIN; LOCK TABLE jobs.schedule IN EXCLUSIVE MODE";
            if somebody.batch_execute(lock).await.is_err() {
                journal.in_vain(What::Lock);
                return Ok(());
            }
            let mark = journal.begin(What::Lock, "");
            sleep(length).await;
            somebody.batch_execute("ROLLBACK").await?;
            journal.end(mark);
        }
    }
    Ok(())
}
