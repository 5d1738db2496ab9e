//! A console program whose jobs run by themselves: by a cron expression, at an interval, at the start, and from a closure.
//!
//! `cargo run -p examples --bin console -- [--for 3s]` runs until Ctrl-C, or for so many seconds. Its jobs borrow what the builder
//! provides: a plain value, and a trait object. Its schedules and jobs are kept in `console.db` in the current folder, or where
//! `JOBS_STORE` says: `JOBS_STORE=memory:` keeps nothing.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jobs_runtime::{Error, JobContext, Runtime, closure, job};

/// Where jobs print. A unit test provides another one.
trait Printer: Send + Sync {
    fn print(&self, line: &str);
}

struct Screen;

impl Printer for Screen {
    fn print(&self, line: &str) {
        use std::io::Write;
        // Nobody looks at a closed pipe.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}

/// How often `count` has run.
#[derive(Default)]
struct Counter(AtomicU64);

/// At each second that is even. The five fields of crontab(5) have no seconds; a sixth one in front of them has.
#[job(cron = "*/2 * * * * *")]
async fn greet(printer: &dyn Printer) {
    printer.print("greet: hello at an even second");
}

/// Every second of the clock, whenever the program was started.
#[job(every = "1s", retries = 0)]
async fn count(counter: &Counter, printer: &dyn Printer) {
    let times = counter.0.fetch_add(1, Ordering::Relaxed) + 1;
    printer.print(&format!("count: {times}"));
}

/// At two in the morning in Berlin, also when the clock changes there, and whenever the program starts.
#[job(cron = "0 2 * * *", tz = "Europe/Berlin", run_on_start)]
async fn clean_up(printer: &dyn Printer, ctx: &JobContext) {
    printer.print(&format!("clean_up: attempt {} for {:.0}", ctx.attempt(), ctx.run_at()));
}

#[tokio::main]
async fn main() -> ExitCode {
    let limit = match limit(std::env::args().skip(1)) {
        Ok(limit) => limit,
        Err(mistake) => {
            eprintln!("console: {mistake}\nUsage: console [--for 3s]");
            return ExitCode::from(2);
        }
    };
    match run(limit).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("console: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(limit: Option<Duration>) -> Result<(), Error> {
    let tick = closure("tick", |ctx: JobContext| async move {
        Screen.print(&format!("tick: a closure, as {}", ctx.kind()));
        Ok::<_, std::io::Error>(())
    });
    let store = std::env::var("JOBS_STORE").unwrap_or_else(|_| "sqlite://console.db".to_owned());
    let builder = Runtime::builder()
        .store(store)
        .provide(Counter::default())
        .provide_arc::<dyn Printer>(Arc::new(Screen))
        .register(tick.every("1s").retries(0));
    let Some(limit) = limit else { return builder.run().await };
    let runtime = builder.start().await?;
    Screen.print(runtime.manifest().to_string().trim_end());
    tokio::time::sleep(limit).await;
    let totals = runtime.health().totals;
    runtime.shutdown().await;
    Screen.print(&format!("stopped after {} ticks", totals.ticks));
    Ok(())
}

/// Reads `--for 3s`.
fn limit(words: impl Iterator<Item = String>) -> Result<Option<Duration>, String> {
    let words: Vec<String> = words.collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Ok(None),
        ["--for", time] => match time.strip_suffix('s').and_then(|seconds| seconds.parse().ok()) {
            Some(seconds) => Ok(Some(Duration::from_secs(seconds))),
            None => Err(format!("`{time}` is no number of seconds such as `3s`")),
        },
        _ => Err(format!("unknown words `{}`", words.join(" "))),
    }
}
