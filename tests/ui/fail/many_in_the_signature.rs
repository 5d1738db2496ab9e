use jobs_runtime::job;

#[job(every = "5m")]
fn send<T>(to: &str, (a, b): (u8, u8), ctx: jobs_runtime::JobContext, kind: T, days: u32) -> impl Sized {
    drop((to, a, b, ctx, kind, days));
}

// The handler struct is there all the same.
fn main() {
    let ctx = jobs_runtime::JobContext::test();
    let _job = send::job((1, 2), ctx, 'x', 3).queue("mail");
    let _name = send::NAME;
}
