//! Opening: the URL, the thread with its lanes, the first connection, the schema.

use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jobs_core::StoreError;
use jobs_core::store::{Signal, StoreInfo};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::connect::Target;
use super::connection::{Connection, Manner, PINS, get};
use super::error::Result;
use super::gather::Gather;
use super::lane::{HOT, Lane, Patience};
use super::survey::Surveys;
use super::wake::{News, hear, poll, tell};
use super::{Lanes, PostgresOptions, Shared, days, schema, url};
use crate::testing::guards;

/// The oldest version of the server that is served: 12, by its number.
const OLDEST: i32 = 120_000;

pub(super) async fn open(mut options: PostgresOptions) -> std::result::Result<Shared, StoreError> {
    let parts = url::parse(&options)?;
    if let Some(schema) = &parts.schema {
        options.schema.clone_from(schema);
    }
    options.pooled = parts.pooled.unwrap_or(options.pooled);
    let quoted = schema::quoted(&options.schema)?;
    let place: Arc<str> = format!("{} (schema {})", parts.shown, options.schema).into();
    let target = Target::new(&parts, options.deadline, Arc::clone(&place))?;
    let signal = Arc::new(Signal::default());
    let news = Arc::new(News::default());

    let (enqueues, gathering) = Gather::new(Arc::clone(&place));
    let hot_silence = options.deadline / HOT;
    let [(claims, claiming), (outcomes, completing)] = std::array::from_fn(|_| Lane::new(Arc::clone(&place), hot_silence));
    let [(beats, beating), (duties, doing), (looks, looking)] =
        std::array::from_fn(|_| Lane::new(Arc::clone(&place), options.deadline));
    let (alive, mut all_gone) = watch::channel(());
    let (ending, ended) = watch::channel(false);
    let thread = {
        let (signal, news, options) = (Arc::clone(&signal), Arc::clone(&news), options.clone());
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let local = LocalSet::new();
            let target = Rc::new(target);
            let manner =
                |limit, hot| Rc::new(Manner { schema: quoted.clone(), pooled: options.pooled, settings: settings(limit, hot) });
            let (hottest, hot, calm) =
                (manner(hot_silence * 9 / 10, true), manner(options.deadline, true), manner(options.deadline, false));
            // Channels are the database's, so the schema is part of the name; a process is told from others by chance.
            let (channel, name) =
                (format!("jobs.{}", options.schema), Uuid::from_u128(u128::from(fastrand::u64(..))).to_string());
            let aside = local.spawn_local({
                let (target, hot) = (Rc::clone(&target), Rc::clone(&hot));
                async move {
                    if options.pooled {
                        tokio::join!(tell(news, channel, name, Rc::clone(&target), hot), poll(signal, target));
                    } else {
                        tokio::join!(
                            tell(news, channel.clone(), name.clone(), Rc::clone(&target), hot),
                            hear(signal, channel, name, target)
                        );
                    }
                }
            });
            let lanes = [
                local.spawn_local(gathering.run(Rc::clone(&target), Rc::clone(&hot))),
                local.spawn_local(claiming.run(Rc::clone(&target), Rc::clone(&hottest))),
                local.spawn_local(completing.run(Rc::clone(&target), hottest)),
                local.spawn_local(beating.run(Rc::clone(&target), Rc::clone(&hot))),
                local.spawn_local(doing.run(Rc::clone(&target), hot)),
                local.spawn_local(looking.run(target, calm)),
            ];
            local.block_on(&runtime, async move {
                while all_gone.changed().await.is_ok() {}
                aside.abort();
                for lane in lanes {
                    let _ = lane.await;
                }
            });
            drop(ending);
            Ok::<(), std::io::Error>(())
        };
        std::thread::Builder::new().name("jobs-postgres".to_owned()).spawn(guards::carried(work))
    };
    thread.map_err(|error| StoreError::Unusable(format!("the system gives no thread for the database: {error}")))?;
    let lanes = Lanes { enqueues, claims, outcomes, beats, duties, looks, _alive: Arc::new(alive) };
    let (migrate, pooled, shown) = (options.migrate, options.pooled, Arc::clone(&place));
    let version = lanes.looks.call(async move |connection| prepare(connection, migrate, &shown).await).await?;
    if !options.callers_clock {
        lanes.looks.call(async |connection| days::open(connection).await).await?;
    }
    let mut notes = Vec::new();
    if pooled {
        notes.push("through a pooler: looks for news once a second".into());
    }
    let info = StoreInfo { name: "postgres", place: place.to_string(), version, notes };
    let (callers_clock, slack) = (options.callers_clock, options.slack);
    let patience = Patience::new(options.deadline);
    let contract = super::contract::contract(&schema::quoted(&options.schema)?, !callers_clock);
    Ok(Shared {
        lanes: Mutex::new(Some(lanes)),
        signal,
        news,
        surveys: Arc::<Surveys>::default(),
        patience,
        contract,
        callers_clock,
        slack,
        info,
        ended,
    })
}

/// Looks at the server and brings the schema up. Answers the server's version.
async fn prepare(connection: &mut Connection, migrate: bool, place: &str) -> Result<String> {
    let row = connection
        .row("SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number", &[])
        .await?;
    let (version, number): (String, i32) = match &row {
        Some(row) => (get(row, "version")?, get(row, "number")?),
        None => (String::new(), 0),
    };
    if number < OLDEST {
        let message = format!("{place}: PostgreSQL {version} is older than 12, the oldest that jobs can use");
        return Err(StoreError::Unusable(message).into());
    }
    if migrate {
        schema::migrate(connection, place).await?;
    } else {
        let there = connection.text("{s}.migration");
        connection.row("SELECT $1::regclass::text AS there", &[(&there, Type::TEXT)]).await?;
    }
    Ok(version)
}

/// What holds on each connection. Where the hot statements run, the planner is kept from reading a table that was empty when it last
/// looked, and from planning the same statement each time.
pub(super) fn settings(deadline: Duration, hot: bool) -> Vec<(&'static str, String)> {
    let millis = deadline.as_millis();
    let mut settings = vec![
        ("statement_timeout", millis.to_string()),
        ("idle_in_transaction_session_timeout", millis.to_string()),
        ("lock_timeout", (millis / 2).to_string()),
        ("client_min_messages", "warning".to_owned()),
        ("jit", "off".to_owned()),
        // The protocol is proved for these, whatever the database or the role prefers.
        ("default_transaction_isolation", "'read committed'".to_owned()),
        ("default_transaction_read_only", "off".to_owned()),
    ];
    if hot {
        settings.extend(PINS.iter().map(|(name, value)| (*name, (*value).to_owned())));
    }
    settings
}
