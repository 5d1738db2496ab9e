use jobs_runtime::job;

struct Tx;
struct TxError;

#[job]
async fn charge(tx: &mut Tx) -> Result<(), TxError> {
    let _ = tx;
    Ok(())
}

fn main() {
    let _job = charge::job();
}
