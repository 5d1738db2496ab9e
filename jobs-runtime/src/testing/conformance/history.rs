//! Random histories: workers that work, die, freeze and leave, people who cancel, requeue and pause, and the rules that hold all the while.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use jobs_core::record::ClaimedJob;
use jobs_core::store::{CancelAnswer, ClaimRequest, CompletionAnswer, Decision};
use jobs_core::{JobId, NewJob, State, When};

use super::Subject;
use super::model::{Known, Model, Scope};
use super::world::{FROZEN, KILLED, Process, SECOND, Skills, Worker, World, done, fail, held, job, park};

const KINDS: [&str; 2] = ["a", "b"];
const HISTORIES: u64 = 12;
const STEPS: usize = 120;

/// Some histories, each from its seed: states move only as they may, tokens count claims, attempts count failures, nothing is lost,
/// no step changes a job that it does not concern, and in the end every job ends.
///
/// A failure tells its seed; `JOBS_CONFORMANCE_SEED=<seed>` runs that history alone.
pub async fn random_histories_keep_every_rule(subject: &dyn Subject) {
    let chosen = std::env::var("JOBS_CONFORMANCE_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let world = World::new(subject);
    for seed in chosen.map_or(0..HISTORIES, |seed| seed..seed.saturating_add(1)) {
        let mut history = History::begin(&world, seed).await;
        for _ in 0..STEPS {
            history.step().await;
        }
        history.end().await;
    }
}

/// A job that follows on another.
fn following(id: JobId, parent: JobId) -> NewJob {
    let mut new = job("b");
    new.id = Some(id);
    new.parent = Some(parent);
    new.retries = Some(0);
    new
}

struct History<'a> {
    world: &'a World<'a>,
    rng: Rng,
    model: Model,
    viewer: Process,
    workers: Vec<Worker>,
    /// Runs whose outcome may still come, from live workers and from lost ones.
    runs: Vec<(jobs_core::WorkerId, ClaimedJob)>,
    /// Whether the queue is paused.
    paused: bool,
}

impl<'a> History<'a> {
    async fn begin(world: &'a World<'a>, seed: u64) -> Self {
        let mut model = Model::new(seed);
        let viewer = world.process().await;
        // What earlier histories left is finished, and must stay as it is.
        for record in viewer.all(jobs_core::store::JobFilter { finished: true, ..Default::default() }).await {
            let known = Known { claims: record.token, failures: record.failures, retries: record.retries.unwrap_or(0), record };
            model.jobs.insert(known.record.id, known);
        }
        let mut workers = Vec::new();
        for _ in 0..3 {
            workers.push(world.worker(&KINDS).await);
        }
        Self { world, rng: Rng::with_seed(seed), model, viewer, workers, runs: Vec::new(), paused: false }
    }

    async fn step(&mut self) {
        let scope = match self.rng.u8(..23) {
            0..4 => self.enqueue().await,
            4..9 => self.claim().await,
            9..14 => self.outcome().await,
            14 => self.cancel().await,
            15 => self.requeue().await,
            16 | 17 => self.pass().await,
            18 => self.lose_a_worker().await,
            19 => self.pause(true).await,
            20 | 21 => self.pause(false).await,
            _ => self.abandon().await,
        };
        self.model.compare(&self.viewer, scope).await;
    }

    fn any_job(&mut self) -> Option<JobId> {
        let count = self.model.jobs.len();
        let nth = self.rng.usize(..count.max(1));
        self.model.jobs.keys().nth(nth).copied()
    }

    async fn enqueue(&mut self) -> Scope {
        let mut new = job(self.rng.choice(["a", "b", "strange"]).unwrap_or("a"));
        new.priority = self.rng.i16(-2..=2);
        new.retries = Some(self.rng.u32(..4));
        if self.rng.bool() {
            new.when = When::After(SECOND * self.rng.u32(..20));
        }
        if self.rng.u8(..4) == 0 {
            new.name = Some(format!("name-{}", self.rng.u8(..4)));
        }
        let repeat = if self.rng.u8(..6) == 0 { self.any_job() } else { None };
        new.id = Some(repeat.unwrap_or_else(|| self.viewer.new_id()));
        let bearer = new.name.as_deref().and_then(|name| self.model.bearer(name));
        self.model.step(format!("enqueue {new:?}"));
        let (id, retries) = (new.id, new.retries.unwrap_or(0));
        let answer = self.viewer.enqueue(vec![new]).await[0];
        let created = repeat.is_none() && bearer.is_none();
        assert_eq!((Some(answer.id), answer.created), (repeat.or(bearer).or(id), created), "{}", self.model.story());
        if created {
            let record = self.viewer.record(answer.id).await;
            self.model.jobs.insert(answer.id, Known { record, claims: 0, failures: 0, retries });
        }
        Scope::only([])
    }

