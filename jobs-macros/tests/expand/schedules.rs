#[job(
    every = "10m",
    misfire = "all 20 within 2h",
    overlap = "queue",
    jitter = "1m30s",
    starts = "2027-01-31T08:00:00+01:00",
    ends = "2027-12-24",
    args(r#type = "plain", count = LIMIT.min(3)),
    schedule(cron = "0 9 * * *", tz = "Europe/Berlin", key = "morning", misfire = "skip", args(count = 1, r#type = String::new())),
    schedule(run_on_start = "deployment", key = "start", args(r#type = "start", count = -1, only = Some(7))),
)]
async fn greet(db: &Db, r#type: String, count: i64, only: Option<u8>) {}
