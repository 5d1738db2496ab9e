use jobs_runtime::job;

#[job(every = "5m", args(greting = "hi", count = 3))]
async fn greet(greeting: String, count: u32) {
    let _ = (greeting, count);
}

fn main() {
    let _job = greet::job("hi".into(), 3);
}
