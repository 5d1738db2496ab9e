use jobs_runtime::job;

#[job(schedule(every = "5m", args(greeting = "hi", count = 3)), schedule(cron = "@daily", key = "b", args(greeting = "hi")))]
async fn greet(greeting: String, count: u32) {
    let _ = (greeting, count);
}

fn main() {
    let _job = greet::job("hi".into(), 3);
}
