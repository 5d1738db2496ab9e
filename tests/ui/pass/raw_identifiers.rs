#![deny(warnings)]

use jobs_runtime::{IntoJob, job};

#[job]
async fn r#type(r#in: u8, r#match: &u8) {
    let _ = (r#in, r#match);
}

fn main() {
    assert_eq!(r#type::NAME, "type");
    assert_eq!(r#type::job(1).into_new_job().unwrap().payload, r#"{"in":1}"#);
}
