use jobs_runtime::job;

struct Db(String);

#[job]
async fn count(db: &Db) -> Result<&str, String> {
    Ok(&db.0)
}

fn main() {}
