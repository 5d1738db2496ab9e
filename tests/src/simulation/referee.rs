//! The referee: keeps its own account of every job, worker and schedule, by the answers of the store alone, and says which rule is
//! broken.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use jobs_core::store::{
    Beat, Claim, ClaimRequest, Completion, CompletionAnswer, Decision, Enqueued, KnownWorkers, NewWorker, Now, PausedQueue,
    ScheduleChange, ScheduleRecord, TickRecord,
};
use jobs_core::{JobId, JobRecord, NewJob, State, WorkerId};

use super::life::Life;
use super::pauses::{self, Begun, Pauses};
use super::rules::{self, Cause, Facts, Round};
use super::schedules::{self, Living, Plan, Schedules, Shot};
use super::server::job_text;
use super::unit::{Effects, UNIT};

/// How often a job is tried again at most.
pub(super) const RETRIES: u32 = 3;

/// Judges what happens.
#[derive(Clone, Default)]
pub(super) struct Referee {
    cases: BTreeMap<JobId, Case>,
    tenants: BTreeMap<WorkerId, Tenant>,
    /// The processes of workers that are forgotten.
    graves: BTreeMap<WorkerId, Life>,
    schedules: Schedules,
    pauses: Pauses,
    /// The jobs with transactions of their own that were completed, each with its token.
    completed: BTreeSet<(JobId, i64)>,
    runs: BTreeMap<u64, Run>,
    last_run: u64,
    stored: u64,
    /// The first rules that were broken.
    violations: Vec<Violation>,
}

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: &'static str,
    /// By what.
    pub by: String,
}

/// What is known of a job.
#[derive(Clone)]
struct Case {
    record: JobRecord,
    holder: Option<WorkerId>,
    /// Its runs that have begun.
    runs: i64,
    acknowledged: bool,
    /// Which attempt each claim was for, by the token.
    attempts: BTreeMap<i64, u32>,
    /// The processes in which its runs began, by the token.
    ran: BTreeMap<i64, String>,
    /// The crashes that count, by the token under which it was held: the processes that were lost.
    crashed: BTreeMap<i64, String>,
    /// The shapes that could not decode it.
    shapes: BTreeSet<String>,
}

/// A worker that is known.
#[derive(Clone)]
struct Tenant {
    /// The kinds that it knows, each with the shape of its arguments.
    kinds: BTreeMap<String, String>,
    /// The build that it runs.
    build: String,
    /// The schedules in its code.
    schedules: BTreeSet<String>,
    /// When its process started.
    started: Timestamp,
    lease: Duration,
    renewed: Duration,
}

/// A run of a job in a process.
#[derive(Clone)]
struct Run {
    job: JobId,
    life: Life,
}

impl Case {
    fn new(record: JobRecord) -> Self {
        Self {
            record,
            holder: None,
            runs: 0,
            acknowledged: false,
            attempts: BTreeMap::new(),
            ran: BTreeMap::new(),
            crashed: BTreeMap::new(),
            shapes: BTreeSet::new(),
        }
    }
}

impl Run {
    fn text(&self) -> String {
        format!("{} runs in {}", job_text(self.job), self.life.name())
    }
}

impl Tenant {
    fn has_lease(&self, now: Now) -> bool {
        now.steady.saturating_sub(self.renewed) <= self.lease
    }
}

impl Referee {
    fn blame(&mut self, rule: &'static str, by: impl Into<String>) {
        self.violations.push(Violation { rule, by: by.into() });
    }

    pub(super) fn violation(&mut self, rule: &'static str, by: impl Into<String>) {
        self.blame(rule, by);
    }

    /// The first rule that was broken.
    pub(super) fn first(&self) -> Option<&Violation> {
        self.violations.first()
    }

    /// All jobs that have not ended.
    pub(super) fn unfinished(&self) -> Vec<JobId> {
        self.cases.iter().filter(|(_, case)| !case.record.state.is_finished()).map(|(id, _)| *id).collect()
    }

    /// All jobs that are remembered.
    pub(super) fn ids(&self) -> Vec<JobId> {
        self.cases.keys().copied().collect()
    }

