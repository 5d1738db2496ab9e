//! The work that no visitor waits for.
//!
//! What is borrowed (`&Mailer`) is lent by the runtime, what is owned (`email`) is stored with the job. A job with `&mut Transaction` is a
//! unit of work: what it writes and its completion are one commit, so each of its effects in the database happens exactly once. The others run
//! at least once, and are made so that a second run does no harm.

use jobs_runtime::{BoxError, Client, JobContext, Timestamp, job};
use lettre::Address;
use sqlx::{Any, Transaction};

use crate::db::{Db, enqueue};
use crate::mail::{Mailer, organiser, person};

/// How long events are kept.
const KEPT_SECONDS: i64 = 30 * 24 * 60 * 60;

/// Welcomes a new user.
#[job(queue = "critical", timeout = "30s")]
pub(crate) async fn welcome(mailer: &Mailer, ctx: &JobContext, email: Address, name: String) -> Result<(), BoxError> {
    let text = format!("Hello {name},\n\nyou can now sign up for events.\n");
    mailer.send(ctx.id(), person(name, email), "Welcome", text).await
}

/// Gives a guest the next seat. Run twice, it would count two seats for one guest: that is what a unit of work is for.
#[job(queue = "desk")]
pub(crate) async fn confirm(tx: &mut Transaction<'_, Any>, event: i64, user: i64) -> Result<Option<i64>, sqlx::Error> {
    let next = "UPDATE events SET seats_taken = seats_taken + 1 WHERE id = $1 \
         AND EXISTS (SELECT 1 FROM registrations WHERE event_id = $1 AND user_id = $2) RETURNING seats_taken";
    let seat: Option<i64> = sqlx::query_scalar(next).bind(event).bind(user).fetch_optional(&mut **tx).await?;
    // One who has signed off meanwhile needs none.
    if seat.is_some() {
        let take = "UPDATE registrations SET seat = $1 WHERE event_id = $2 AND user_id = $3";
        sqlx::query(take).bind(seat).bind(event).bind(user).execute(&mut **tx).await?;
    }
    Ok(seat)
}

/// Reminds somebody of an event. One who has signed off gets no mail.
#[job(queue = "mail", timeout = "30s")]
pub(crate) async fn remind(db: &Db, mailer: &Mailer, ctx: &JobContext, event: i64, user: i64) -> Result<(), BoxError> {
    let registration = "SELECT email, name, title, starts_at FROM registrations \
         JOIN users ON users.id = user_id JOIN events ON events.id = event_id WHERE event_id = $1 AND user_id = $2";
    let found: Option<(String, String, String, i64)> =
        sqlx::query_as(registration).bind(event).bind(user).fetch_optional(&db.pool).await?;
    let Some((email, name, title, starts_at)) = found else { return Ok(()) };
    let starts_at = Timestamp::from_second(starts_at)?;
    let text = format!("Hello {name},\n\n{title} starts at {starts_at}.\n");
    mailer.send(ctx.id(), person(name, email.parse()?), &format!("Reminder: {title}"), text).await
}

/// Counts what is new since the last report, and enqueues the mail that says so, in one commit: no registration is counted in two
/// reports or in none.
#[job(cron = "0 8 * * *")]
pub(crate) async fn report(tx: &mut Transaction<'_, Any>, client: &Client) -> Result<u64, BoxError> {
    let new = sqlx::query("UPDATE registrations SET reported = TRUE WHERE NOT reported").execute(&mut **tx).await?;
    enqueue(tx, client, [send_report::job(new.rows_affected())]).await?;
    Ok(new.rows_affected())
}

/// Mails a report.
#[job(queue = "mail", timeout = "30s")]
pub(crate) async fn send_report(mailer: &Mailer, ctx: &JobContext, registrations: u64) -> Result<(), BoxError> {
    mailer.send(ctx.id(), organiser()?, "Daily report", format!("New registrations: {registrations}\n")).await
}

/// Removes old events at night. Done twice, it finds nothing the second time.
#[job(cron = "0 3 * * *", tz = "Europe/Berlin", queue = "low", retries = 3)]
pub(crate) async fn clean_up(db: &Db, ctx: &JobContext) -> Result<u64, sqlx::Error> {
    let before = ctx.started_at().as_second() - KEPT_SECONDS;
    let removed = sqlx::query("DELETE FROM events WHERE starts_at < $1").bind(before).execute(&db.pool).await?;
    Ok(removed.rows_affected())
}
