use jobs_runtime::job;

struct Db;

#[job]
async fn charge(db: &mut &Db) {
    let _ = db;
}

fn main() {
    let _job = charge::job();
}
