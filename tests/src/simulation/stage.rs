//! The stage: the kinds of job that a simulated process knows, and what their runs do. What a run does follows from the seed, the job,
//! and the number of the run.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::argument::ArgumentError;
use jobs_core::inject::{ServiceEntry, own};
use jobs_core::outcome::Outcome;
use jobs_core::registry::{Handler, Location};
use jobs_core::store::Store;
use jobs_core::{Backoff, BoxError, JobContext, JobEntry, JobId, NewJob, Verdict};
use jobs_runtime::env::Rng;
use jobs_runtime::settings::Sources;
use jobs_runtime::testing::guards::Guard;
use jobs_runtime::{Builder, Client, ClosureJob, Runtime, closure};

use super::life::Life;
use super::plan::{Build, Dice, QUEUES};
use super::referee::RETRIES;
use super::server::{Server, job_text};
use super::steps::{OF_CODE, SAVED, of_code};
use super::unit::{UNIT, Unit};
use super::wire::Wire;

/// How often the schedule of every process fires.
pub(super) const EVERY: &str = "20s";

/// How long an attempt of some kinds may take, and how long it then has to stop.
const TIMEOUT: Duration = Duration::from_secs(20);
const GRACE: Duration = Duration::from_secs(10);

/// What the runs of one process need.
#[derive(Clone)]
pub(super) struct Stage {
    server: Arc<Server>,
    life: Life,
    client: Client,
    seed: u64,
}

/// What a run does.
#[derive(Clone, Copy)]
enum Act {
    Succeed,
    Fail,
    Panic,
    Hang,
    Snooze,
    RetryIn,
    Discard,
    Cancel,
}

/// A run that is under way, until it is dropped.
struct Run<'a> {
    stage: &'a Stage,
    number: u64,
    text: String,
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        // What a killed process leaves behind is dropped at some later time.
        if !self.stage.life.is_gone() {
            self.stage.server.note(&self.stage.life.name(), format_args!("over {}", self.text));
        }
        let now = self.stage.server.own_now();
        self.stage.server.book().referee.ended(now, self.number);
    }
}

impl Stage {
    pub(super) fn new(server: &Arc<Server>, life: &Life, wire: &Arc<Wire>, seed: u64) -> Self {
        let client = Client::new(Arc::clone(wire) as Arc<dyn Store>, life.env(chance(seed, &life.name())));
        Self { server: Arc::clone(server), life: life.clone(), client, seed }
    }

