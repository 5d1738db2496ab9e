//! What somebody gives to the statements for transactions of others: it is refused in words, or stored so that it can be read and run.

use std::cell::RefCell;

use jobs_core::name;
use jobs_core::store::JobFilter;
use jobs_runtime::{Client, JobRecord, State};

use super::mutate::texts;
use super::{Chunk, Found, ensure};
use crate::{Caller, World};

const JOBS: &[&str] = &[
    r#"{"kind":"work"}"#,
    r#"[{"kind":"work","payload":{"a":[1,{"b":"\u0001\ud83d\ude00"}],"n":1e400}},{"kind":"work","name":"n","queue":"low","priority":-32768}]"#,
    r#"{"kind":"work","payload":"{\"a\":\"\\u0000\"}","tags":["a","b"],"metadata":{"k":null},"tenant":"ü","user":"","retries":0,"timeout":1}"#,
    r#"[{"kind":"work","id":"01890000-0000-7000-8000-000000000001","run_at":"2026-05-01T12:00:00.5+02:00"},{"kind":"work","run_at":-1}]"#,
    r#"{"kind":"work","delay":99999999999999,"parent":"01890000-0000-7000-8000-000000000002","chain":[{"kind":"work"}],"created_at":0,"fresh":true}"#,
    "[]",
];

const OUTCOMES: &[&str] = &[
    r#"{"id":"01890000-0000-7000-8000-000000000001","token":1}"#,
    r#"[{"id":"01890000-0000-7000-8000-000000000001","token":0,"output":"{}","note":"x","started_at":0,"finished_at":1,"followers":[{"kind":"work"}]}]"#,
];

pub(super) fn sqlite(chunk: &Chunk) -> Result<(), Found> {
    on(chunk, Some(World::in_file()))
}

pub(super) fn postgres(chunk: &Chunk) -> Result<(), Found> {
    on(chunk, World::in_postgres())
}

fn on(chunk: &Chunk, world: Option<World>) -> Result<(), Found> {
    let Some(world) = world else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (client, caller) = runtime.block_on(async { (world.client(&world.store().await), world.caller().await) });
    let caller = RefCell::new(caller);
    let found =
        chunk.check(texts(JOBS), |jobs| runtime.block_on(stored_or_refused(&client, &mut caller.borrow_mut(), &jobs))).and_then(
            |()| chunk.check(texts(OUTCOMES), |outcomes| runtime.block_on(nothing_ends(&mut caller.borrow_mut(), &outcomes))),
        );
    runtime.block_on(world.clean_up());
    found
}

async fn stored_or_refused(client: &Client, caller: &mut Caller, jobs: &str) -> Result<(), String> {
    let answers = match caller.enqueue(jobs).await {
        Ok(answers) => answers,
        Err(refusal) => return ensure(!refusal.0.is_empty(), || "it is refused without a word".to_owned()),
    };
    for (id, _) in answers {
        let id = id.parse().map_err(|error| format!("{id} is no id: {error}"))?;
        let job = client.job(id).await.map_err(|error| error.to_string())?.ok_or("an answer has the id of no job")?;
        is_sound(&job)?;
    }
    client.jobs(JobFilter::default()).await.map(drop).map_err(|error| format!("the jobs cannot be read any more: {error}"))
}

fn is_sound(job: &JobRecord) -> Result<(), String> {
    let names = [("kind", &job.kind), ("queue", &job.queue)].into_iter().chain(job.name.as_ref().map(|name| ("name", name)));
    for (what, text) in names.chain(job.tags.iter().map(|tag| ("tag", tag))) {
        name::check(what, text).map_err(|error| error.to_string())?;
    }
    // What is JSON for a database, and too much for us, parks when it runs: nothing is lost.
    let is_beyond = |error: &serde_json::Error| {
        ["number out of range", "surrogate", "hex escape", "recursion limit"]
            .iter()
            .any(|limit| error.to_string().contains(limit))
    };
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&job.payload) {
        Err(error) if !is_beyond(&error) => return Err(format!("the payload {:?} is no object: {error}", job.payload)),
        _ => {}
    }
    ensure(matches!(job.state, State::Available | State::Scheduled), || format!("a new job is {:?}", job.state))
}

/// Nothing runs, so nothing can be completed.
async fn nothing_ends(caller: &mut Caller, outcomes: &str) -> Result<(), String> {
    caller.begin().await.map_err(|error| error.to_string())?;
    let answer = caller.complete(outcomes).await;
    // Gone already where SQLite has rolled back by itself.
    let _ = caller.rollback().await;
    match answer {
        Ok(()) => ensure(outcomes.trim() == "[]", || "an outcome of nothing was taken".to_owned()),
        Err(refusal) => ensure(!refusal.0.is_empty(), || "it is refused without a word".to_owned()),
    }
}
