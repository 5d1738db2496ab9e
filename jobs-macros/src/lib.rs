//! The `#[job]` attribute. `jobs_runtime` re-exports it; nobody needs this crate by itself.
//!
//! The way of one job through the modules: `attr` reads the attribute, `schedule` what it says of each schedule, `args` what that
//! gives to its jobs (split into `entries`, by the table in `keys`, each value by `value` with `number` and `text`; `foreign` and
//! `mend` know what was meant by a wrong one). `signature` reads the head of the fn, if `item` finds one and `depth` has no fears.
//! `check` applies the rules (with `parameters` and `own`), then `expand` writes the code (with `entry` and `types`), or `fallback`
//! what is left of it beside the `errors`.

mod args;
mod attr;
mod check;
mod depth;
mod entries;
mod entry;
mod errors;
mod expand;
mod fallback;
mod foreign;
mod item;
mod keys;
mod mend;
mod number;
mod own;
mod parameters;
mod schedule;
mod signature;
#[cfg(test)]
mod tests;
mod text;
mod types;
mod value;

use proc_macro2::TokenStream;

use crate::attr::Options;
use crate::errors::Errors;
use crate::signature::Head;

/// Makes a job of an `async fn`.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// # struct Mailer;
/// # impl Mailer { async fn send(&self, _: &str, _: &str) -> Result<(), String> { Ok(()) } }
/// use jobs_runtime::JobContext;
///
/// #[job(queue = "critical", retries = 5, timeout = "30s")]
/// async fn send_email(mailer: &Mailer, ctx: &JobContext, to: String, subject: String) -> Result<(), String> {
///     if ctx.is_last_attempt() {
///         return Err("giving up".into());
///     }
///     mailer.send(&to, &subject).await
/// }
///
/// # async fn calls(client: &impl jobs_core::Enqueue) -> Result<(), Box<dyn std::error::Error>> {
/// // Stored, for any worker to run:
/// send_email::job("a@b.c".into(), "hello".into()).enqueue(client).await?;
/// // Run here and now, as in a unit test:
/// send_email(&Mailer, &JobContext::test(), "a@b.c".into(), "hello".into()).await?;
/// # Ok(())
/// # }
/// # fn main() {}
/// ```
///
/// **Owned travels, borrowed is injected.** A parameter `T` is an argument: it is stored with the job under its name, so it
/// must be `Serialize + DeserializeOwned + Send + 'static`. A parameter `&T` is a service that the runtime lends, found by its
/// type; `&dyn Trait` works, and `&JobContext` is the run's own context. A parameter `&mut T` is a service of this run alone, such
/// as a transaction. The fn returns nothing or a `Result<T, E>` whose error turns into a boxed error.
///
/// The fn itself stays as it is. Beside it appears a handler struct of the same name, so a module of that name cannot stand in
/// the same place, and the fn cannot stand in an `impl` block or a trait. What it returns must be as visible as it is.
///
/// An argument may be added later as an `Option<T>` and removed at any time while jobs wait. Renaming one loses its stored
/// values.
///
/// # Keys
///
/// | key | value | without it | meaning |
/// | --- | --- | --- | --- |
/// | `name = "send_email"` | a name | the fn's name | under which its jobs are stored |
/// | `aliases = ["send_mail"]` | names | none | earlier names, under which stored jobs may still wait |
/// | `queue = "critical"` | a name | `default` | where its jobs wait |
/// | `priority = -10` | -1000 to 1000 | 0 | smaller runs first |
/// | `retries = 5` | 0 to 1000 | 10 | how often a failed job is tried again |
/// | `backoff = "exponential 10s to 6h"` | a backoff | as shown | how long it waits between attempts |
/// | `timeout = "30s"` | 1ms to 30d | none | how long one attempt may take |
/// | `cron = "0 2 * * *"` | crontab(5), `@daily`, `@once` | none | runs by the calendar |
/// | `every = "5m"` | 1s to 366d | none | runs at an interval |
/// | `tz = "Europe/Berlin"` | an IANA zone, `local` | the setting `tz`, `UTC` | the time zone of `cron`, `starts` and `ends` |
/// | `key = "nightly"` | a name | the job's name | the schedule's key in the store |
/// | `run_on_start` | `true`, `"deployment"` | `false` | runs each time a worker starts, or once a build |
/// | `misfire = "all 20 within 2h"` | `once`, `skip`, `all` | `once` | what becomes of missed ticks |
/// | `overlap = "queue"` | `skip`, `queue`, `allow`, `cancel` | `skip` | what becomes of a tick while the last run is not over |
/// | `jitter = "5m"` | 1ms to 1d | none | by how much it may run later |
/// | `starts = "2027-01-31"` | a date, with or without a time | at once | runs not before it |
/// | `ends = "2027-12-24T18:00:00"` | a date, with or without a time | never | runs neither at it nor after it |
/// | `args(greeting = "hi", count = 3)` | values by parameter | none | the arguments of its jobs |
/// | `schedule(every = "1h", key = "hourly")` | the keys from `cron` to `args` | none | one more schedule |
/// | `tags = ["mail", "customer"]` | names | none | labels to find its jobs by |
/// | `crate = ::jobs_runtime` | an absolute path | as shown | where `jobs_runtime` is |
///
/// A name has 1 to 128 ASCII letters, digits and `_ - . : /`, and begins with a letter, a digit or `_`. A duration is whole
/// numbers with units from large to small, `30s` or `1h30m`: `w`, `d`, `h`, `m`, `s`, `ms`, `us`, `ns`. All values are literals,
/// but for those in `args(..)`.
///
/// ## `name`
///
/// The name is what connects stored jobs with the fn, so it outlives renames of the fn and moves to other modules. Two jobs of
/// one name are refused when the runtime starts.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(name = "billing/send-invoice")]
/// async fn send(to: String) {
///     # drop(to);
///     // ..
/// }
///
/// # fn main() {
/// assert_eq!(send::NAME, "billing/send-invoice");
/// # }
/// ```
///
/// ## `aliases`
///
/// Jobs that were stored under an earlier name run as this one.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(aliases = ["mail_receipt", "send_mail"])]
/// async fn send_receipt(to: String) {
///     # drop(to);
///     // ..
/// }
/// # fn main() {}
/// ```
///
/// ## `queue`
///
/// Queues exist by being named. How many jobs of a queue run at once is said where the runtime is built or in its settings, and
/// one job can be put elsewhere by `.queue(..)`.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(queue = "critical")]
/// async fn charge(cents: u64) {
///     # let _ = cents;
///     // ..
/// }
/// # fn main() {}
/// ```
///
/// ## `priority`
///
/// Of the jobs that are due in a queue, those with the smallest number run first. One job can be given another by
/// `.priority(..)`.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(priority = -10)]
/// async fn reset_password(user: u64) {
///     # let _ = user;
///     // ..
/// }
/// # fn main() {}
/// ```
///
/// ## `retries`
///
/// The first attempt does not count: `retries = 5` makes up to 6 attempts, `retries = 0` makes one. Without it, the setting
/// `defaults.retries` holds. One job can be given another number by `.retries(..)`.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(retries = 0)]
/// async fn measure() {
///     // Comes again with the next tick anyway.
/// }
/// # fn main() {}
/// ```
///
/// ## `backoff`
///
/// `exponential A to B` waits a random time below A, 2 A, 4 A and so on up to B; `linear A to B` waits A, 2 A, 3 A; `fixed A`
/// waits A each time; a list of up to 100 waits is gone through, and its last one repeats. Without `to`, B is 6 hours. Without
/// the key, the setting `defaults.backoff` holds.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(retries = 3, backoff = "1m, 5m, 15m")]
/// async fn call_back(url: String) {
///     # drop(url);
///     // ..
/// }
///
/// #[job(backoff = "linear 30s to 1h")]
/// async fn synchronise() {}
/// # fn main() {}
/// ```
///
/// ## `timeout`
///
/// An attempt that takes longer is told to stop, by the token of its context, and soon after that it is aborted. It counts as
/// failed. Without the key, the setting `defaults.timeout` holds.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(timeout = "1m30s")]
/// async fn render(page: u32) {
///     # let _ = page;
///     // ..
/// }
/// # fn main() {}
/// ```
///
/// ## `cron`
///
/// Five fields, minute, hour, day of month, month and day of week, or six with leading seconds; or a nickname: `@hourly`,
/// `@daily`, `@weekly`, `@monthly`, `@yearly`. `@once` runs once ever. When neither day field begins with `*`, a day matches
/// if either does. Expressions that never fire are refused.
///
/// A job that the clock starts has no arguments, or each is given by [`args`](#args) or is an `Option`, and `None` then.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(cron = "0 9 * * MON-FRI")]
/// async fn remind(only: Option<String>) {
///     # drop(only);
///     // ..
/// }
/// # fn main() {}
/// ```
///
/// ## `every`
///
/// The interval is counted from the Unix epoch in whole milliseconds, so that restarts do not move it and all processes agree.
/// It excludes `cron`.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(every = "10s", retries = 0)]
/// async fn poll() {}
/// # fn main() {}
/// ```
///
/// ## `tz`
///
/// The clock of the zone counts for `cron`, with its changes. `local` is the zone of the machine.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(cron = "0 2 * * *", tz = "Europe/Berlin")]
/// async fn clean_up() {}
/// # fn main() {}
/// ```
///
/// ## `key`
///
/// Under its key the store knows which ticks of a schedule have fired. Give the old name as the key when a job gets a new one.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(cron = "@daily", key = "nightly")]
/// async fn back_up() {}
/// # fn main() {}
/// ```
///
/// ## `run_on_start`
///
/// Makes a job each time a worker starts, unless the last one is still alive. With `"deployment"` it makes one for each build, by
/// whichever process of it starts first. With `cron` or `every` or alone.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(run_on_start, every = "1h")]
/// async fn warm_the_cache() {}
///
/// #[job(run_on_start = "deployment")]
/// async fn rebuild_the_index() {}
/// # fn main() {}
/// ```
///
/// ## `misfire`
///
/// A tick is missed when it is a minute late or when the next one has come as well: no worker ran, or the store could not be
/// reached. `once` fires the latest of those that were missed, which stands for the others; `skip` fires none; `all` fires each, the
/// oldest first, `all 20` the last 20 (100 without a number), `all within 2h` those not older than that (a day without it). Beside
/// `overlap = "skip"` only the first of them would find nothing that still runs: give it `queue` or `allow`.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(every = "10m", misfire = "all 20 within 2h", overlap = "queue")]
/// async fn bill_the_last_ten_minutes() {}
/// # fn main() {}
/// ```
///
/// ## `overlap`
///
/// A run is over when its job has ended; one that waits, also for a retry, is not over. `skip` leaves out a tick that comes before
/// that; `queue` makes its job when the last run is over; `allow` makes it at once; `cancel` asks the last run to stop, and makes it
/// when that is over.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(cron = "*/5 * * * *", overlap = "cancel")]
/// async fn refresh() {}
/// # fn main() {}
/// ```
///
/// ## `jitter`
///
/// Each job may run later than its tick by up to this, so that not all that is due at a full hour begins at once. Given in whole
/// milliseconds.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(cron = "@daily", jitter = "30m")]
/// async fn call_home() {}
/// # fn main() {}
/// ```
///
/// ## `starts`
///
/// No tick before this moment: `2027-01-31`, which is midnight, `2027-01-31 08:00` or `2027-01-31T08:00:00`, on the clock of the
/// schedule's zone (`tz`), or with an offset, `2027-01-31T08:00:00+01:00`, or `Z`.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(cron = "0 8 * * *", tz = "Europe/Berlin", starts = "2027-01-31")]
/// async fn open_the_shop() {}
/// # fn main() {}
/// ```
///
/// ## `ends`
///
/// No tick at this moment or after it. Written like `starts`, after which it lies.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(every = "1h", ends = "2027-12-24T18:00:00+01:00")]
/// async fn count_down() {}
/// # fn main() {}
/// ```
///
/// ## `args`
///
/// The arguments of the jobs that the clock makes, by the names of the parameters. Each value is an expression with the type of its
/// parameter, which the compiler checks; a string is turned into what the parameter takes. They are evaluated when a process starts,
/// not at each tick. A parameter that is not given must be an `Option`, and is `None` then.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// const SHOPS: [u32; 2] = [17, 23];
///
/// #[job(cron = "@daily", args(greeting = "good morning", shops = SHOPS.to_vec()))]
/// async fn greet(greeting: String, shops: Vec<u32>, only: Option<String>) {
///     # drop((greeting, shops, only));
///     // ..
/// }
/// # fn main() {}
/// ```
///
/// ## `schedule`
///
/// One job may have several schedules: one beside its other keys, and any number in brackets of their own, each with the keys from
/// `cron` to `args`. All but one of them need a `key`.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(
///     queue = "reports",
///     schedule(cron = "0 9 * * MON-FRI", key = "morning", args(days = 1)),
///     schedule(cron = "0 9 * * MON", key = "week", args(days = 7), misfire = "skip"),
/// )]
/// async fn report(days: u32) {
///     # let _ = days;
///     // ..
/// }
/// # fn main() {}
/// ```
///
/// ## `tags`
///
/// Every job of the kind has them; one job can be given more by `.tag(..)`.
///
/// ```
/// # extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// #[job(tags = ["mail", "customer"])]
/// async fn welcome(name: String) {
///     # drop(name);
///     // ..
/// }
/// # fn main() {}
/// ```
///
/// ## `crate`
///
/// For crates that rename `jobs_runtime` or re-export it. The path begins with `::`, `crate::` or `$crate::`.
///
/// ```
/// # pub extern crate jobs_core as jobs_runtime;
/// # use jobs_macros::job;
/// mod vendor {
///     pub use jobs_runtime as work;
/// }
///
/// #[job(crate = crate::vendor::work)]
/// async fn send() {}
/// # fn main() {}
/// ```
#[proc_macro_attribute]
pub fn job(attribute: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    job_tokens(attribute.into(), item.into()).into()
}

/// The fn as it was written, and what belongs beside it.
fn job_tokens(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::read(attribute, &mut errors);
    let head = Head::read(&item, &mut errors);
    if let Some(head) = &head {
        check::check(head, &options, &mut errors);
    }
    let beside = match (head, errors.finish()) {
        (Some(head), None) if !head.is_refused_by_rustc() => expand::expand(&head, &options),
        (None, Some(_)) if item::is_no_item(&item) => TokenStream::new(),
        (head, errors) => fallback::expand(head.as_ref(), &options, errors.as_ref()),
    };
    let mut all = item;
    all.extend(beside);
    all
}
