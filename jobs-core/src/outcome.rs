//! How an attempt ended: what the fn returned, and what its error decides about the future of the job.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// Any error that can cross threads, boxed.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// An error of a job. Implemented for everything that turns into a boxed error: std errors, `String`, `&str`, `anyhow::Error`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a job",
    label = "does not turn into a boxed error",
    note = "implement `std::error::Error + Send + Sync` for `{Self}`, or use `String`, `anyhow::Error` or a boxed error"
)]
pub trait JobError: Into<BoxError> + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError> + Send + 'static> JobError for E {}

/// An output of a job. Implemented for everything that serde can write.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the output of a job",
    label = "must be `Serialize + Send + 'static`",
    note = "the output is kept with the finished job: add `#[derive(serde::Serialize)]` to `{Self}`, or return `Result<(), E>`"
)]
pub trait Output: Serialize + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + Send + 'static> Output for T {}

/// What a job may return: nothing, or a `Result`.
#[diagnostic::on_unimplemented(
    message = "a job cannot return `{Self}`",
    label = "return nothing or a `Result<T, E>`",
    note = "write `Result<{Self}, std::convert::Infallible>` if the job cannot fail"
)]
pub trait Outcome {
    /// What a job that ended well hands to the one that follows on it.
    type Output;

    /// Turns the returned value into what is recorded.
    fn settle(self) -> Settled;
}

impl Outcome for () {
    type Output = ();

    fn settle(self) -> Settled {
        Ok(None)
    }
}

impl<T: Output, E: JobError> Outcome for Result<T, E> {
    type Output = T;

    fn settle(self) -> Settled {
        match self {
            Ok(output) => encode(&output),
            Err(error) => Err(Failure::from_error(error.into())),
        }
    }
}

/// How a job that returns `R` is settled. The bound stands on this one function, so that a return type that does not fit is
/// reported once, under the type itself.
#[must_use]
pub const fn settle<R: Outcome>() -> fn(R) -> Settled {
    R::settle
}

/// The JSON of an output (`None` for a job that returns nothing), or how it failed.
pub type Settled = Result<Option<String>, Failure>;

fn encode<T: Serialize>(output: &T) -> Settled {
    match serde_json::to_string(output) {
        Ok(json) if json == "null" => Ok(None),
        Ok(json) => Ok(Some(json)),
        Err(error) => Err(Failure {
            message: format!("the work was done, but its output cannot be written as JSON: {error}"),
            directive: Directive::Discard,
        }),
    }
}

/// A failed attempt: its text, and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The error and its sources, joined by `: `.
    pub message: String,
    /// What follows.
    pub directive: Directive,
}

/// What follows on a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Directive {
    /// Retry by the job's backoff while attempts are left.
    Backoff,
    /// Retry after this time while attempts are left.
    RetryIn(Duration),
    /// Not a failure: run again after this time, with no attempt used.
    Snooze(Duration),
    /// Fail for good, whatever attempts are left.
    Discard,
    /// Cancel the job.
    Cancel,
}

