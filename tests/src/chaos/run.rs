//! One run from its beginning to its end: faults for as long as planned, then quiet until every job has ended, then the account.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::store::JobFilter;
use jobs_core::{BoxError, JobRecord};
use jobs_runtime::{Client, Timestamp};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::check::check;
use super::crew::Crew;
use super::evidence::Evidence;
use super::faults::{Journal, What};
use super::plan::Plan;
use super::producer::{Producer, client};
use super::rests::Rests;
use super::stage::Stage;
use super::storm::Storm;
use super::worker::OUTSIDE;
use super::{clock, ledger, report};

/// How long everything may take to end once nothing goes wrong any more.
pub(crate) const QUIET: Duration = Duration::from_secs(120);

/// Makes a run, prints what came of it, and answers whether all promises were kept.
pub async fn run(plan: &Plan) -> Result<bool, BoxError> {
    report::begin(plan);
    let stage = Stage::set(plan).await?;
    let folder = tempfile::tempdir()?;
    let journal = Arc::new(Journal::default());
    let producer = Producer::new(plan, &stage.producer_url()).await?;
    stage.make_effects().await?;
    if plan.outside {
        std::fs::write(folder.path().join(OUTSIDE), "")?;
    }
    let rests = Rests::new(plan, &stage.direct_url()).await?;
    let crew = Arc::new(Crew::new(plan, stage.urls(plan), folder.path(), &journal));
    let watching = tokio::spawn(watch(Arc::clone(&journal)));

    let began = Instant::now();
    let until = began + plan.length;
    let storm = Storm { plan, journal: &journal, until };
    let mut slots = JoinSet::new();
    for slot in 0..plan.workers {
        let crew = Arc::clone(&crew);
        slots.spawn(async move { crew.keep(slot, until).await });
    }
    let (processes, (), (), rests) =
        tokio::join!(slots.join_all(), storm.rage(&stage), producer.run(until, until + QUIET), rests.run(until, until + QUIET));

    let client = client(&stage.direct_url()).await?;
    // Whoever is left over after that is found by the check.
    let _ = timeout(QUIET, quiet(&client)).await;
    let took = began.elapsed();
    let before = stage.schedule().await?;
    let dismissed_at = Timestamp::now().as_millisecond();
    let lag = Duration::from_millis(u64::try_from(dismissed_at - before.last_tick).unwrap_or(0));
    let mut leaving = JoinSet::new();
    for (process, began) in processes {
        let crew = Arc::clone(&crew);
        leaving.spawn(async move { crew.dismiss(process, began).await });
    }
    leaving.join_all().await;
    watching.abort();

    let schedule = stage.schedule().await?;
    let evidence = Evidence {
        ledgers: ledger::read(folder.path())?,
        lives: crew.lives(),
        faults: journal.all(),
        rests,
        in_vain: journal.all_in_vain(),
        enqueued: producer.enqueued(),
        records: records(&client).await?,
        effects: stage.effects().await?,
        ticks: schedule.ticks,
        last_tick: schedule.last_tick,
        dismissed_at,
        lag,
        damage: stage.damage()?,
    };
    let findings = check(&evidence);
    let good = findings.violations.is_empty();
    if !good {
        let kept: PathBuf = folder.keep();
        println!("what the processes wrote is kept in {}", kept.display());
    }
    report::end(plan, &stage, &evidence, &findings, took);
    Ok(good)
}

/// Notes when the host gives no time to anybody.
pub(crate) async fn watch(journal: Arc<Journal>) {
    const STEP: Duration = Duration::from_millis(50);
    loop {
        let before = clock::now();
        sleep(STEP).await;
        let late = clock::now().saturating_sub(before + STEP);
        if late > Duration::from_millis(500) {
            journal.past(What::Stall, "", clock::now().saturating_sub(late));
        }
    }
}

/// Waits until nothing waits or runs but the newest tick.
async fn quiet(client: &Client) {
    loop {
        let live = client.jobs(JobFilter::default()).await;
        if live.is_ok_and(|page| page.jobs.iter().all(|job| job.tick.is_some())) {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Every row of a job that the store has.
pub(crate) async fn records(client: &Client) -> Result<Vec<JobRecord>, BoxError> {
    let mut all = Vec::new();
    for finished in [false, true] {
        let mut after = Some(0);
        while let Some(place) = after {
            let page = client.jobs(JobFilter { finished, after: place, ..JobFilter::default() }).await?;
            all.extend(page.jobs);
            after = page.next;
        }
    }
    Ok(all)
}
