//! The sources of settings: whatever stands in them, there are settings, or mistakes that name their place and show no password.

use std::collections::BTreeMap;
use std::path::Path;

use jobs_runtime::settings::{OPTIONS, Overrides, Settings, SettingsError, Sources, StoreUrl};
use jobs_runtime::store::postgres::bare::read_url;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::mutate::{almost, anything, texts};
use super::{Chunk, Found, ensure, is_plain};

/// The longest message about a value, in bytes.
const MESSAGE: usize = 2_000;

/// The most mistakes of one file: there is an end to reading.
const MISTAKES: usize = 20_000;

fn resolve(variables: &[(String, String)], file: Option<&str>) -> Result<Settings, SettingsError> {
    let file = file.map(str::to_owned);
    let sources = Sources {
        variables: variables.iter().cloned().collect::<BTreeMap<_, _>>(),
        folder: "/app".into(),
        read: Box::new(move |path| Ok(file.clone().filter(|_| path == Path::new("/app/jobs.toml")))),
        ..Sources::none()
    };
    Settings::resolve(Overrides::new(), &sources)
}

/// What was resolved is shown without harm, or each mistake is one line.
fn is_clear(result: &Result<Settings, SettingsError>) -> Result<(), String> {
    let error = match result {
        Ok(settings) => return ensure(!format!("{settings:?}").is_empty(), || "they cannot be shown".to_owned()),
        Err(error) => error,
    };
    ensure(!error.mistakes.is_empty(), || "there is no mistake, and no settings".to_owned())?;
    ensure(error.mistakes.len() <= MISTAKES, || format!("{} mistakes", error.mistakes.len()))?;
    error.mistakes.iter().try_for_each(|mistake| is_plain(&mistake.to_string(), MESSAGE))
}

const URLS: &[&str] = &[
    "memory:",
    "sqlite://jobs.db",
    "sqlite:data/jobs.db",
    "sqlite:///var/lib/jobs.db",
    "postgres://ann:hunter2@db.example:5432/shop?sslmode=require&schema=my%20jobs",
    "postgresql://ann@db1:5432,db2:5433/shop?target_session_attrs=read-write",
    "postgres://ann:hunter2@[::1]/shop?pooled=true&connect_timeout=3",
    "postgres:///shop?host=/run/postgresql",
];

/// What stands for the password in the URLs above.
const PASSWORD: &str = "hunter2";

pub(super) fn store_url(chunk: &Chunk) -> Result<(), Found> {
    chunk.check(texts(URLS), |text| {
        let result = resolve(&[("JOBS_STORE".to_owned(), text.clone())], None);
        is_clear(&result)?;
        let shown = match &result {
            Ok(settings) => format!("{} {settings:?}", settings.store),
            Err(error) => error.to_string(),
        };
        // Between the `:` behind a user and the last `@`, a password is one, whatever else is wrong. What stands behind is a host.
        let is_secret = text.split_once("://").and_then(|(_, rest)| rest.strip_prefix("ann:")?.rsplit_once('@'));
        let is_secret = is_secret.is_some_and(|(password, host)| password.contains(PASSWORD) && !host.contains(PASSWORD));
        ensure(!is_secret || !shown.contains(PASSWORD), || format!("it shows the password: {shown}"))?;
        if let Ok(Settings { store: url @ StoreUrl::Sqlite(_), .. }) = &result {
            let again = resolve(&[("JOBS_STORE".to_owned(), url.to_string())], None);
            let reads_back = again.is_ok_and(|again| again.store == *url) || url.to_string().contains("***");
            ensure(reads_back, || format!("`{url}` does not read back"))?;
        }
        match read_url(&text) {
            Ok(shown) => ensure(!is_secret || !shown.contains(PASSWORD), || format!("the store shows it: {shown}")),
            Err(error) => {
                let message = error.to_string();
                ensure(!is_secret || !message.contains(PASSWORD), || format!("the store shows it: {message}"))?;
                // It says which URL it is.
                is_plain(&message, MESSAGE + 4_096)
            }
        }
    })
}

const FILE: &str = r#"# All sorts.
store = "sqlite://${DATA:-.}/jobs.db"
concurrency = 16
only_queues = ["critical", "default"]
lease = "15s"
output_limit = "64KiB"
schedules = true
tz = "Europe/Berlin"

[queues.critical]
concurrency = 8

[shutdown]
drain = "1m"

[jobs.clean_up]
cron = "0 3 * * *"
tz = "Europe/Berlin"

[jobs.poll]
every = "5m"
enabled = false

[schedule.morning]
cron = "30 9 * * MON-FRI"
enabled = true
"#;

/// Tables and lists in each other, deeper than anybody writes.
fn tower() -> impl Strategy<Value = String> {
    (select(vec!["[", "{a=", "[[", "a.", "\"", "\"\"\"", "${A:-"]), 0_usize..5_000)
        .prop_map(|(open, times)| format!("concurrency = {}", open.repeat(times)))
}

pub(super) fn toml(chunk: &Chunk) -> Result<(), Found> {
    let files = prop_oneof![8 => almost(Just(FILE.to_owned())), 1 => anything(), 1 => tower()];
    chunk.check(files, |file| {
        let result = resolve(&[], Some(&file));
        is_clear(&result)?;
        let Err(error) = result else { return Ok(()) };
        let placed = error.mistakes.iter().all(|mistake| mistake.to_string().starts_with("jobs.toml"));
        ensure(placed, || format!("a mistake without its place: {error}"))
    })
}

pub(super) fn variables(chunk: &Chunk) -> Result<(), Found> {
    let known: Vec<String> = OPTIONS
        .iter()
        .map(|option| option.path.replace("<name>", "mail").replace("<kind>", "poll"))
        .map(|path| format!("JOBS_{}", path.replace('.', "_").to_uppercase()))
        .collect();
    let name = prop_oneof![6 => select(known.clone()), 3 => almost(select(known)), 1 => anything()];
    let value = texts(&["64", "15s", "64KiB", "true", "critical,default", "0 2 * * *", "exponential 10s to 6h", "Europe/Berlin"]);
    chunk.check(vec((name, value), 1..4), |variables| is_clear(&resolve(&variables, None)))
}
