//! The checks at start: every mistake that would otherwise be met at two in the morning, all at once, each with its place.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jobs_core::inject::{ServiceEntry, Services};
use jobs_core::record::{Unserved, UnservedCause};
use jobs_core::registry::{JobEntry, Registry, ScheduleEntry};
use jobs_core::schedule::RunOnStart;
use jobs_core::store::{NewSchedule, Now, Store};
use jobs_core::text::{did_you_mean, printable, shown};
use jobs_core::{ScheduleError, StoreError, name};

use super::apply::{Known, apply, needed};
use crate::error::Error;
use crate::scheduler::declare;
use crate::settings::{Settings, StoreUrl};
use crate::worker::{Options, QueueOption};

/// Which kinds a program runs.
pub(super) struct Chosen {
    pub(super) registered: Vec<JobEntry>,
    pub(super) linked: bool,
    pub(super) only: Vec<String>,
    pub(super) except: Vec<String>,
}

/// A registry without mistakes.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) registry: Registry,
    pub(super) schedules: Vec<Declared>,
    pub(super) warnings: Vec<String>,
}

/// A schedule to declare.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    pub(super) schedule: NewSchedule,
    pub(super) run_on_start: Option<RunOnStart>,
}

/// Builds the registry, and finds every mistake in it.
pub(super) fn registry(
    chosen: Chosen,
    settings: &Settings,
    services: &Services,
    provided_later: fn(&ServiceEntry) -> bool,
) -> Result<Checked, Error> {
    let mut mistakes = Vec::new();
    let mut known = Known::default();
    Registry::linked().for_each(|entry| known.add(entry));
    chosen.registered.iter().for_each(|entry| known.add(entry));
    let entries = choose(chosen, &mut mistakes);
    if !entries.is_empty() {
        known.check(settings, &mut mistakes);
    }
    let entries: Vec<JobEntry> = entries.into_iter().map(|entry| apply(entry, settings, &mut mistakes)).collect();
    for entry in &entries {
        check_entry(entry, settings, services, provided_later, &mut mistakes);
    }
    let schedules = schedules(&entries, settings, &mut mistakes);
    let registry = match Registry::new(entries) {
        Ok(registry) => registry,
        Err(duplicates) => {
            mistakes.extend(duplicates.iter().map(ToString::to_string));
            return Err(Error::Checks(mistakes));
        }
    };
    if !mistakes.is_empty() {
        return Err(Error::Checks(mistakes));
    }
    let warnings = warnings(&registry, settings);
    Ok(Checked { registry, schedules, warnings })
}

