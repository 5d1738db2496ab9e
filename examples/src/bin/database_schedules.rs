//! Schedules that stand in a table of one's own: loaded, edited while workers run, and loaded again.
//!
//! `cargo run -p examples --bin database_schedules` makes the table `newsletters` in `newsletters.db` in the current folder, as an
//! application would have it for its users, and gives its rows to `replace_group`: what is new is created, what has changed is changed, what
//! is gone is removed, and what is as it was keeps its place in time. The jobs are kept in `schedules.db` beside it, or
//! where `JOBS_STORE` says.

use jobs_runtime::schedule::{NewSchedule, Spec, Zone};
use jobs_runtime::{BoxError, Client, Runtime, job};
use rusqlite::Connection;

/// All schedules of the table, and no others.
const GROUP: &str = "newsletters";

#[job(retries = 3)]
async fn send_newsletter(subject: String) {
    println!("sent: {subject}");
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let store = std::env::var("JOBS_STORE").unwrap_or_else(|_| "sqlite://schedules.db".to_owned());
    let runtime = Runtime::builder().store(store).start().await?;
    let client = runtime.client();
    let schedules = client.schedules();

    let table = Connection::open("newsletters.db")?;
    table.execute_batch(
        "DROP TABLE IF EXISTS newsletters;
         CREATE TABLE newsletters (name TEXT PRIMARY KEY, cron TEXT NOT NULL, zone TEXT NOT NULL, subject TEXT NOT NULL);
         INSERT INTO newsletters VALUES
            ('cooking', '0 9 * * SAT', 'Europe/Berlin', 'Soups of the week'),
            ('markets', '30 16 * * MON-FRI', 'America/New_York', 'What the day brought'),
            ('weather', '@daily', 'UTC', 'Tomorrow''s weather');",
    )?;
    load(client, &table).await?;
    list(client, "the table as it was made").await?;

    // Somebody edits the table while everything runs. Who edits it loads it again, or a job does that every minute.
    table.execute_batch(
        "UPDATE newsletters SET cron = '0 7 * * SAT,SUN' WHERE name = 'cooking';
         DELETE FROM newsletters WHERE name = 'weather';
         INSERT INTO newsletters VALUES ('gardens', '0 6 1 * *', 'Europe/London', 'The month in the garden');",
    )?;
    load(client, &table).await?;
    list(client, "edited").await?;

    // A row that cannot be is refused with all the others, by its name; what was loaded before goes on.
    table.execute("UPDATE newsletters SET cron = '0 25 * * *' WHERE name = 'gardens'", [])?;
    if let Err(error) = load(client, &table).await {
        println!("refused: {error}");
    }
    table.execute("UPDATE newsletters SET cron = '0 6 1 * *' WHERE name = 'gardens'", [])?;

    // What a person does by hand outlasts every load of the table.
    schedules.pause("newsletters/markets").await?;
    schedules.give_times("newsletters/cooking", &Spec::parse_every("3h")?, &Zone::utc()).await?;
    load(client, &table).await?;
    list(client, "one is paused, one has other times").await?;
    schedules.resume("newsletters/markets").await?;
    schedules.drop_times("newsletters/cooking").await?;
    list(client, "as the table says").await?;

    schedules.replace_group(GROUP, Vec::new()).await?;
    list(client, "dropped").await?;
    runtime.shutdown().await;
    Ok(())
}

/// Makes the rows of the table all that the group has.
async fn load(client: &Client, table: &Connection) -> Result<(), BoxError> {
    let mut rows = table.prepare("SELECT name, cron, zone, subject FROM newsletters ORDER BY name")?;
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let mut wanted = Vec::new();
    for row in rows {
        let (name, cron, zone, subject): (String, String, String, String) = row?;
        let new = NewSchedule::new(format!("{GROUP}/{name}"), send_newsletter::job(subject))?;
        wanted.push(new.cron(&cron).tz(zone));
    }
    let answers = client.schedules().replace_group(GROUP, wanted).await?;
    println!("loaded: {answers:?}");
    Ok(())
}

async fn list(client: &Client, title: &str) -> Result<(), BoxError> {
    println!("{title}:");
    for view in client.schedules().list().await? {
        let next: Vec<String> = view.next_ticks(2).iter().map(ToString::to_string).collect();
        let next = if next.is_empty() { "paused".to_owned() } else { format!("next {}", next.join(" and ")) };
        println!("  {}: {}; {next}", view.key(), view.describe());
    }
    Ok(())
}
