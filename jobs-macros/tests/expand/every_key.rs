#[job(
    name = "report:weekly",
    aliases = ["weekly_report"],
    queue = "low",
    priority = -10,
    retries = 3,
    backoff = "1m, 5m",
    timeout = "1h30m",
    cron = "0 2 * * MON",
    tz = "europe/berlin",
    key = "weekly",
    run_on_start,
    tags = ["report", "mail"],
    crate = crate::renamed,
)]
async fn report(days: Option<u32>) {}
