//! The registry: every kind of job that this program can run, from link time and from explicit registration alike.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::argument::{ArgumentEntry, ArgumentError, ArgumentReader};
use crate::backoff::Backoff;
use crate::hash::Fnv;
use crate::inject::ServiceEntry;
use crate::job::DEFAULT_QUEUE;
use crate::outcome::Settled;
use crate::schedule::{Misfire, Moment, Overlap, RunOnStart};
use crate::scope::Scope;

/// A kind of job, as registered. The attribute writes it as a `static`; code may build the same at run time.
#[derive(Clone, Debug)]
pub struct JobEntry {
    /// The name under which jobs of this kind are stored.
    pub name: Cow<'static, str>,
    /// Earlier names, under which stored jobs may still wait.
    pub aliases: Cow<'static, [Cow<'static, str>]>,
    /// The module that holds the fn.
    pub module: &'static str,
    /// Where the fn stands.
    pub location: Location,
    /// Where its jobs wait.
    pub queue: Cow<'static, str>,
    /// Smaller runs first.
    pub priority: i16,
    /// How often it is tried again after its first failure. `None`: the runtime's default.
    pub retries: Option<u32>,
    /// How long it waits between attempts. `None`: the runtime's default.
    pub backoff: Option<Backoff>,
    /// How long an attempt may take. `None`: the runtime's default.
    pub timeout: Option<Duration>,
    /// Labels of all its jobs.
    pub tags: Cow<'static, [Cow<'static, str>]>,
    /// When it runs by itself.
    pub schedules: Cow<'static, [ScheduleEntry]>,
    /// Its stored parameters.
    pub arguments: &'static [ArgumentEntry],
    /// The services it borrows.
    pub services: &'static [ServiceEntry],
    /// How it is run.
    pub handler: Handler,
}

/// A schedule, as written in an attribute or in code.
#[derive(Clone, Debug)]
pub struct ScheduleEntry {
    /// Its key in the store; the kind's name unless given.
    pub key: Option<Cow<'static, str>>,
    /// The cron text or the interval.
    pub spec: ScheduleText,
    /// The time zone by its IANA name, or `local`; that of the settings unless given, which is UTC by default.
    pub zone: Option<Cow<'static, str>>,
    /// Whether it also makes a job when a worker starts.
    pub run_on_start: Option<RunOnStart>,
    /// What becomes of missed ticks.
    pub misfire: Misfire,
    /// What becomes of a tick while the last run is not over.
    pub overlap: Overlap,
    /// By how much a job may come later than its tick, so that not all that is due at a full hour begins at once.
    pub jitter: Duration,
    /// No tick before it.
    pub starts: Option<Moment>,
    /// No tick at it, or after it.
    pub ends: Option<Moment>,
    /// Whether it ticks, and runs on start, at all.
    pub enabled: bool,
    /// Encodes the arguments of its jobs. `None`: there are none, and each parameter is an `Option`.
    pub payload: Option<fn() -> Result<String, ArgumentError>>,
}

impl ScheduleEntry {
    /// A schedule of these times with every other value at its default.
    #[must_use]
    pub const fn new(spec: ScheduleText) -> Self {
        Self {
            key: None,
            spec,
            zone: None,
            run_on_start: None,
            misfire: Misfire::Once,
            overlap: Overlap::Skip,
            jitter: Duration::ZERO,
            starts: None,
            ends: None,
            enabled: true,
            payload: None,
        }
    }
}

