use jobs_runtime::job;

#[job(every = "5m", args(count = 3, db = Db))]
async fn greet(db: &Db, count: u32) {
    let _ = (db, count);
}

struct Db;

fn main() {
    let _job = greet::job(3);
}