    /// All jobs that were stored, as they were last seen.
    pub(super) fn records(&self) -> impl Iterator<Item = &JobRecord> {
        self.cases.values().map(|case| &case.record)
    }

    /// The jobs whose enqueue was answered.
    pub(super) fn acknowledged(&self) -> Vec<JobId> {
        self.cases.iter().filter(|(_, case)| case.acknowledged).map(|(id, _)| *id).collect()
    }

    /// How many jobs were stored.
    pub(super) fn stored(&self) -> u64 {
        self.stored
    }

    /// How many runs have begun.
    pub(super) fn runs(&self) -> u64 {
        self.last_run
    }

    /// Somebody was told that a job is stored.
    pub(super) fn acknowledge(&mut self, id: JobId) {
        match self.cases.get_mut(&id) {
            Some(case) => case.acknowledged = true,
            None => self.blame("a job that enqueue answered for is stored", job_text(id)),
        }
    }

    pub(super) fn enqueued(&mut self, jobs: &[NewJob], answers: &[Enqueued]) {
        for (job, answer) in jobs.iter().zip(answers) {
            if answer.created && job.id.is_some_and(|id| self.cases.contains_key(&id)) {
                self.blame("an enqueue that is repeated stores nothing", job_text(answer.id));
            }
        }
    }

    pub(super) fn registered(&mut self, life: &Life, now: Now, worker: &NewWorker) {
        let own = life.name();
        // A crash for a claim whose answer never came cannot be taken back: nobody here knows of it.
        let forgotten = self.cases.iter().find(|(_, case)| {
            let mut crashed = case.crashed.iter().filter(|(_, name)| **name == own);
            !case.record.state.is_finished() && crashed.any(|(token, _)| case.ran.get(token) == Some(&own))
        });
        if let Some((id, _)) = forgotten {
            let by = format!("{own}: {}", job_text(*id));
            self.blame("a process that lost its lease and lives takes back the crashes that this cost", by);
        }
        let tenant = Tenant {
            kinds: worker.kinds.iter().map(|kind| (kind.name.clone(), kind.shape.clone())).collect(),
            build: worker.build.clone(),
            schedules: worker.schedules.iter().cloned().collect(),
            started: now.wall - worker.up_for,
            lease: worker.lease,
            renewed: now.steady,
        };
        self.tenants.insert(worker.id, tenant);
        if self.graves.insert(worker.id, life.clone()).is_some() {
            self.blame("a worker's id is used once", life.name());
        }
    }

    pub(super) fn beaten(&mut self, now: Now, worker: WorkerId, beat: Beat) {
        let tenant = self.tenants.get_mut(&worker).filter(|tenant| tenant.has_lease(now));
        let holds = tenant.is_some();
        if let Some(tenant) = tenant {
            tenant.renewed = tenant.renewed.max(now.steady);
        }
        if beat.alive && beat.paused != self.pauses.any() {
            self.blame("a heartbeat tells whether a queue is paused", format!("{worker}"));
        }
        if holds != beat.alive {
            self.blame("a lease is renewed while it holds, and not afterwards", format!("{worker}"));
        }
    }

    /// Those whose lease has run out are forgotten.
    pub(super) fn buried(&mut self, now: Now) {
        self.tenants.retain(|_, tenant| tenant.has_lease(now));
    }

    pub(super) fn left(&mut self, worker: WorkerId) {
        self.tenants.remove(&worker);
    }

