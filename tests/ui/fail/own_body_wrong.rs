use jobs_runtime::job;

struct Tx(u64);

#[job]
async fn charge(tx: &mut Tx, order: u64) -> Result<u64, String> {
    tx.0 = "7";
    Ok(order)
}

fn main() {
    let _job = charge::job(1);
}
