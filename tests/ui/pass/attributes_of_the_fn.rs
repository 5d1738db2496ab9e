//! Attributes and modifiers of the fn and of its parameters stay, and do no harm beside the job.
#![deny(warnings)]
#![allow(clippy::needless_pass_by_value)]

use jobs_runtime::job;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
type Days = Option<u32>;

/// Docs, with [`documented`] in them.
///
/// And a second paragraph.
#[job]
#[must_use]
#[inline(never)]
#[cold]
#[allow(unused_mut, clippy::unused_async)]
async fn documented(#[allow(unused_variables)] to: String, mut copies: Vec<u8>, #[expect(unused_variables)] from: u8) -> Result<()> {
    copies.clear();
    Ok(())
}

#[cfg_attr(all(), job(queue = "cfg"))]
async fn conditional() {}

#[cfg_attr(any(), job(nonsense))]
async fn no_job_at_all() {}

#[cfg(all())]
#[job]
#[cfg(not(any()))]
async fn both_sides() {}

#[job(cron = "@daily")]
async fn alias_of_an_option(days: Days, hours: std::option::Option<u8>) {
    let _ = (days, hours);
}

#[job]
async fn bounded<'a, 'b: 'a>(left: &'a u8, right: &'b (dyn Fn() -> u8 + Send + Sync), set: &(dyn Send + Sync)) -> Result<u8>
where
    'b: 'a,
    String: Clone,
{
    let _ = set;
    Ok(left + right())
}


fn main() {
    drop((documented::job(String::new(), vec![], 1), conditional::job(), both_sides::job(), alias_of_an_option::job(None, None)));
    drop((bounded::job(), no_job_at_all()));
}
