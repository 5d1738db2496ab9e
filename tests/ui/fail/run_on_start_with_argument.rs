use jobs_runtime::job;

#[job(run_on_start)]
async fn sweep(days: u32) {
    let _ = days;
}

fn main() {
    let _job = sweep::job(1);
}