    pub(super) fn claimed(&mut self, now: Now, request: &ClaimRequest, claim: &Claim) {
        let holds = self.tenants.get(&request.worker).is_some_and(|tenant| tenant.has_lease(now));
        if holds == claim.lost {
            self.blame("a claim is granted under a lease, and only there", format!("{}", request.worker));
        }
        for job in &claim.jobs {
            let name = job_text(job.id);
            if !request.kinds.contains(&*job.kind) {
                self.blame("a worker gets only kinds that it knows", format!("{name} is {}", job.kind));
            }
            if self.pauses.is_paused(&job.queue) {
                self.blame("nothing of a paused queue is claimed", format!("{name} of {}", job.queue));
            }
            let Some(case) = self.cases.get_mut(&job.id) else {
                self.blame("only jobs that were stored are claimed", name);
                continue;
            };
            case.attempts.insert(job.token, job.failures + 1);
            if case.record.failures != job.failures || job.failures > RETRIES {
                self.blame("an attempt is a failure more, up to the limit", format!("{name} has {} failures", job.failures));
            }
        }
        let fresh = claim.jobs.iter().filter(|job| job.crashes > 0).count();
        let held = self
            .cases
            .values()
            .filter(|case| case.holder == Some(request.worker) && case.record.state == State::Running && case.record.crashes > 0);
        if fresh > 0 && fresh + held.count() > 1 {
            self.blame("a worker has one job on probation at a time", format!("{}", request.worker));
        }
    }

    pub(super) fn settled(&mut self, outcome: &Completion, answer: &CompletionAnswer) {
        let Some(case) = self.cases.get(&outcome.id) else { return };
        let expected = match case.record.state {
            State::Running if case.record.token == outcome.token => CompletionAnswer::Applied,
            state if state.is_finished() && case.record.token == outcome.token => CompletionAnswer::Repeated,
            _ => CompletionAnswer::Stale,
        };
        if *answer != expected {
            let by = format!("{} under token {}: {answer:?} instead of {expected:?}", job_text(outcome.id), outcome.token);
            self.blame("an outcome counts under the newest token, and once", by);
        }
    }

    /// A transaction of a job's own came to the store.
    pub(super) fn committed(&mut self, outcome: &Completion, is_done: bool) {
        let Some(case) = self.cases.get(&outcome.id) else { return };
        let is_held = case.record.state == State::Running && case.record.token == outcome.token;
        if is_done != is_held {
            let by = format!("{} under token {}: done {is_done}", job_text(outcome.id), outcome.token);
            self.blame("a commit completes a job that is held under its token, or fails", by);
        }
    }

    /// Compares what jobs have written with the jobs that were completed.
    pub(super) fn look_at_effects(&mut self, effects: &Effects) {
        if let Some((rule, by)) = effects.broken(&self.completed) {
            self.blame(rule, by);
        }
    }

    pub(super) fn followed(
        &mut self,
        outcome: &Completion,
        answer: &CompletionAnswer,
        follower: JobId,
        stored: Option<JobRecord>,
    ) {
        let right = match (answer, &stored) {
            (CompletionAnswer::Applied, Some(record)) => record.parent == Some(outcome.id),
            (CompletionAnswer::Applied, None) => false,
            (_, Some(_)) => self.cases.contains_key(&follower),
            (_, None) => true,
        };
        if !right {
            self.blame("a follower is stored with the outcome that counts, and with no other", job_text(follower));
        }
        if stored.is_some() {
            self.saw(&Cause::Enqueue, follower, stored);
        }
    }

    /// What the policy of a schedule makes of what is due, for a process that knows the time.
    pub(super) fn planned(&self, key: &str, now: Option<Timestamp>) -> Option<Vec<(Timestamp, Plan)>> {
        Some(schedules::planned(self.schedules.row(key)?, now?))
    }

    /// The jobs of a schedule that have not ended.
    pub(super) fn living_of(&self, key: &str) -> Vec<Living> {
        let records = self.records().filter(|record| record.schedule.as_deref() == Some(key) && !record.state.is_finished());
        records.map(|record| Living { id: record.id, runs: record.state == State::Running }).collect()
    }

    /// Schedules have been changed.
    pub(super) fn changed(&mut self, now: Now, change: &ScheduleChange, rows: Vec<ScheduleRecord>, accounts: Vec<TickRecord>) {
        let mut held = KnownWorkers::default();
        for tenant in self.tenants.values().filter(|tenant| tenant.has_lease(now)) {
            held.add(&tenant.build, tenant.started, tenant.schedules.iter().cloned());
        }
        let broken = self.schedules.changed(now.steady, (change, now.wall), rows, accounts, &held);
        if let Some((rule, by)) = broken {
            self.blame(rule, by);
        }
    }

