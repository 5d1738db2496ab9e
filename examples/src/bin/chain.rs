//! A chain of jobs: each takes the output of the one before, and the compiler checks that they fit.
//!
//! `cargo run -p examples --bin chain -- [TEXT FILE]` reads a file, counts its words, and prints the most frequent ones. Each step
//! is a job with its own retries; the next one is stored in the transaction that records the step before. The jobs are kept in
//! `chain.db` in the current folder, or where `JOBS_STORE` says.

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use jobs_runtime::{BoxError, Client, JobId, JobRecord, Runtime, State, job};
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
    let store = std::env::var("JOBS_STORE").unwrap_or_else(|_| "sqlite://chain.db".to_owned());
    let done = std::sync::Arc::new(Notify::new());
    let runtime = Runtime::builder().store(store).provide_arc(std::sync::Arc::clone(&done)).start().await?;
    let client = runtime.client();
    let first = read::job(path).then::<count>().then::<print>().then::<finish>().enqueue(client).await?;
    let last = loop {
        // `finish` says that it is time to look. A chain stands still where a job of it fails: then it would never come.
        let _ = tokio::time::timeout(Duration::from_millis(50), done.notified()).await;
        match newest(client, first).await? {
            job if job.state == State::Failed => {
                return Err(format!("`{}` failed: {}", job.kind, job.error.unwrap_or_default()).into());
            }
            job if job.kind == finish::NAME && job.state == State::Completed => break job,
            _ => {}
        }
    };
    println!("`{}` was the last to follow on `read`", last.kind);
    runtime.shutdown().await;
    Ok(())
}

/// The newest job of a chain, from its first one on.
async fn newest(client: &Client, first: JobId) -> Result<JobRecord, BoxError> {
    let mut job = client.job(first).await?.ok_or("the chain was deleted meanwhile")?;
    while let Some(follower) = client.followers(job.id).await?.pop() {
        job = follower;
    }
    Ok(job)
}
