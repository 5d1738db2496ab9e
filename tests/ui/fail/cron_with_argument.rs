use jobs_runtime::job;

#[job(cron = "@daily")]
async fn sweep(days: u32, dry: Option<bool>) {
    let _ = (days, dry);
}

fn main() {
    let _job = sweep::job(1, None);
}
