use jobs_runtime::job;

#[job(every = "5m", args(count = 3))]
async fn greet(days: Days, count: u32) {
    let _ = (days, count);
}

type Days = u32;

fn main() {
    let _job = greet::job(1, 3);
}
