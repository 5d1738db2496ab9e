//! A worker process: takes what it has room for, until the system asks it to stop.

use jobs_runtime::Runtime;

use crate::labels::Name;
use crate::{Outcome, say};

/// How many labels one worker prints at once.
const PRINTERS: usize = 4;

pub(crate) async fn run(store: &str, name: &str) -> Outcome {
    let runtime = Runtime::builder()
        .store(store)
        .worker_name(name)
        .queue("labels", PRINTERS)
        .provide(Name(name.to_owned()))
        .start()
        .await?;
    say(format!("{name}: works"));
    runtime.run_until_signalled().await?;
    say(format!("{name}: stopped"));
    Ok(())
}