impl Failure {
    /// An ordinary failure.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), directive: Directive::Backoff }
    }

    /// Reads the text of an error, and the [`Verdict`] that it is or that stands anywhere among its sources.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "the error ends here; a borrow would make every caller keep it")]
    pub fn from_error(error: BoxError) -> Self {
        let mut message = String::new();
        let mut directive = Directive::Backoff;
        let mut next: Option<&(dyn Error + 'static)> = Some(&*error);
        // A chain of sources that never ends must not hang a worker.
        for _ in 0..64 {
            let Some(error) = next else { break };
            if let Some(mark) = error.downcast_ref::<Mark>() {
                directive = mark.directive;
                next = mark.cause.as_deref().map(|cause| cause as &(dyn Error + 'static));
                continue;
            }
            let text = error.to_string();
            if !text.is_empty() && !message.ends_with(&text) {
                if !message.is_empty() {
                    message.push_str(": ");
                }
                message.push_str(&text);
            }
            next = error.source();
        }
        Self { message, directive }
    }
}

/// An error that decides what follows. Return it from a job, itself or inside an error of your own that has it as a source.
///
/// ```
/// use std::time::Duration;
/// use jobs_core::{BoxError, Verdict};
///
/// async fn fetch(status: u16) -> Result<(), BoxError> {
///     match status {
///         200 => Ok(()),
///         404 => Err(Verdict::discard("the page is gone").into()),
///         429 => Err(Verdict::retry_in(Duration::from_secs(90), "too many requests").into()),
///         503 => Err(Verdict::snooze(Duration::from_secs(600)).into()),
///         _ => Err("unexpected status".into()),
///     }
/// }
/// # let _ = fetch(200);
/// ```
#[derive(Debug)]
pub struct Verdict {
    text: String,
    mark: Mark,
}

// A source of its own: errors such as `anyhow::Error` hide the outermost type but always hand on its sources.
#[derive(Debug)]
struct Mark {
    directive: Directive,
    cause: Option<BoxError>,
}

impl Verdict {
    /// The attempt failed; try again after `delay` instead of the job's own backoff, while attempts are left.
    #[doc(alias("retry_after"))]
    pub fn retry_in(delay: Duration, cause: impl Into<BoxError>) -> Self {
        Self::new(Directive::RetryIn(delay), Some(cause.into()))
    }

    /// Nothing failed, but it is too early: run again after `delay`. Uses no attempt.
    #[doc(alias("defer", "reschedule"))]
    #[must_use]
    pub fn snooze(delay: Duration) -> Self {
        Self::new(Directive::Snooze(delay), None)
    }

    /// Another attempt would not help: keep the job as failed at once.
    #[doc(alias("abort", "fail"))]
    pub fn discard(cause: impl Into<BoxError>) -> Self {
        Self::new(Directive::Discard, Some(cause.into()))
    }

    /// The job is no longer wanted: end it as cancelled, for this reason.
    pub fn cancel(reason: impl Into<BoxError>) -> Self {
        Self::new(Directive::Cancel, Some(reason.into()))
    }

    fn new(directive: Directive, cause: Option<BoxError>) -> Self {
        let text = cause.as_ref().map_or_else(|| "snoozed".to_owned(), ToString::to_string);
        Self { text, mark: Mark { directive, cause } }
    }

    /// What this verdict decides.
    #[must_use]
    pub fn directive(&self) -> Directive {
        self.mark.directive
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Verdict {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.mark)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the job decided what follows")
    }
}

impl Error for Mark {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::ParseIntError;

    #[derive(Debug, thiserror::Error)]
    enum MailError {
        #[error("the mail server refused")]
        Refused(#[source] ParseIntError),
        #[error("later")]
        Later(#[from] Verdict),
    }

    fn parse_error() -> ParseIntError {
        "x".parse::<i32>().unwrap_err()
    }

    #[test]
    fn an_error_is_recorded_with_its_sources() {
        let failure = Err::<(), _>(MailError::Refused(parse_error())).settle().unwrap_err();
        assert_eq!(failure, Failure::new("the mail server refused: invalid digit found in string"));
    }

    #[test]
    fn a_verdict_is_found_below_a_users_own_error() {
        let failure = Err::<(), _>(MailError::Later(Verdict::snooze(Duration::from_secs(3)))).settle().unwrap_err();
        assert_eq!(failure.directive, Directive::Snooze(Duration::from_secs(3)));
    }

    #[test]
    fn every_verdict_keeps_its_cause() {
        let day = Duration::from_secs(86_400);
        for (verdict, directive) in [
            (Verdict::retry_in(day, parse_error()), Directive::RetryIn(day)),
            (Verdict::discard(parse_error()), Directive::Discard),
            (Verdict::cancel(parse_error()), Directive::Cancel),
        ] {
            let failure = Failure::from_error(verdict.into());
            assert_eq!((failure.message.as_str(), failure.directive), ("invalid digit found in string", directive));
        }
    }

    #[test]
    fn texts_and_outputs_are_accepted() {
        assert_eq!(Err::<(), _>("no").settle(), Err(Failure::new("no")));
        assert_eq!(Err::<(), _>(String::from("no")).settle(), Err(Failure::new("no")));
        assert_eq!(Ok::<_, String>(7).settle(), Ok(Some("7".to_owned())));
        assert_eq!(Ok::<_, String>(()).settle(), Ok(None));
        assert_eq!(().settle(), Ok(None));
    }

    #[test]
    fn an_output_without_a_json_form_is_not_tried_again() {
        let output = std::collections::BTreeMap::from([(vec![1_u8], 1_u8)]);
        assert_eq!(Ok::<_, String>(output).settle().unwrap_err().directive, Directive::Discard);
    }

    #[test]
    fn an_endless_chain_of_sources_ends() {
        #[derive(Debug)]
        struct Ring;
        impl fmt::Display for Ring {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("ring")
            }
        }
        impl Error for Ring {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&Ring)
            }
        }
        assert_eq!(Failure::from_error(Box::new(Ring)).message, "ring");
    }
}
