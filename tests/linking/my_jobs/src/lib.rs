//! Jobs in all places where a job can stand. Nobody calls one.

use jobs_runtime::job;

/// A thing that is no job, for a program that names the crate by using something of it.
#[inline]
pub fn plain() -> u32 {
    7
}

#[job]
pub async fn at_the_root(to: String, copies: Option<Vec<u8>>) {
    let _ = (to, copies);
}

#[job(queue = "mail", cron = "0 2 * * *", tz = "Europe/Berlin")]
async fn private_and_scheduled() {}

mod private {
    pub mod deep {
        #[jobs_runtime::job(every = "1h")]
        pub async fn in_a_module() {}
    }
}

fn _never_called() {
    #[job]
    async fn in_a_fn() {}
}

macro_rules! made {
    ($name:ident) => {
        #[job]
        pub async fn $name() {}
    };
}

made!(by_a_macro);