/// The text of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScheduleText {
    /// A cron expression, a nickname such as `@daily`, or `@once`.
    Cron(Cow<'static, str>),
    /// An interval such as `10s`, counted from the Unix epoch.
    Every(Cow<'static, str>),
    /// No times: only `run_on_start`.
    Never,
}

/// A place in source code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The file, as the compiler names it.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The running of one attempt.
pub type JobFuture = Pin<Box<dyn Future<Output = Settled> + Send + 'static>>;

/// Turns a stored job into its running. Decoding comes first and by itself: arguments that do not decode park the job.
#[derive(Clone)]
pub enum Handler {
    /// A fn that the attribute wrote.
    Fn(fn(Call) -> Result<JobFuture, ArgumentError>),
    /// A closure that was registered by hand.
    Closure(Arc<dyn Fn(Call) -> Result<JobFuture, ArgumentError> + Send + Sync>),
}

impl Handler {
    /// Decodes the arguments and begins the run.
    pub fn call(&self, call: Call) -> Result<JobFuture, ArgumentError> {
        match self {
            Self::Fn(run) => run(call),
            Self::Closure(run) => run(call),
        }
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fn(_) => "Fn",
            Self::Closure(_) => "Closure",
        })
    }
}

/// One stored job on its way into its fn.
#[derive(Debug)]
pub struct Call {
    /// The stored arguments.
    pub payload: String,
    /// What it borrows.
    pub scope: Scope,
}

impl Call {
    /// The stored arguments, ready to be taken.
    #[must_use]
    pub fn arguments(&self) -> ArgumentReader<'_> {
        ArgumentReader::new(&self.payload)
    }
}

/// A registration made at link time.
#[derive(Debug)]
#[doc(hidden)]
pub struct Linked(pub &'static JobEntry);

inventory::collect!(Linked);

impl JobEntry {
    /// An entry with every value at its default.
    #[must_use]
    pub const fn new(name: Cow<'static, str>, module: &'static str, location: Location, handler: Handler) -> Self {
        Self {
            name,
            aliases: Cow::Borrowed(&[]),
            module,
            location,
            queue: Cow::Borrowed(DEFAULT_QUEUE),
            priority: 0,
            retries: None,
            backoff: None,
            timeout: None,
            tags: Cow::Borrowed(&[]),
            schedules: Cow::Borrowed(&[]),
            arguments: &[],
            services: &[],
            handler,
        }
    }

    /// A hash of the arguments' names and types, as 16 hexadecimal digits. It differs where stored arguments might decode in one
    /// build and not in another; the runtime adds the identity of the build.
    #[must_use]
    pub fn shape(&self, build: &str) -> String {
        let mut hash = Fnv::new();
        hash.add(build);
        hash.add(&self.name);
        for argument in self.arguments {
            hash.add(argument.name);
            hash.add((argument.type_name)());
        }
        format!("{:016x}", hash.value())
    }
}

/// Every kind that this program can run, by its names.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    entries: Vec<Arc<JobEntry>>,
    // Names and aliases alike.
    by_name: BTreeMap<Cow<'static, str>, usize>,
}

impl Registry {
    /// All that is linked into this program.
    pub fn linked() -> impl Iterator<Item = &'static JobEntry> {
        inventory::iter::<Linked>.into_iter().map(|linked| linked.0)
    }

    /// A registry of these entries, sorted by name. Every name that two of them claim is reported, with both places.
    pub fn new(entries: impl IntoIterator<Item = JobEntry>) -> Result<Self, Vec<DuplicateName>> {
        let mut entries: Vec<JobEntry> = entries.into_iter().collect();
        entries.sort_by(|a, b| (&a.name, a.location).cmp(&(&b.name, b.location)));
        // One crate may be linked twice, by a dev-dependency that leads back to it: the same fn at the same place is no clash. Closures
        // made at one place, in a loop, are many.
        let is_fn = |entry: &JobEntry| matches!(entry.handler, Handler::Fn(_));
        entries.dedup_by(|a, b| a.name == b.name && a.location == b.location && a.module == b.module && is_fn(a) && is_fn(b));
        let mut registry = Self::default();
        let mut duplicates = Vec::new();
        for entry in entries {
            let index = registry.entries.len();
            for name in std::iter::once(&entry.name).chain(entry.aliases.iter()) {
                match registry.by_name.get(name) {
                    Some(&other) if other == index => {}
                    Some(&other) => duplicates.push(DuplicateName {
                        name: name.to_string(),
                        first: place(&registry.entries[other]),
                        second: place(&entry),
                    }),
                    None => {
                        registry.by_name.insert(name.clone(), index);
                    }
                }
            }
            registry.entries.push(Arc::new(entry));
        }
        if duplicates.is_empty() { Ok(registry) } else { Err(duplicates) }
    }

    /// The kind of this name or alias.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<JobEntry>> {
        self.by_name.get(name).map(|&index| &self.entries[index])
    }

    /// All kinds, sorted by name.
    #[must_use]
    pub fn entries(&self) -> &[Arc<JobEntry>] {
        &self.entries
    }

    /// Every name and alias under which a stored job would run here, with its entry.
    pub fn names(&self) -> impl Iterator<Item = (&str, &Arc<JobEntry>)> {
        self.by_name.iter().map(|(name, &index)| (&**name, &self.entries[index]))
    }

    /// Whether nothing is registered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn place(entry: &JobEntry) -> String {
    format!("{} ({}:{})", entry.module, entry.location.file, entry.location.line)
}

