//! What a plan does to schedules: which of them stand in code, what a client does to them, and when the store is put back to a copy.

use std::fmt;
use std::time::Duration;

use jobs_core::schedule::{Misfire, Overlap, Spec, Zone};
use jobs_core::store::NewSchedule;
use jobs_core::{BoxError, NewJob};
use tokio::time::Instant;

use super::life::DAWN;
use super::plan::{Build, Dice};
use super::stage::{CALL, Stage};

/// The schedules that stand in code beside the one of every seed. Each is a kind, too, that all builds know.
pub(super) const OF_CODE: [&str; 4] = ["beat", "poll", "sweep", "audit"];

/// The schedules that the store alone has: two by themselves, and those of a group.
const OF_STORE: [&str; 2] = ["own", "extra"];
const OF_GROUP: [&str; 2] = ["one", "two"];
const GROUP: &str = "group";

/// The kind of the jobs of schedules that the store alone has.
pub(super) const SAVED: &str = "saved";

/// Other times that a schedule may be given.
const TIMES: [&str; 3] = ["6s", "15s", "50s"];

/// What a client does to a schedule.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// When.
    pub at: Duration,
    /// The key of the schedule.
    pub key: &'static str,
    /// What.
    pub deed: Deed,
}

/// What is done to a schedule.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    /// It is saved.
    Save(Form),
    /// A group is made of these.
    Group([Option<Form>; 2]),
    /// It is removed.
    Remove,
    /// It is paused.
    Pause,
    /// It is resumed.
    Resume,
    /// It is given other times.
    Give(&'static str),
    /// It gets its own times again.
    Drop,
    /// A job of it is asked for.
    Trigger,
}

/// What a schedule says.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub(super) every: &'static str,
    pub(super) misfire: Misfire,
    pub(super) overlap: Overlap,
    pub(super) jitter: Duration,
    enabled: bool,
    /// How long after the beginning it ends.
    ends: Option<Duration>,
}

/// The store is put back to a copy while all processes are down.
#[derive(Clone, Copy, Debug)]
pub struct Restore {
    /// When the copy is made.
    pub copied: Duration,
    /// When it is put back.
    pub at: Duration,
    /// For how long nobody lives.
    pub down: Duration,
}

const fn form(every: &'static str, misfire: Misfire, overlap: Overlap) -> Form {
    Form { every, misfire, overlap, jitter: Duration::ZERO, enabled: true, ends: None }
}

/// What the code of a build says about a schedule; `None` if it has none.
pub(super) fn of_code(name: &str, build: Build) -> Option<Form> {
    let all = |limit, within| Misfire::All { limit, within: Duration::from_secs(within) };
    match (name, build) {
        ("beat", Build::Old) => Some(form("7s", Misfire::Skip, Overlap::Queue)),
        ("beat", Build::New) => Some(Form { jitter: Duration::from_secs(3), ..form("7s", all(5, 60), Overlap::Queue) }),
        ("poll", Build::Old) => Some(form("5s", all(4, 40), Overlap::Allow)),
        ("poll", Build::New) => Some(form("8s", Misfire::Once, Overlap::Skip)),
        ("sweep", Build::New) => Some(form("15s", Misfire::Once, Overlap::Cancel)),
        ("audit", Build::Old) => Some(form("10s", Misfire::Skip, Overlap::Skip)),
        _ => None,
    }
}

/// The schedules of the code, the steps, and the restore of a plan.
pub(super) fn draw(dice: &mut Dice) -> (Vec<&'static str>, Vec<Step>, Option<Restore>) {
    let code: Vec<&'static str> = OF_CODE.into_iter().filter(|_| dice.chance(0.4)).collect();
    let count = dice.pick(&[(2, 0), (3, 4), (3, 8), (2, 14)]);
    let mut steps: Vec<Step> = (0..count).map(|_| step(dice, &code)).collect();
    steps.sort_by_key(|step| step.at);
    let restore = dice.chance(0.2).then(|| {
        let at = dice.between(20_000, 220_000);
        Restore { copied: at.saturating_sub(dice.between(1_000, 60_000)), at, down: dice.between(1_000, 90_000) }
    });
    (code, steps, restore)
}