fn choose(chosen: Chosen, mistakes: &mut Vec<String>) -> Vec<JobEntry> {
    let mut entries: Vec<JobEntry> = if chosen.linked { Registry::linked().cloned().collect() } else { Vec::new() };
    entries.extend(chosen.registered);
    if entries.is_empty() {
        mistakes.push(nothing_to_run(chosen.linked));
        return entries;
    }
    for (word, names) in [("only", &chosen.only), ("except", &chosen.except)] {
        for name in names.iter().filter(|name| !entries.iter().any(|entry| is_named(entry, name))) {
            let known = entries.iter().flat_map(|entry| [&*entry.name, entry.module]);
            let hint = did_you_mean(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            mistakes.push(format!("`{word}` names `{name}`, which is no job and no module with jobs{hint}"));
        }
    }
    entries.retain(|entry| {
        (chosen.only.is_empty() || chosen.only.iter().any(|name| is_named(entry, name)))
            && !chosen.except.iter().any(|name| is_named(entry, name))
    });
    if entries.is_empty() && mistakes.is_empty() {
        mistakes.push("`only` and `except` together leave no job to run".to_owned());
    }
    entries
}

/// Why there may be no job at all, each cause with its mend.
fn nothing_to_run(linked: bool) -> String {
    let left_out = Registry::linked().count();
    if !linked && left_out > 0 {
        return format!(
            "no jobs are registered: `without_linked` leaves out all that are linked, {left_out} here; write \
             `.register(send_email::entry().clone())` for each that shall run, or take `without_linked` away"
        );
    }
    "no jobs are linked into this program. There is one of three causes:\n    \
     - the jobs are in another crate, which no code of this one names, so it is not linked: write \
     `jobs_runtime::jobs!(that_crate);` (or `use that_crate as _;`) in main.rs, and in each integration test and example too, as \
     they are crates of their own\n    \
     - there are no jobs yet: write `#[job]` over an async fn\n    \
     - the program only enqueues: it needs no runtime, use `Client::connect()`\n  \
     more of it stands in the guide, `jobs_runtime::guide::linking`"
        .to_owned()
}

fn is_named(entry: &JobEntry, name: &str) -> bool {
    // The first part of a module is its crate, which nobody writes.
    let inside = |module: &str| module == name || module.strip_prefix(name).is_some_and(|rest| rest.starts_with("::"));
    entry.name == name || inside(entry.module) || entry.module.split_once("::").is_some_and(|(_, rest)| inside(rest))
}

/// Where a kind stands, for a message.
fn place(entry: &JobEntry) -> String {
    format!("job `{}` ({})", entry.name, entry.location)
}

fn check_entry(
    entry: &JobEntry,
    settings: &Settings,
    services: &Services,
    provided_later: fn(&ServiceEntry) -> bool,
    mistakes: &mut Vec<String>,
) {
    let place = place(entry);
    let names =
        [("name", &entry.name), ("queue", &entry.queue)].into_iter().chain(entry.aliases.iter().map(|alias| ("alias", alias)));
    for (what, text) in names.chain(entry.tags.iter().map(|tag| ("tag", tag))) {
        if let Err(error) = name::check(what, text) {
            mistakes.push(format!("{place}: {error}"));
        }
    }
    for service in entry.services.iter().filter(|service| !services.has(service) && !provided_later(service)) {
        let name = (service.type_name)();
        let how = match (service.own, name.starts_with("dyn ")) {
            (true, _) => "provide_scoped(..)".to_owned(),
            (false, true) => format!("provide_arc::<{name}>(..)"),
            (false, false) => "provide(..)".to_owned(),
        };
        let or = if service.own { ", or `.provide_transaction(..)` for a transaction that completes it" } else { "" };
        mistakes
            .push(format!("{place} borrows `{service:?}`, which was not provided: write `Runtime::builder().{how}.run()`{or}"));
    }
    let own: Vec<&ServiceEntry> = entry.services.iter().filter(|service| service.own).collect();
    let transactions: Vec<_> = own.iter().filter(|service| services.is_transaction(service)).collect();
    if transactions.len() > 1 {
        mistakes.push(format!("{place} has {} transactions, {transactions:?}: only one can complete it", transactions.len()));
    }
    for (nth, service) in own.iter().enumerate() {
        if own[..nth].iter().any(|other| (other.id)() == (service.id)()) {
            mistakes.push(format!("{place} borrows `{service:?}` twice: a run has one of each type"));
        }
    }
    for schedule in &*entry.schedules {
        check_schedule(entry, schedule, settings.zone.name(), mistakes);
    }
}

/// Finds the jobs whose transactions this store cannot take part in.
pub(super) fn transactions(registry: &Registry, services: &Services, store: &dyn Store) -> Result<(), Error> {
    if store.contract().is_some() {
        return Ok(());
    }
    let info = store.info();
    let with_transaction = |entry: &&Arc<JobEntry>| entry.services.iter().any(|service| services.is_transaction(service));
    let why = info.notes.iter().fold(String::new(), |text, note| text + "; " + note);
    let mistake = |entry: &Arc<JobEntry>| {
        format!(
            "{} is completed by a transaction of its own, in which this store ({}) cannot take part{why}",
            place(entry),
            info.name
        )
    };
    let mistakes: Vec<String> = registry.entries().iter().filter(with_transaction).map(mistake).collect();
    if mistakes.is_empty() { Ok(()) } else { Err(Error::Checks(mistakes)) }
}

fn check_schedule(entry: &JobEntry, schedule: &ScheduleEntry, zone: &str, mistakes: &mut Vec<String>) {
    let place = place(entry);
    if let (None, Some(name)) = (schedule.payload, needed(entry)) {
        mistakes.push(format!(
            "{place} has a schedule without the argument `{name}`: give it by `args({name} = ..)`, or make it an `Option<..>`"
        ));
    }
    match declare::declared(entry, schedule, zone) {
        Err(error) => mistakes.push(format!("{place}: the arguments of its schedule: {error}")),
        Ok(new) => match new.check() {
            Err(ScheduleError::Invalid { mistakes: found, .. }) => {
                mistakes.extend(found.into_iter().map(|found| format!("{place}: {found}")));
            }
            Err(error) => mistakes.push(format!("{place}: {error}")),
            Ok(()) => {}
        },
    }
}

fn schedules(entries: &[JobEntry], settings: &Settings, mistakes: &mut Vec<String>) -> Vec<Declared> {
    let mut by_key: BTreeMap<String, &JobEntry> = BTreeMap::new();
    let mut declared = Vec::new();
    for (entry, schedule) in entries.iter().flat_map(|entry| entry.schedules.iter().map(move |one| (entry, one))) {
        // What cannot be made is a mistake that was found before.
        let Ok(new) = declare::declared(entry, schedule, settings.zone.name()) else { continue };
        let other = by_key.insert(new.key.clone(), entry);
        // Two jobs of one name are a mistake of their own.
        if let Some(other) =
            other.filter(|other| std::ptr::eq(*other, entry) || other.name != entry.name || schedule.key.is_some())
        {
            mistakes.push(format!(
                "two schedules have the key `{}`: that of {} and that of {}; give one of them another `key = \"..\"`",
                new.key,
                place(other),
                place(entry)
            ));
        }
        declared.push(Declared { schedule: new, run_on_start: schedule.run_on_start });
    }
    if settings.schedules { declared } else { Vec::new() }
}

fn warnings(registry: &Registry, settings: &Settings) -> Vec<String> {
    let mut warnings = Vec::new();
    if cfg!(panic = "abort") {
        warnings.push(
            "this program is built with `panic = \"abort\"`: a job that panics ends the whole process, and counts as a crash"
                .to_owned(),
        );
    }
    if let Some(served) = &settings.only_queues {
        for entry in registry.entries().iter().filter(|entry| !served.iter().any(|queue| *queue == entry.queue)) {
            warnings.push(format!("{} waits in the queue `{}`, which this process does not serve", place(entry), entry.queue));
        }
        let used: BTreeSet<&str> = registry.entries().iter().map(|entry| &*entry.queue).collect();
        for queue in served.iter().filter(|queue| !used.contains(queue.as_str())) {
            warnings.push(format!("the queue `{queue}` is served, but no job of this program waits in it by default"));
        }
    }
    warnings
}

/// How many kinds and queues a warning names before it counts the rest.
const NAMED: usize = 10;

/// What waits in the store although nobody takes it.
pub(super) async fn unserved(store: &dyn Store, now: Now) -> Result<Vec<String>, StoreError> {
    let found = store.unserved(now).await?;
    let mut warnings: Vec<String> = found
        .iter()
        .take(NAMED)
        .map(|Unserved { kind, queue, because }| (named(kind), named(queue), because))
        .map(|(kind, queue, because)| match because {
            UnservedCause::Kind => format!(
                "jobs of the kind `{kind}` wait in the queue `{queue}`, and no live worker knows the kind: they are kept; was it \
                 renamed (add `aliases = [\"{kind}\"]`), or is its crate not linked (`jobs_runtime::jobs!(that_crate);`)?"
            ),
            UnservedCause::Queue => format!("jobs of the kind `{kind}` wait in the queue `{queue}`, which no live worker serves"),
        })
        .collect();
    if found.len() > NAMED {
        warnings.push(format!("and {} more kinds and queues that nobody serves", found.len() - NAMED));
    }
    Ok(warnings)
}

/// A name as a person may see it: a row that was written by hand may have anything in its place.
fn named(name: &str) -> Cow<'_, str> {
    if jobs_core::name::check("", name).is_ok() {
        return Cow::Borrowed(name);
    }
    Cow::Owned(shown(&printable(name.chars().take(64).collect())).into_owned())
}

