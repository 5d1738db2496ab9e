//! One run from its beginning to its end: faults until the schedules end, then quiet until all is settled, then the account.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::store::TickFilter;
use jobs_core::{BoxError, StoreError};
use jobs_runtime::Client;
use jobs_runtime::env::Env;
use jobs_runtime::schedule::TickRecord;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::check::{Evidence, check};
use super::course::Course;
use super::plan::Plan;
use super::schedules::Planned;
use super::{darkness, report, schedules, sight, standstill};
use crate::chaos::check::check_work;
use crate::chaos::crew::Crew;
use crate::chaos::faults::Journal;
use crate::chaos::run::{QUIET, records, watch};
use crate::chaos::stage::Stage;
use crate::chaos::{evidence, ledger};

/// Makes a run, prints what came of it, and answers whether each tick was dealt with once.
pub async fn run(plan: &Plan) -> Result<bool, BoxError> {
    report::begin(plan);
    let stage = Stage::set(&plan.chaos).await?;
    let url = stage.direct_url();
    // Its tables are made before the clock runs.
    let course = Course::begin(plan);
    drop(client(&url, &course).await?);

    let folder = tempfile::tempdir()?;
    let course = Course::begin(plan);
    course.write(folder.path())?;
    let journal = Arc::new(Journal::default());
    let watching = tokio::spawn(watch(Arc::clone(&journal)));
    let began = Instant::now();
    let until = began + plan.chaos.length;
    let crew = Arc::new(Crew::new(&plan.chaos, vec![url.clone(); plan.chaos.workers], folder.path(), &journal));
    let mut slots = JoinSet::new();
    for slot in 0..plan.chaos.workers {
        let crew = Arc::clone(&crew);
        slots.spawn(async move { crew.keep(slot, until).await });
    }
    let client = client(&url, &course).await?;
    let course_is_run = async {
        let (processes, darkness) = tokio::join!(slots.join_all(), darkness::fall(plan, &stage, &journal, until));
        // What is not settled after that is found by the check.
        let _ = timeout(QUIET, settled(&client, &course)).await;
        darkness.map(|()| processes)
    };
    let processes = tokio::select! {
        processes = course_is_run => processes?,
        watch = standstill::watch(&stage, &journal) => return Err(watch.err().unwrap_or_else(|| "nobody watches any more".into())),
    };
    let took = began.elapsed();
    let mut leaving = JoinSet::new();
    for (process, began) in processes {
        let crew = Arc::clone(&crew);
        leaving.spawn(async move { crew.dismiss(process, began).await });
    }
    leaving.join_all().await;
    watching.abort();

    let evidence = gather(plan, &stage, &course, &client, folder.path(), &crew, &journal).await?;
    let (verdict, findings) = (check(&evidence), check_work(&evidence.work));
    let good = verdict.wrong.is_empty() && findings.violations.is_empty();
    if !good {
        let faults: Vec<String> = evidence.work.faults.iter().map(ToString::to_string).collect();
        std::fs::write(folder.path().join("faults"), faults.join("\n"))?;
        println!("what the processes wrote is kept in {}", folder.keep().display());
    }
    report::end(plan, &evidence, &verdict, &findings, took);
    Ok(good)
}

async fn gather(
    plan: &Plan,
    stage: &Stage,
    course: &Course,
    client: &Client,
    folder: &Path,
    crew: &Crew,
    journal: &Journal,
) -> Result<Evidence, BoxError> {
    let mut accounts = Vec::new();
    for planned in &schedules::ALL {
        accounts.push((planned, account(client, planned).await?));
    }
    let work = evidence::Evidence {
        ledgers: ledger::read(folder)?,
        lives: crew.lives(),
        faults: journal.all(),
        records: records(client).await?,
        // Everything has ended.
        dismissed_at: i64::MAX,
        damage: stage.damage()?,
        ..evidence::Evidence::default()
    };
    Ok(Evidence { course: *course, store: plan.chaos.store, accounts, work })
}

/// A client on the clock of the run.
async fn client(url: &str, course: &Course) -> Result<Client, BoxError> {
    let tokio = Handle::current();
    let mut env = Env::system(tokio.clone(), tokio);
    env.clock = Arc::new(course.clock);
    Ok(Client::new(sight::open(url, course).await?, env))
}

/// Waits until each schedule has dealt with its last tick, and nothing waits or runs.
async fn settled(client: &Client, course: &Course) {
    loop {
        if is_settled(client, course).await.unwrap_or(false) {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

async fn is_settled(client: &Client, course: &Course) -> Result<bool, StoreError> {
    let views = client.schedules().list().await?;
    let is_done = |planned: &Planned| {
        let view = views.iter().find(|view| view.key() == planned.key);
        view.is_some_and(|view| {
            let left = planned.ticks_between(view.record.last_tick, course.ends);
            left.is_empty() && view.record.queued.is_empty()
        })
    };
    Ok(schedules::ALL.iter().all(is_done) && client.counts().await?.live() == 0)
}

/// The whole account of a schedule, in order.
async fn account(client: &Client, planned: &Planned) -> Result<Vec<TickRecord>, StoreError> {
    let mut all = Vec::new();
    let mut filter = TickFilter { schedule: planned.key.to_owned(), ..TickFilter::default() };
    loop {
        let page = client.schedules().ticks(filter.clone()).await?;
        let Some(first) = page.last() else { break };
        filter.before = Some(first.instant);
        all.extend(page);
    }
    all.reverse();
    Ok(all)
}
