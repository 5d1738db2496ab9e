//! The `#[job]` attribute. `jobs_runtime` re-exports it; nobody needs this crate by itself.
//!
//! The way of one job through the modules: `attr` reads the attribute (by the table in `keys`, each value by `value` with `number`
//! and `text`; `foreign` and `mend` know what was meant by a wrong one) and `signature` the head of the fn. `check` applies the
//! rules (with `parameters`), then `expand` writes the code (with `entry`), or `fallback` what is left of it beside the `errors`.

mod attr;
mod check;
mod entry;
mod errors;
mod expand;
mod fallback;
mod foreign;
mod keys;
mod mend;
mod number;
mod parameters;
mod signature;
#[cfg(test)]
mod tests;
mod text;
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
/// type; `&dyn Trait` works, and `&JobContext` is the run's own context. The fn returns nothing or a `Result<T, E>` whose error
/// turns into a boxed error.
///
/// The fn itself stays as it is. Beside it appears a handler struct of the same name, so a module of that name cannot stand in
/// the same place.
///
/// An argument may be added later as an `Option<T>` and removed at any time while jobs wait. Renaming one loses its stored
/// values.
///
/// | key | meaning |
/// | --- | --- |
/// | `name = "send_email"` | the name under which its jobs are stored; the fn's own unless given |
/// | `aliases = ["send_mail"]` | earlier names, under which stored jobs may still wait |
/// | `queue = "critical"` | where its jobs wait; `default` unless given |
/// | `priority = -10` | -1000 to 1000, smaller runs first; 0 unless given |
/// | `retries = 5` | how often a failed job is tried again, 0 to 1000 |
/// | `backoff = "exponential 10s to 6h"` | how long it waits between attempts; also `linear 30s to 1h`, `fixed 30s`, `1m, 5m, 15m` |
/// | `timeout = "30s"` | how long one attempt may take, 1ms to 30d |
/// | `cron = "0 2 * * *"` | runs by the calendar: five fields as in crontab(5), `@daily` and the like, or `@once` |
/// | `every = "5m"` | runs at an interval, 1s to 366d, counted from the Unix epoch |
/// | `tz = "Europe/Berlin"` | the time zone of `cron`, or `local`; UTC unless given |
/// | `key = "nightly"` | the schedule's key in the store; the job's name unless given |
/// | `run_on_start` | also runs each time a worker starts |
/// | `tags = ["mail", "customer"]` | labels to find its jobs by |
/// | `crate = ::jobs_runtime` | where `jobs_runtime` is, if it goes by another name |
#[proc_macro_attribute]
pub fn job(attribute: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    job_tokens(attribute.into(), item.into()).into()
}

/// The fn as it was written, and what belongs beside it.
fn job_tokens(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::read(attribute, &mut errors);
    let head = syn::parse2::<Head>(item.clone()).map_err(|error| errors.add(error)).ok();
    if let Some(head) = &head {
        check::check(head, &options, &mut errors);
    }
    let beside = match (head, errors.finish()) {
        (Some(head), None) if !head.is_refused_by_rustc() => expand::expand(&head, &options),
        (None, Some(_)) if signature::is_no_item(&item) => TokenStream::new(),
        (head, errors) => fallback::expand(head.as_ref(), &options, errors.as_ref()),
    };
    let mut all = item;
    all.extend(beside);
    all
}