/// The settings as the engine uses them.
pub(super) fn options(settings: &Settings, registry: &Registry, build: Option<String>) -> Options {
    let of_kinds = registry.entries().iter().map(|entry| entry.queue.to_string());
    let mut names: BTreeSet<String> = of_kinds.chain([jobs_core::job::DEFAULT_QUEUE.to_owned()]).collect();
    names.extend(settings.queues.keys().cloned());
    if let Some(only) = &settings.only_queues {
        names = only.iter().cloned().collect();
    }
    let queues = names.into_iter().map(|name| QueueOption {
        concurrency: settings.queues.get(&name).and_then(|queue| queue.concurrency),
        name: name.into(),
    });
    Options {
        name: settings.worker_name.clone().unwrap_or_else(process_name),
        build: build.unwrap_or_else(build_identity),
        concurrency: settings.concurrency,
        queues: queues.collect(),
        lease: settings.lease,
        heartbeat: settings.heartbeat,
        retries: settings.retries,
        backoff: settings.backoff.clone(),
        timeout: settings.timeout,
        cancel_grace: settings.cancel_grace,
        drain: settings.drain,
        shutdown_grace: settings.grace,
        retention: settings.retention,
        output_limit: settings.output_limit,
        error_limit: settings.error_limit,
        schedules: settings.schedules,
        patience: longest_call(settings).saturating_add(Duration::from_secs(10)),
    }
}

/// How long the store itself waits before it says that a call cannot be done now.
fn longest_call(settings: &Settings) -> Duration {
    match settings.store {
        StoreUrl::Postgres(_) => settings.postgres_deadline.saturating_mul(2),
        _ => settings.sqlite_busy_timeout,
    }
}

/// `host:pid`.
fn process_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    let host = host.as_deref().map(str::trim).filter(|host| !host.is_empty()).unwrap_or("localhost");
    format!("{host}:{}", std::process::id())
}

/// Tells one build of a program from another by the size and the age of its file. A copy may count as another build: then a job that
/// one parked is tried once more by the other.
fn build_identity() -> String {
    let file = std::env::current_exe().and_then(std::fs::metadata);
    let Ok(file) = file else { return "unknown".to_owned() };
    let age = file.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_default();
    format!("{:x}-{:x}", file.len(), age.as_nanos())
}
