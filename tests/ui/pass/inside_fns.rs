#![deny(warnings)]

use jobs_runtime::{Job, job};

fn first() -> &'static str {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Local(u8);

    #[job(name = "first")]
    async fn inner(local: Local) {
        let _ = local.0;
    }
    let _job = inner::job(Local(1));
    inner::NAME
}

fn second() -> &'static str {
    #[job(name = "second")]
    async fn inner() {}
    let inner = inner::job();
    drop(inner);
    <inner as Job>::NAME
}

#[job]
#[cfg(any())]
async fn never() -> NoSuchType {}

#[cfg(any())]
#[job]
async fn never() -> NoSuchType {}

fn main() {
    assert_eq!((first(), second()), ("first", "second"));
}
