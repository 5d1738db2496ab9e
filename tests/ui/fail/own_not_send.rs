use jobs_runtime::job;
use std::rc::Rc;

struct Tx(Rc<u8>);

#[job]
async fn charge(tx: &mut Tx, order: u64) -> Result<(), String> {
    tick().await;
    tx.0 = Rc::new(0);
    drop(order);
    Ok(())
}

async fn tick() {}

fn main() {
    let _job = charge::job(1);
}
