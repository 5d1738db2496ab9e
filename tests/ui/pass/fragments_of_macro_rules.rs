//! Names, types and values that come through several layers of `macro_rules!`, as every kind of fragment.
#![deny(warnings)]

use jobs_runtime::{IntoJob, Job, job};

pub struct Db;

macro_rules! outer {
    ($($rest:tt)*) => { middle! { $($rest)* } };
}

macro_rules! middle {
    ($name:ident, $queue:literal, $retries:expr, $ty:ty, $vis:vis, $life:lifetime, $body:block) => {
        inner! { $vis $name ($queue) [$retries] {$ty} $life $body }
    };
}

macro_rules! inner {
    ($vis:vis $name:ident ($queue:literal) [$retries:expr] {$ty:ty} $life:lifetime $body:block) => {
        #[job(queue = $queue, retries = $retries, priority = -$retries, tags = [$queue], every = "1m")]
        $vis async fn $name<$life>(db: &$life Db, size: $ty) -> Result<(), String> {
            let _ = (db, size);
            $body
        }
    };
}

outer!(layered, "mail", 3, Option<u8>, pub(crate), 'a, { Ok(()) });

macro_rules! with_meta {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        async fn $name() {}
    };
}

with_meta!(
    /// Its docs.
    #[job(queue = "low")]
    #[inline]
    metered
);

macro_rules! with_item {
    ($item:item) => {
        #[job(queue = "items")]
        $item
    };
}

with_item!(
    async fn whole(to: String) {
        drop(to);
    }
);

macro_rules! with_keys {
    ($name:ident: $($key:ident = $value:expr),*) => {
        #[job($($key = $value),*)]
        async fn $name() {}
    };
}

with_keys!(keyed: queue = "keys", timeout = "30s", run_on_start = true);

macro_rules! with_tokens {
    ($name:ident: $($token:tt)*) => {
        #[job($($token)*)]
        async fn $name(limit: Option<usize>) {
            let _ = limit;
        }
    };
}

with_tokens!(tokened: queue = "tokens", cron = "@daily", tz = "UTC", aliases = ["a", "b"],);

mod vendor {
    pub use jobs_runtime as work;

    macro_rules! through_the_crate {
        ($name:ident) => {
            #[$crate::vendor::work::job(crate = $crate::vendor::work)]
            async fn $name() {}
        };
    }
    pub(crate) use through_the_crate;
}

vendor::through_the_crate!(dollar);

fn main() {
    assert_eq!((&*layered::entry().queue, layered::entry().priority), ("mail", -3));
    assert_eq!((&*metered::entry().queue, &*whole::entry().queue), ("low", "items"));
    assert_eq!((&*keyed::entry().queue, keyed::entry().retries), ("keys", None));
    assert_eq!(tokened::entry().aliases.len(), 2);
    assert_eq!(dollar::NAME, "dollar");
    assert_eq!(whole::job("a".into()).into_new_job().unwrap().payload, r#"{"to":"a"}"#);
}
