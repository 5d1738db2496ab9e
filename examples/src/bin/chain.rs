//! A chain of jobs: each takes the output of the one before, and the compiler checks that they fit.
//!
//! `cargo run -p examples --bin chain -- [TEXT FILE]` reads a file, counts its words, and prints the most frequent ones. Each step
//! is a job with its own retries; the next one is stored in the transaction that records the step before.

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use jobs_runtime::{BoxError, JobFilter, Runtime, State, job};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// How often each word occurs.
#[derive(Serialize, Deserialize)]
struct Words(Vec<(String, usize)>);

#[job(retries = 2, backoff = "fixed 50ms")]
async fn read(path: String) -> Result<String, BoxError> {
    Ok(tokio::task::spawn_blocking(|| std::fs::read_to_string(path)).await??)
}

#[job]
async fn count(text: String) -> Result<Words, BoxError> {
    let mut words: HashMap<String, usize> = HashMap::new();
    for word in text.split(|sign: char| !sign.is_alphabetic()).filter(|word| word.len() > 3) {
        *words.entry(word.to_lowercase()).or_default() += 1;
    }
    let mut words: Vec<_> = words.into_iter().collect();
    words.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    Ok(Words(words))
}

#[job]
async fn print(words: Words) -> Result<(), BoxError> {
    for (word, times) in words.0.iter().take(5) {
        println!("{times:5} {word}");
    }
    Ok(())
}

/// A job without an owned parameter may follow on any other.
#[job]
async fn finish(done: &Notify) {
    done.notify_one();
}

#[tokio::main]
async fn main() -> ExitCode {
    let path = std::env::args().nth(1).unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md").to_owned());
    match run(path).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chain: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(path: String) -> Result<(), BoxError> {
    if let Err(error) = std::fs::metadata(&path) {
        return Err(format!("{path}: {error}").into());
    }
    let done = std::sync::Arc::new(Notify::new());
    let runtime = Runtime::builder().store("memory:").provide_arc(std::sync::Arc::clone(&done)).start().await?;
    let first = read::job(path).then::<count>().then::<print>().then::<finish>().enqueue(runtime.client()).await?;
    // A chain stands still where a job of it fails: `finish` would never come.
    while tokio::time::timeout(Duration::from_millis(50), done.notified()).await.is_err() {
        let failed = JobFilter { state: Some(State::Failed), finished: true, ..JobFilter::default() };
        if let Some(job) = runtime.client().jobs(failed).await?.jobs.pop() {
            return Err(format!("`{}` failed: {}", job.kind, job.error.unwrap_or_default()).into());
        }
    }
    let follower = &runtime.client().followers(first).await?[0];
    println!("`{}` followed on `read`", follower.kind);
    runtime.shutdown().await;
    Ok(())
}
