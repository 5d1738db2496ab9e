//! What a fn takes and gives is no part of what it holds: a service may be one.

use jobs_runtime::job;

trait Visits<'a>: Send + Sync {
    fn visit(&self, text: &'a str);
}

#[job]
async fn by_trait(shorten: &(dyn Fn(&str) -> String + Send + Sync)) {
    let _ = shorten("text");
}

#[job]
async fn by_pointer(first: &fn(&str) -> &str, measure: &for<'a> fn(&'a str) -> usize) {
    let _ = measure(first("text"));
}

#[job]
async fn by_lifetime(visits: &dyn for<'a> Visits<'a>) {
    visits.visit("text");
}

fn main() {
    let _ = (by_trait::job(), by_pointer::job(), by_lifetime::job());
}
