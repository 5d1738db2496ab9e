use jobs_runtime::job;

struct Tx<'c>(std::marker::PhantomData<&'c u8>);

#[job]
async fn charge(from: &mut Tx<'_>, to: &mut Tx<'static>) {
    let _ = (from, to);
}

fn main() {
    let _job = charge::job();
}