    /// A tick has been dealt with.
    pub(super) fn fired(&mut self, at: Duration, shot: &Shot<'_>) {
        let text = format!("{} at {} -> {:?}", shot.fire.key, shot.fire.tick, shot.fired);
        if let Some(rule) = self.schedules.fired(at, shot) {
            self.blame(rule, text);
        }
    }

    /// Every schedule is on time where a healthy process fires it.
    pub(super) fn look_at_schedules(&mut self, now: Now) {
        let live = self.records().filter(|record| !record.state.is_finished()).filter_map(|record| record.schedule.clone());
        let live: BTreeSet<String> = live.collect();
        self.schedules.look(now.steady, &live);
        let is_fit = |life: &Life| pauses::is_healthy(life) && life.knows_the_time();
        let servants =
            self.tenants.iter().filter(|(id, tenant)| tenant.has_lease(now) && self.graves.get(id).is_some_and(is_fit));
        let servants: Vec<&Tenant> = servants.map(|(_, tenant)| tenant).collect();
        let serves = |row: &ScheduleRecord| {
            let schedule = &row.schedule;
            servants.iter().any(|tenant| {
                let is_own = schedule.build.is_none() || tenant.schedules.contains(&schedule.key);
                is_own && tenant.kinds.contains_key(&*schedule.job.kind)
            })
        };
        let broken = self.schedules.behind(now.steady, now.wall, serves);
        if let Some((rule, by)) = broken {
            self.blame(rule, by);
        }
    }

    /// The store is put back to what it was when this was known: what came later is forgotten, and nobody lives.
    pub(super) fn put_back(&mut self, copy: &Self) {
        let (violations, last_run, stored) = (std::mem::take(&mut self.violations), self.last_run, self.stored);
        *self = Self { violations, last_run, stored, runs: BTreeMap::new(), ..copy.clone() };
    }

    /// A run of a job begins. Answers its number, and which run of its job it is.
    pub(super) fn began(&mut self, now: Now, life: &Life, job: JobId, attempt: u32) -> (u64, i64) {
        let (mut nth, mut wrong_attempt, mut begun) = (0, false, None);
        self.last_run += 1;
        let name = job_text(job);
        let others = self.runs.values().filter(|run| run.job == job && !run.life.is_gone() && !run.life.is_behind());
        let beside = others.map(|run| run.life.name()).next();
        if let Some(other) = beside.filter(|_| !life.is_behind()) {
            self.blame("a job runs once at a time", format!("{name} begins in {} while it runs in {other}", life.name()));
        }
        if let Some(case) = self.cases.get_mut(&job) {
            case.runs += 1;
            nth = case.runs;
            let claimed = case.holder.is_some_and(|holder| self.graves.get(&holder).is_some_and(|of| of.name() == life.name()));
            let right = match case.attempts.get(&case.record.token) {
                // It has been claimed for this very process, which may be late.
                Some(latest) if claimed && case.record.state == State::Running => *latest == attempt,
                _ => case.attempts.values().any(|of| *of == attempt),
            };
            wrong_attempt = !right || attempt > RETRIES + 1;
            if claimed {
                begun = Some(Begun { job, token: case.record.token, queue: case.record.queue.clone() });
            }
            case.ran.insert(case.record.token, life.name());
            if case.runs > case.record.token {
                let by = format!("{name} has {} runs after {} claims", case.runs, case.record.token);
                self.blame("a claim makes one run at most", by);
            }
        }
        if wrong_attempt {
            self.blame("an attempt is a failure more, up to the limit", format!("{} runs as attempt {attempt}", job_text(job)));
        }
        let broken = begun.and_then(|begun| self.pauses.began(now.steady, life, &begun));
        if let Some(rule) = broken {
            self.blame(rule, format!("{name} in {}", life.name()));
        }
        self.runs.insert(self.last_run, Run { job, life: life.clone() });
        (self.last_run, nth)
    }

