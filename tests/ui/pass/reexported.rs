//! Jobs of other modules: by path, by `use`, under another name, through a glob.
#![deny(warnings)]

use jobs_runtime::{Job, job};

pub mod mail {
    pub mod letters {
        use jobs_runtime::job;

        #[job]
        pub async fn send(to: String) {
            drop(to);
        }

        #[job]
        pub(in crate::mail) async fn shred() {}

        #[job]
        pub(super) async fn stamp(cents: u8) {
            let _ = cents;
        }
    }

    pub use letters::send;

    pub fn shredding() -> &'static str {
        drop(letters::stamp::job(1));
        letters::shred::NAME
    }
}

pub mod prelude {
    pub use crate::mail::letters::send as send_letter;
}

mod user {
    use crate::prelude::*;

    pub fn sends() -> &'static str {
        drop(send_letter::job(String::new()));
        send_letter::NAME
    }
}

const _: () = {
    #[job]
    async fn in_a_const() {}
    let _: fn() -> jobs_runtime::JobBuilder<in_a_const> = in_a_const::job;
};

fn name_of<J: Job>() -> &'static str {
    J::NAME
}

#[job]
async fn outer() {
    #[job]
    async fn inner() {}
    drop(inner::job());
}

fn main() {
    assert_eq!((name_of::<mail::send>(), user::sends(), mail::shredding()), ("send", "send", "shred"));
    drop(outer::job());
}