    async fn claim(&mut self) -> Scope {
        let nth = self.rng.usize(..self.workers.len());
        let (limit, probation) = (self.rng.usize(1..5), self.rng.bool());
        self.model.step(format!("claim {limit} by worker {nth}, room for probation: {probation}"));
        let worker = &self.workers[nth];
        let claim = worker.try_claim(ClaimRequest { probation, ..worker.request(limit) }).await;
        let story = self.model.story();
        assert!(!claim.lost && claim.jobs.len() <= limit, "{claim:?}: {story}");
        assert!(!self.paused || claim.jobs.is_empty(), "of a paused queue: {story}");
        let turns: Vec<_> = claim.jobs.iter().map(|job| (job.priority, job.run_at)).collect();
        assert!(turns.is_sorted(), "{turns:?} are out of order: {story}");
        let on_probation = claim.jobs.iter().filter(|job| job.crashes > 0).count();
        assert!(on_probation <= usize::from(probation), "{on_probation} on probation: {story}");
        for run in claim.jobs {
            let known = self.model.jobs.get_mut(&run.id).expect("a job of the history");
            let waits = matches!(known.record.state, State::Available | State::Scheduled | State::Retryable);
            assert!(waits && run.run_at <= self.world.wall() && run.kind.as_ref() != "strange", "{run:?}: {story}");
            assert!(run.failures <= known.retries, "attempt {} of {}: {story}", run.failures + 1, known.retries + 1);
            known.claims += 1;
            assert_eq!(run.token, known.claims, "{story}");
            self.runs.push((worker.id, run));
        }
        Scope::Any
    }

    async fn pause(&mut self, pause: bool) -> Scope {
        self.model.step(if pause { "pause" } else { "resume" }.to_owned());
        let (store, queue) = (&self.viewer.store, vec!["default".to_owned()]);
        let answer = if pause { store.pause(self.viewer.now(), queue) } else { store.resume(queue) };
        let changed = answer.await.expect("the store pauses and resumes");
        assert_eq!(changed, [pause != self.paused], "{}", self.model.story());
        self.paused = pause;
        Scope::only([])
    }

    fn decide(&mut self, run: &ClaimedJob) -> Decision {
        let wait = SECOND * self.rng.u32(..30);
        let retries = self.model.jobs[&run.id].retries;
        match self.rng.u8(..8) {
            0 | 1 => done(),
            2 | 3 if run.failures < retries => Decision::Retry { error: "again".to_owned(), after: wait },
            2 | 3 => fail(),
            4 => Decision::Snooze { after: wait },
            5 => Decision::HandBack,
            6 => park("1"),
            _ => Decision::Cancel { reason: "enough".to_owned() },
        }
    }

    async fn outcome(&mut self) -> Scope {
        if self.runs.is_empty() {
            return Scope::only([]);
        }
        let nth = self.rng.usize(..self.runs.len());
        let mut run = self.runs[nth].1.clone();
        if self.rng.u8(..8) > 0 {
            self.runs.swap_remove(nth);
        } else if self.rng.bool() {
            run.token -= 1;
        }
        let decision = self.decide(&run);
        let follower = if self.rng.u8(..4) == 0 { Some(self.viewer.new_id()) } else { None };
        self.model.step(format!("outcome of {} under {}: {decision:?}, followed by {follower:?}", run.id, run.token));
        let mut outcome = self.viewer.outcome(&run, decision.clone());
        outcome.followers.extend(follower.map(|id| following(id, run.id)));
        let answer = self.viewer.complete(vec![outcome]).await.remove(0);
        let known = self.model.jobs.get_mut(&run.id).expect("a job of the history");
        let expected = match (known.record.state, known.record.token == run.token) {
            (State::Running, true) => CompletionAnswer::Applied,
            (state, true) if state.is_finished() => CompletionAnswer::Repeated,
            _ => CompletionAnswer::Stale,
        };
        let failed = matches!(decision, Decision::Retry { .. } | Decision::Fail { .. });
        known.failures += u32::from(failed && expected == CompletionAnswer::Applied);
        assert_eq!(answer, expected, "{}", self.model.story());
        let applied = expected == CompletionAnswer::Applied;
        if let Some(id) = follower.filter(|_| applied) {
            let record = self.viewer.record(id).await;
            self.model.jobs.insert(id, Known { record, claims: 0, failures: 0, retries: 0 });
        }
        Scope::only(applied.then_some(run.id))
    }