    /// Every run goes on under a lease.
    pub(super) fn look_at_runs(&mut self, now: Now) {
        let loose = self.runs.values().find(|run| self.is_loose(run, now)).map(Run::text);
        if let Some(by) = loose {
            self.blame("a process stops its jobs before others may take them", by);
        }
    }

    /// Every healthy process has heard which queues rest, and holds nothing of them that has not begun.
    pub(super) fn look_at_pauses(&mut self, now: Now) {
        let living = self.tenants.iter().filter(|(_, tenant)| tenant.has_lease(now)).map(|(id, _)| *id);
        let healthy: Vec<(WorkerId, Life)> = living
            .filter_map(|id| self.graves.get(&id).filter(|life| pauses::is_healthy(life)).map(|life| (id, life.clone())))
            .collect();
        for (worker, life) in healthy {
            if let Some(queue) = self.pauses.unheard(now.steady, &life) {
                let by = format!("{} of {queue}", life.name());
                self.blame("a process hears of pauses and resumes at its next heartbeat", by);
            }
            let resting = self.pauses.resting(now.steady, &life);
            let kept = self.cases.iter().find(|(_, case)| {
                let JobRecord { state, token, queue, .. } = &case.record;
                let waits = *state == State::Running && !case.ran.contains_key(token);
                waits && case.holder == Some(worker) && resting.contains(&queue.as_str())
            });
            if let Some((id, _)) = kept {
                let by = format!("{} in {}", job_text(*id), life.name());
                self.blame(pauses::GOES_BACK, by);
            }
        }
    }

    /// Whether a run goes on that others may have taken over. A process that stands still, or has just gone on, cannot know.
    fn is_loose(&self, run: &Run, now: Now) -> bool {
        !run.life.is_gone() && !run.life.is_behind() && !self.is_held(run, now)
    }

    /// Whether a run is one of a job that its process holds, under a lease.
    fn is_held(&self, run: &Run, now: Now) -> bool {
        let holder = self.cases.get(&run.job).filter(|case| case.record.state == State::Running).and_then(|case| case.holder);
        holder.is_some_and(|holder| {
            self.graves.get(&holder).is_some_and(|life| life.is(&run.life))
                && self.tenants.get(&holder).is_some_and(|tenant| tenant.has_lease(now))
        })
    }

    pub(super) fn paused(&mut self, at: Duration, queues: &[String], answers: &[bool]) {
        let rule = self.pauses.paused(at, queues, answers);
        self.judge_pauses(rule, &queues.join(" "));
    }

    pub(super) fn resumed(&mut self, at: Duration, queues: &[String], answers: &[bool]) {
        let rule = self.pauses.resumed(at, queues, answers);
        self.judge_pauses(rule, &queues.join(" "));
    }

    pub(super) fn asked_for_pauses(&mut self, paused: &[PausedQueue]) {
        let rule = self.pauses.asked(paused);
        self.judge_pauses(rule, "the answer is another");
    }

    fn judge_pauses(&mut self, rule: Option<&'static str>, by: &str) {
        if let Some(rule) = rule {
            self.blame(rule, by);
        }
    }

    pub(super) fn is_paused(&self, queue: &str) -> bool {
        self.pauses.is_paused(queue)
    }

    pub(super) fn any_paused(&self) -> bool {
        self.pauses.any()
    }

    /// The answer of a claim has reached its process.
    pub(super) fn arrived(&mut self, at: Duration, life: &Life, claim: &Claim) {
        self.pauses.arrived(at, life, claim);
    }

    /// A process has heard which queues are paused. Answers whether that is news to it.
    pub(super) fn heard(&mut self, at: Duration, life: &Life, paused: &[PausedQueue]) -> bool {
        self.pauses.heard(at, life, paused)
    }

    /// What a round of pruning has made of a job.
    pub(super) fn pruned(&mut self, round: &Round, id: JobId, after: Option<JobRecord>) {
        let Some(case) = self.cases.get_mut(&id) else { return };
        let rule = rules::pruned(round, &case.record, after.as_ref());
        match after {
            None => drop(self.cases.remove(&id)),
            // Those that live are looked at when they move.
            Some(after) if after.state.is_finished() => case.record = after,
            Some(_) => {}
        }
        if let Some(rule) = rule {
            self.blame(rule, job_text(id));
        }
    }

