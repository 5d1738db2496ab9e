use jobs_runtime::job;

#[job]
async fn charge(tx: &mut Transaction<'_>, tenant: &mut Tenant) {
    let _ = (tx, tenant);
}

fn main() {
    let _job = charge::job();
}