    async fn cancel(&mut self) -> Scope {
        let Some(id) = self.any_job() else { return Scope::only([]) };
        self.model.step(format!("cancel {id}"));
        let expected = match self.model.jobs[&id].record.state {
            State::Running => CancelAnswer::Requested,
            state if state.is_finished() => CancelAnswer::Finished,
            _ => CancelAnswer::Cancelled,
        };
        assert_eq!(self.viewer.cancel(id).await, expected, "{}", self.model.story());
        Scope::only([id])
    }

    async fn requeue(&mut self) -> Scope {
        let Some(id) = self.any_job() else { return Scope::only([]) };
        self.model.step(format!("requeue {id}"));
        let record = &self.model.jobs[&id].record;
        let taken = record.name.as_deref().is_some_and(|name| self.model.bearer(name).is_some());
        let expected = record.state == State::Parked || (record.state.is_finished() && !taken);
        assert_eq!(self.viewer.requeue(id).await, expected, "{}", self.model.story());
        if expected {
            self.model.jobs.get_mut(&id).expect("a job of the history").failures = 0;
        }
        Scope::only(expected.then_some(id))
    }

    async fn pass(&mut self) -> Scope {
        let span = SECOND * self.rng.u32(1..25);
        self.live(span).await
    }

    async fn live(&mut self, span: Duration) -> Scope {
        self.model.step(format!("{span:?} pass"));
        self.world.pass(span, &self.workers.iter().collect::<Vec<_>>()).await;
        Scope::Any
    }

    /// One worker leaves, is killed or freezes, and another starts in its place.
    async fn lose_a_worker(&mut self) -> Scope {
        let worker = self.workers.swap_remove(self.rng.usize(..self.workers.len()));
        let how = self.rng.u8(..3);
        self.model.step(format!("worker {} {}", worker.id, ["leaves", "is killed", "freezes"][usize::from(how)]));
        match how {
            0 => worker.leave().await,
            1 => {
                self.world.kill(worker).await;
                self.live(KILLED).await;
            }
            _ => {
                self.live(FROZEN).await;
            }
        }
        let shape = self.rng.choice(["1", "2"]).unwrap_or("1");
        self.workers.push(self.world.process().await.worker(&Skills::new(&KINDS).shape(shape)).await);
        Scope::Any
    }

    /// A lost worker says that it lives.
    async fn abandon(&mut self) -> Scope {
        let alive: Vec<_> = self.workers.iter().map(|worker| worker.id).collect();
        let lost: BTreeMap<JobId, _> =
            self.runs.iter().filter(|(worker, _)| !alive.contains(worker)).map(|(_, run)| (run.id, held(run))).collect();
        self.model.step(format!("abandon {lost:?}"));
        self.viewer.store.abandon(self.viewer.now(), lost.values().copied().collect()).await.expect("an answer");
        Scope::Only(lost.into_keys().collect())
    }

    /// All workers leave, and one that can run everything runs whatever is left.
    async fn end(mut self) {
        self.pause(false).await;
        for worker in self.workers.drain(..) {
            worker.leave().await;
        }
        let last = self.world.process().await.worker(&Skills::new(&["a", "b", "strange"]).shape("9")).await;
        for _ in 0..STEPS {
            for run in last.claim_on_probation(50).await {
                last.settle(&run, done()).await;
            }
            self.world.pass(SECOND * 10, &[&last]).await;
            if last.counts().await.live() == 0 {
                last.leave().await;
                return;
            }
        }
        panic!("some jobs never end: {:?}: {}", last.counts().await, self.model.story());
    }
}