    pub(super) fn ended(&mut self, now: Now, run: u64) {
        let Some(run) = self.runs.remove(&run) else { return };
        if self.is_loose(&run, now) {
            self.blame("a process stops its jobs before others may take them", run.text());
        }
    }

    /// Compares a job with what it was. Answers what has changed, in words.
    pub(super) fn saw(&mut self, cause: &Cause<'_>, id: JobId, record: Option<JobRecord>) -> Option<String> {
        let name = job_text(id);
        let Some(after) = record else {
            if self.cases.contains_key(&id) {
                self.blame("a job that is stored stays", name);
            }
            return None;
        };
        let Some(job) = self.cases.get_mut(&id) else {
            if !matches!(after.state, State::Available | State::Scheduled) || after.token != 0 || after.failures != 0 {
                self.blame("a new job is a clean slate", name.clone());
            }
            let text = format!("{name} {} is {}", after.kind, after.state);
            self.cases.insert(id, Case::new(after));
            self.stored += 1;
            return Some(text);
        };
        let before = std::mem::replace(&mut job.record, after.clone());
        if after.kind == UNIT && after.state == State::Completed && before.state != State::Completed {
            self.completed.insert((id, after.token));
        }
        let holder = job.holder;
        match cause {
            Cause::Claim { worker } => job.holder = Some(*worker),
            _ if after.state != State::Running => job.holder = None,
            _ => {}
        }
        let grave = holder.and_then(|holder| self.graves.get(&holder));
        match cause {
            Cause::Rescue { .. } if after.crashes > before.crashes => {
                job.crashed.insert(before.token, grave.map(Life::name).unwrap_or_default());
            }
            Cause::Abandon { token } if after.crashes < before.crashes => drop(job.crashed.remove(token)),
            _ if after.crashes == 0 => job.crashed.clear(),
            _ => {}
        }
        let lost = job.crashed.len();
        match cause {
            Cause::Outcome { decision: Decision::Park { shape, .. }, answer: CompletionAnswer::Applied } => {
                job.shapes.insert(shape.clone());
            }
            Cause::Requeue if before.state != after.state => job.shapes.clear(),
            // It is parked because nobody knew its kind.
            Cause::Rescue { .. } if before.state != State::Parked && after.state == State::Parked => job.shapes.clear(),
            _ => {}
        }
        let fits = |tenant: &Tenant| tenant.kinds.get(&after.kind).is_some_and(|shape| !job.shapes.contains(shape));
        let wanted = self.tenants.values().any(fits);
        if before.state == State::Parked
            && after.state == State::Available
            && matches!(cause, Cause::Rescue { .. } | Cause::Register)
            && !wanted
        {
            self.blame("a parked job comes back for a worker that may be able to run it", name.clone());
        }
        if after.crashes as usize != lost {
            self.blame("a crash is one lost worker that held the job", name.clone());
        }
        let now = if let Cause::Rescue { now } = cause { Some(*now) } else { None };
        let holds = |tenant: &Tenant| now.is_none_or(|now| tenant.has_lease(now));
        let lives = holder.and_then(|holder| self.tenants.get(&holder)).is_some_and(holds);
        let known = self.tenants.values().any(|tenant| holds(tenant) && tenant.kinds.contains_key(&after.kind));
        if let Some(rule) = rules::broken(cause, &before, &after, &Facts { holder, lives, known, lost }) {
            self.blame(rule, format!("{name}: {} -> {}", words(&before), words(&after)));
        }
        (before.state != after.state || before.crashes != after.crashes)
            .then(|| format!("{name} {} -> {}", words(&before), words(&after)))
    }
}

fn words(record: &JobRecord) -> String {
    let JobRecord { state, token, failures, crashes, snoozes, .. } = record;
    format!("{state} (token {token}, {failures} failures, {crashes} crashes, {snoozes} snoozes)")
}
