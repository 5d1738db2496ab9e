use jobs_runtime::job;

#[derive(serde::Serialize, serde::Deserialize)]
struct Days(u32);

#[job(every = "5m")]
async fn sweep(days: Days) {
    let _ = days.0;
}

fn main() {
    let _job = sweep::job(Days(1));
}
