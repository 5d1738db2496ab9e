use jobs_runtime::{JobContext, job};

#[job]
async fn send(ctx: JobContext) {
    drop(ctx);
}

fn main() {}
