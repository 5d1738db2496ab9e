use jobs_runtime::job;

struct Tx<'c>(std::marker::PhantomData<&'c u8>);

#[job]
async fn charge(tx: &mut Tx) {
    let _ = tx;
}

fn main() {
    let _job = charge::job();
}
