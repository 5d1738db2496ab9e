use jobs_runtime::job;

fn main() {
    #[job]
    let send = async || {};
    drop(send);
}
