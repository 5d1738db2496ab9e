#![deny(warnings)]

use jobs_runtime::{Job, job};

pub struct Db;

macro_rules! make {
    ($vis:vis $name:ident, $argument:ident: $ty:ty, $service:ty, $retries:expr, $queue:literal, $returns:ty) => {
        #[job(retries = $retries, queue = $queue, tags = [$queue])]
        $vis async fn $name(db: &$service, $argument: $ty, db_name: Option<$ty>) -> $returns {
            let _ = (db, $argument, db_name);
            Ok(())
        }
    };
    (fixed $crate_path:path) => {
        #[job(crate = $crate_path)]
        async fn fixed(a: u8) {
            let _ = a;
        }
    };
}

make!(pub made, size: u8, Db, 3, "mail", Result<(), String>);
make!(fixed ::jobs_runtime);

macro_rules! twice {
    ($($name:ident)*) => { $(#[job] async fn $name() {})* };
}

twice!(one two);

fn main() {
    let _jobs = (made::job(1, None), fixed::job(2), one::job(), two::job());
    assert_eq!((made::entry().retries, &*made::entry().queue), (Some(3), "mail"));
}
