//! One job with several schedules, each with a key, times and arguments of its own.
//!
//! `cargo run -p examples --bin several_keys` prints what it runs, and its schedules; then it asks for the run that belongs to the morning,
//! whatever the time is, and ends. Jobs and schedules are kept in `several_keys.db` in the current folder, or
//! where `JOBS_STORE` says.

use std::convert::Infallible;
use std::time::Duration;

use jobs_runtime::schedule::TickFilter;
use jobs_runtime::{BoxError, JobContext, Runtime, job};

/// Each schedule gives the arguments of its own jobs, which the compiler checks. Whoever enqueues it by hand gives them too.
#[job(
    schedule(cron = "0 8 * * MON-FRI", tz = "Europe/Berlin", key = "morning", args(greeting = "Good morning", coffees = 2)),
    schedule(cron = "0 20 * * *", tz = "Europe/Berlin", key = "evening", args(greeting = "Good evening", coffees = 0)),
    schedule(every = "90m", key = "between", args(greeting = "Hello again", coffees = 1))
)]
async fn greet(ctx: &JobContext, greeting: String, coffees: u8) -> Result<String, Infallible> {
    println!("attempt {}: {greeting}! Coffees: {coffees}", ctx.attempt());
    Ok(format!("said `{greeting}`"))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let store = std::env::var("JOBS_STORE").unwrap_or_else(|_| "sqlite://several_keys.db".to_owned());
    let runtime = Runtime::builder().store(store).start().await?;
    print!("{}", runtime.manifest());

    let client = runtime.client();
    let schedules = client.schedules();
    for view in schedules.list().await? {
        println!("{}: {}, arguments {}", view.key(), view.describe(), view.record.schedule.job.payload);
    }

    // Beside its times: the tick of tomorrow morning comes as it would have.
    let id = schedules.trigger("morning").await?;
    let said: String = loop {
        match client.output(id).await? {
            Some(said) => break said,
            None => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    let ticks = schedules.ticks(TickFilter { schedule: "morning".to_owned(), before: None, limit: 1 }).await?;
    println!("on request it {said}; {} tick of `morning` is accounted for", ticks.len());
    runtime.shutdown().await;
    Ok(())
}
