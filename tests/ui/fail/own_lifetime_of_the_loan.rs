use jobs_runtime::job;

struct Tx<'c>(std::marker::PhantomData<&'c u8>);

#[job]
async fn charge<'a>(tx: &'a mut Tx<'a>) {
    let _ = tx;
}

fn main() {
    let _job = charge::job();
}