    /// The client of this process.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The program that this process runs, in one of its builds. It keeps finished jobs for so long, or as long as by default, and has
    /// these schedules in its code, if it has them at all.
    pub(super) fn program(&self, wire: &Arc<Wire>, build: Build, kept: Option<Duration>, code: &[&'static str]) -> Builder {
        let backoff = Backoff::parse("fixed 3s").unwrap_or_else(|error| panic!("{error}"));
        let mut program = Runtime::builder()
            .sources(Sources::none())
            .without_linked()
            .store_opened(Arc::clone(wire) as Arc<dyn Store>)
            .clock(Arc::new(self.life.clone()))
            .spawn(Arc::new(self.life.clone()))
            .rng(chance(self.seed.wrapping_add(1), &self.life.name()))
            .worker_name(self.life.name())
            .build(build.name())
            .concurrency(4)
            .queue(QUEUES[1], 3)
            .retries(RETRIES)
            .backoff(&backoff)
            .cancel_grace(GRACE)
            .register(self.kind("work").timeout(TIMEOUT))
            .register(self.kind("child").timeout(TIMEOUT))
            .register(self.kind("tick").every(EVERY))
            .register(self.shaped(build))
            .register(self.unit());
        let (wire, life) = (Arc::clone(wire), self.life.clone());
        program = program.provide_transaction(move |scope| Unit::begin(Arc::clone(&wire), life.clone(), scope), Unit::commit);
        if let Some(kept) = kept {
            let text = format!("{}s", kept.as_secs());
            for state in ["completed", "cancelled", "failed"] {
                program = program.option(&format!("retention.{state}"), &text);
            }
        }
        for name in OF_CODE {
            let kind = self.kind(name).timeout(TIMEOUT);
            program = program.register(match of_code(name, build).filter(|_| code.contains(&name)) {
                Some(form) => kind.every(form.every).misfire(form.misfire).overlap(form.overlap).jitter(form.jitter),
                None => kind,
            });
        }
        for name in ["long", "chain", "link", "parent", "killer", "quick", SAVED] {
            program = program.register(self.kind(name));
        }
        program.register(self.kind(if build == Build::Old { "old" } else { "new" }))
    }

    #[track_caller]
    fn kind(&self, name: &'static str) -> ClosureJob {
        let stage = self.clone();
        closure(name, move |context: JobContext| {
            let stage = stage.clone();
            async move { stage.run(context).await }
        })
    }

    /// A kind whose newer arguments the old build cannot decode.
    fn shaped(&self, build: Build) -> JobEntry {
        let stage = self.clone();
        let handler = Handler::Closure(Arc::new(move |call| {
            if build == Build::Old && call.payload.contains('2') {
                return Err(ArgumentError::Missing { name: "version 1" });
            }
            let (stage, context) = (stage.clone(), call.scope.context().clone());
            Ok(Box::pin(async move { stage.run(context).await.settle() }))
        }));
        JobEntry::new(Cow::Borrowed("shaped"), "", Location { file: file!(), line: line!() }, handler)
    }

    /// A kind whose effect and completion are one commit: what `#[job]` writes for a fn that borrows `&mut Unit`.
    fn unit(&self) -> JobEntry {
        const OWN: &[ServiceEntry] = &[own::<Unit>()];
        let stage = self.clone();
        let handler = Handler::Closure(Arc::new(move |call| {
            let (stage, scope) = (stage.clone(), call.scope);
            Ok(Box::pin(async move {
                // It has begun, however long its transaction takes to begin.
                let begun = stage.begin(scope.context());
                let mut own = scope.build(OWN).await?;
                let mut unit = own.take::<Unit>()?;
                unit.write();
                let settled = stage.go_on(begun, scope.context()).await.settle();
                own.put(unit);
                own.end(settled).await
            }))
        }));
        let mut entry = JobEntry::new(Cow::Borrowed(UNIT), "", Location { file: file!(), line: line!() }, handler);
        (entry.services, entry.timeout) = (OWN, Some(TIMEOUT));
        entry
    }

    async fn run(&self, context: JobContext) -> Result<String, BoxError> {
        let begun = self.begin(&context);
        self.go_on(begun, &context).await
    }

    /// Begins a run, and says what its chance is.
    fn begin(&self, context: &JobContext) -> (Run<'_>, Dice) {
        let now = self.server.own_now();
        let (number, nth) = self.server.book().referee.began(now, &self.life, context.id(), context.attempt());
        let text = format!("{} {} attempt {}", context.kind(), job_text(context.id()), context.attempt());
        self.server.note(&self.life.name(), format_args!("run {text}"));
        let dice = Dice::new(self.seed ^ mix(context.id().as_bytes()).wrapping_add(nth.unsigned_abs()));
        (Run { stage: self, number, text }, dice)
    }

    /// Does what a run does, to its end.
    async fn go_on(&self, (_run, mut dice): (Run<'_>, Dice), context: &JobContext) -> Result<String, BoxError> {
        let hears = dice.chance(0.5);
        tokio::select! {
            biased;
            done = self.play(context, &mut dice) => done,
            () = context.cancelled(), if hears => {
                tokio::time::sleep(Duration::from_millis(200)).await;
                Err("stopped".into())
            }
        }
    }

    async fn play(&self, context: &JobContext, dice: &mut Dice) -> Result<String, BoxError> {
        let quick = dice.between(0, 500);
        let act = match context.kind() {
            "work" | "child" | UNIT => {
                let slow = dice.between(1_000, 10_000);
                // The last one ends at the very moment at which it would be dropped.
                let takes = dice.pick(&[(78, quick), (20, slow), (2, TIMEOUT + GRACE)]);
                tokio::time::sleep(takes).await;
                dice.pick(&[
                    (60, Act::Succeed),
                    (15, Act::Fail),
                    (4, Act::Panic),
                    (5, Act::Hang),
                    (6, Act::Snooze),
                    (4, Act::RetryIn),
                    (3, Act::Discard),
                    (2, Act::Cancel),
                ])
            }
            "long" => {
                tokio::time::sleep(dice.between(20_000, 60_000)).await;
                Act::Succeed
            }
            "quick" => {
                tokio::time::sleep(dice.between(0, 20)).await;
                dice.pick(&[(97, Act::Succeed), (3, Act::Fail)])
            }
            "tick" => {
                let takes = if dice.chance(0.1) { dice.between(10_000, 30_000) } else { quick };
                tokio::time::sleep(takes).await;
                dice.pick(&[(90, Act::Succeed), (10, Act::Fail)])
            }
            name if name == SAVED || OF_CODE.contains(&name) => {
                let often = if name == "sweep" { 0.4 } else { 0.12 };
                let takes = if dice.chance(often) { dice.between(8_000, 19_000) } else { quick };
                tokio::time::sleep(takes).await;
                dice.pick(&[(93, Act::Succeed), (6, Act::Fail), (1, Act::Panic)])
            }
            "parent" => {
                let mut child = NewJob::new("child", "{}");
                child.id = Some(child_of(context.id()));
                self.enqueue(vec![child]).await;
                Act::Succeed
            }
            "killer" => {
                tokio::time::sleep(quick).await;
                self.server.note(&self.life.name(), "is killed by its job");
                self.life.kill();
                std::future::pending().await
            }
            "chain" | "link" => {
                let takes = if dice.chance(0.3) { dice.between(2_000, 20_000) } else { quick };
                tokio::time::sleep(takes).await;
                dice.pick(&[(85, Act::Succeed), (15, Act::Fail)])
            }
            _ => {
                tokio::time::sleep(quick).await;
                dice.pick(&[(85, Act::Succeed), (15, Act::Fail)])
            }
        };
        self.end(act, context, dice).await
    }

    async fn end(&self, act: Act, context: &JobContext, dice: &mut Dice) -> Result<String, BoxError> {
        Err(match act {
            Act::Succeed => return Ok(job_text(context.id())),
            Act::Fail => "it fails".into(),
            Act::Panic => panic!("{SCRIPTED}"),
            Act::Hang => std::future::pending().await,
            Act::Snooze => Verdict::snooze(dice.between(500, 20_000)).into(),
            Act::RetryIn => Verdict::retry_in(dice.between(500, 10_000), "later").into(),
            Act::Discard => Verdict::discard("of no use").into(),
            Act::Cancel => Verdict::cancel("not wanted").into(),
        })
    }

    /// Enqueues until there is an answer.
    pub(super) async fn enqueue(&self, jobs: Vec<NewJob>) {
        loop {
            let copies = self.server.restored();
            let call = tokio::time::timeout(CALL, self.client.enqueue_jobs(jobs.clone()));
            // What was stored just before the store was put back is gone.
            if let Ok(Ok(stored)) = call.await
                && copies == self.server.restored()
            {
                let mut book = self.server.book();
                return stored.iter().for_each(|stored| book.referee.acknowledge(stored.id));
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Resumes a queue, again and again until there is an answer.
    pub(super) async fn resume(&self, queue: &str) {
        while !matches!(tokio::time::timeout(CALL, self.client.resume_queue(queue)).await, Ok(Ok(_))) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// How long a caller waits for one answer.
pub(super) const CALL: Duration = Duration::from_secs(10);

/// The text of panics that are part of the play.
pub(super) const SCRIPTED: &str = "a panic of the play";

/// The source of chance of a process.
fn chance(seed: u64, name: &str) -> Rng {
    let name = name.bytes().fold(seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    if Guard::SeededChance.is_on() { Rng::seeded(name) } else { Rng::from_system() }
}

/// A number that follows from an id.
fn mix(id: &[u8; 16]) -> u64 {
    id.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The id of the job that another one enqueues.
fn child_of(parent: JobId) -> JobId {
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&mix(parent.as_bytes()).to_be_bytes());
    JobId::from_parts(1, bytes)
}