/// Two kinds of one name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two jobs are named `{name}`: one in {first} and one in {second}; give one of them another `name = \"..\"`")]
pub struct DuplicateName {
    /// The name.
    pub name: String,
    /// The module, file and line of one.
    pub first: String,
    /// The module, file and line of the other.
    pub second: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &'static str, line: u32, aliases: &'static [Cow<'static, str>]) -> JobEntry {
        let handler = Handler::Fn(|_| Ok(Box::pin(async { Ok(None) })));
        let location = Location { file: "mail.rs", line };
        JobEntry { aliases: Cow::Borrowed(aliases), ..JobEntry::new(Cow::Borrowed(name), "app::mail", location, handler) }
    }

    #[test]
    fn a_kind_is_found_by_its_name_and_by_its_aliases() {
        let registry = Registry::new([entry("send", 1, &[Cow::Borrowed("mail")]), entry("archive", 2, &[])]).unwrap();
        assert_eq!(registry.get("mail").unwrap().name, "send");
        assert!(registry.get("unknown").is_none());
        assert_eq!(registry.entries().iter().map(|entry| &*entry.name).collect::<Vec<_>>(), ["archive", "send"]);
    }

    #[test]
    fn every_clash_is_reported_with_both_places() {
        let clashes =
            Registry::new([entry("a", 1, &[]), entry("a", 2, &[]), entry("b", 3, &[Cow::Borrowed("c")]), entry("c", 4, &[])])
                .unwrap_err();
        assert_eq!(clashes.len(), 2);
        assert_eq!(
            clashes[0].to_string(),
            "two jobs are named `a`: one in app::mail (mail.rs:1) and one in app::mail (mail.rs:2); \
             give one of them another `name = \"..\"`"
        );
    }

    #[test]
    fn the_same_fn_linked_twice_is_one_kind() {
        assert_eq!(Registry::new([entry("a", 1, &[]), entry("a", 1, &[])]).unwrap().entries().len(), 1);
    }

    #[test]
    fn an_alias_equal_to_the_own_name_is_harmless() {
        assert!(Registry::new([entry("a", 1, &[Cow::Borrowed("a")])]).is_ok());
    }

    #[test]
    fn a_shape_differs_by_name_by_type_and_by_build() {
        let mut one = entry("a", 1, &[]);
        let plain = one.shape("1");
        one.arguments = const { &[crate::argument::argument::<u8>("x")] };
        let byte = one.shape("1");
        one.arguments = const { &[crate::argument::argument::<u16>("x")] };
        assert_ne!(plain, byte);
        assert_ne!(byte, one.shape("1"));
        assert_ne!(one.shape("1"), one.shape("2"));
    }
}