fn step(dice: &mut Dice, code: &[&'static str]) -> Step {
    let mut keys: Vec<(u64, &'static str)> = code.iter().map(|key| (2, *key)).collect();
    keys.extend([(1, "tick"), (2, OF_STORE[0]), (2, OF_STORE[1]), (1, OF_GROUP[0]), (1, OF_GROUP[1])]);
    let key = dice.pick(&keys);
    let saved = drawn(dice);
    let group = OF_GROUP.map(|_| dice.chance(0.6).then(|| drawn(dice)));
    let times = dice.pick(&TIMES.map(|times| (1, times)));
    let rest = [(3, Deed::Pause), (4, Deed::Resume), (2, Deed::Give(times)), (2, Deed::Drop), (2, Deed::Trigger)];
    let own: &[(u64, Deed)] = if OF_STORE.contains(&key) {
        &[(10, Deed::Save(saved)), (2, Deed::Remove)]
    } else if OF_GROUP.contains(&key) {
        &[(12, Deed::Group(group)), (1, Deed::Save(saved))]
    } else {
        &[]
    };
    Step { key, deed: dice.pick(&[own, &rest].concat()), at: dice.between(2_000, 220_000) }
}

fn drawn(dice: &mut Dice) -> Form {
    let within = Duration::from_secs(20 + dice.below(60));
    let limit = u32::try_from(1 + dice.below(6)).unwrap_or(1);
    let misfire = dice.pick(&[(1, Misfire::Once), (1, Misfire::Skip), (1, Misfire::All { limit, within })]);
    let overlap = dice.pick(&[(1, Overlap::Skip), (3, Overlap::Queue), (1, Overlap::Allow), (2, Overlap::Cancel)]);
    let every = dice.pick(&[(2, "6s"), (2, "9s"), (1, "30s"), (1, "70s")]);
    let jitter = Duration::from_secs(dice.pick(&[(3, 0), (1, 2), (1, 20)]));
    let ends = dice.chance(0.15).then(|| dice.between(60_000, 300_000));
    Form { every, misfire, overlap, jitter, enabled: dice.chance(0.85), ends }
}

impl Form {
    fn schedule(&self, key: &str) -> Result<NewSchedule, BoxError> {
        let schedule = NewSchedule::new(key, NewJob::new(SAVED, "{}"))?;
        let schedule = schedule.every(self.every).misfire(self.misfire).overlap(self.overlap);
        let schedule = schedule.jitter(self.jitter).enabled(self.enabled);
        Ok(match self.ends {
            Some(ends) => schedule.ends_at(DAWN.saturating_add(ends)?),
            None => schedule,
        })
    }
}

/// Takes a step. It may take effect also without an answer.
pub(super) async fn take(stage: &Stage, step: &Step, origin: Instant) {
    tokio::time::sleep_until(origin + step.at).await;
    let _ = tokio::time::timeout(CALL, done(stage, step)).await;
}

async fn done(stage: &Stage, Step { key, deed, .. }: &Step) -> Result<(), BoxError> {
    let schedules = stage.client().schedules();
    match deed {
        Deed::Save(form) => drop(schedules.save(form.schedule(key)?).await?),
        Deed::Group(forms) => {
            let listed = OF_GROUP.iter().zip(forms).filter_map(|(key, form)| Some(form.as_ref()?.schedule(key)));
            drop(schedules.replace_group(GROUP, listed.collect::<Result<Vec<_>, _>>()?).await?);
        }
        Deed::Remove => schedules.remove(*key).await?,
        Deed::Pause => drop(schedules.pause(*key).await?),
        Deed::Resume => drop(schedules.resume(*key).await?),
        Deed::Give(every) => drop(schedules.give_times(*key, &Spec::parse_every(every)?, &Zone::default()).await?),
        Deed::Drop => drop(schedules.drop_times(*key).await?),
        Deed::Trigger => drop(schedules.trigger(*key).await?),
    }
    Ok(())
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "schedule {}: {:?}", self.key, self.deed)
    }
}
