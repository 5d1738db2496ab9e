#![deny(warnings)]
#![allow(dead_code)]

use jobs_runtime::job;

#[deprecated]
#[derive(serde::Serialize, serde::Deserialize)]
struct Old;

#[deprecated(note = "use `send`")]
#[job]
async fn send_mail(to: String) {
    drop(to);
}

#[job]
#[expect(deprecated)]
async fn convert(old: Old, to: String) {
    drop((old, to));
}

fn main() {
    #[expect(deprecated)]
    let _job = send_mail::job(String::new());
}
