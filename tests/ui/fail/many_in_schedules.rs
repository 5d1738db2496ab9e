use jobs_runtime::job;

#[job(
    misfire = "onse",
    every = "5m",
    args(greeting = "hi", cuont = 3),
    schedule(cron = "0 24 * * *", key = "midnight", args(greeting = "hi", count = "3" 4)),
    schedule(key = "empty", retries = 3),
    schedule(every = "6m", splay = "5s", args(greeting = "hi")),
)]
async fn greet(greeting: String, count: u32) {
    let _ = (greeting, count);
}

fn main() {
    let _job = greet::job("hi".into(), 3);
}
