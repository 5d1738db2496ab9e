use jobs_runtime::job;

struct Tx;

#[job]
async fn charge(tx: Option<&mut Tx>) {
    let _ = tx;
}

fn main() {}
