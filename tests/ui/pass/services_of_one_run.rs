//! `&mut T` in every form that works.
#![deny(warnings)]

use std::any::TypeId;
use std::fmt::Debug;
use std::marker::PhantomData;

use jobs_runtime::{BoxError, IntoJob, Job, JobContext, job};

pub struct Pg;
pub struct Db;
pub struct Pool;

pub struct Transaction<'c, D> {
    statements: Vec<String>,
    of: PhantomData<(&'c u8, D)>,
}

pub struct Unit<T>(Vec<T>);

// By a reference, as a type with a lifetime has it by chance.
pub struct Guard<'a, T: ?Sized>(Option<&'a T>);

type PgTransaction<'c> = Transaction<'c, Pg>;
type Tx = Transaction<'static, u8>;

#[job]
async fn one(tx: &mut Transaction<'_, Pg>) -> Result<(), BoxError> {
    tick().await;
    tx.statements.push("update".to_owned());
    Ok(())
}

#[job(queue = "billing", cron = "@daily", args(order = 7_u64))]
async fn many(
    tx: &mut PgTransaction<'_>,
    db: &Db,
    order: u64,
    Unit(lines): &mut Unit<Vec<Guard<'_, String>>>,
    ctx: &JobContext,
    same: &Pool,
    alone: &mut Pool,
    mut other: &mut Tx,
    _: &mut (u8, Box<dyn FnMut(&'_ str) -> Guard<'_, str> + Send + '_>),
    boxed: &mut Box<dyn Debug + Send>,
) -> Result<String, String> {
    lines.clear();
    tick().await;
    let mut next = Tx { statements: vec![], of: PhantomData };
    other = if order == 0 { other } else { &mut next };
    other.statements.push(format!("{order} {boxed:?}"));
    let _ = (db, ctx, same, alone);
    tx.statements.append(&mut other.statements);
    Ok(tx.statements.join(";"))
}

#[job]
async fn named<'c, 'd>(tx: &mut Transaction<'c, Pg>, unit: &'d mut Unit<Guard<'c, u8>>, db: &'d Db) {
    let _ = (tx, unit, db);
}

#[job]
async fn own(own: u8, own_0: &mut Db, settled: &mut Pool, scope: u8, r#type: &mut Tx) -> Result<u8, String> {
    let _ = (own_0, settled, r#type);
    Ok(own + scope)
}

macro_rules! charge {
    ($name:ident, $life:lifetime, $ty:ty, $tx:ident) => {
        #[job]
        pub(super) async fn $name<$life>(first: &mut $ty, second: &mut $tx<$life, u8>, third: &mut $tx<'_, $ty>) {
            let _ = (first, second, third);
        }
    };
}

mod inside {
    use super::{Pg, Transaction, job};

    charge!(charged, 'x, Transaction<'_, Pg>, Transaction);
}

async fn tick() {}

fn main() {
    assert_eq!(many::job(3).into_new_job().unwrap().payload, r#"{"order":3}"#);
    let services: Vec<_> = named::entry().services.iter().map(|service| ((service.id)(), service.own)).collect();
    assert_eq!(
        services,
        [
            (TypeId::of::<PgTransaction<'static>>(), true),
            (TypeId::of::<Unit<Guard<'static, u8>>>(), true),
            (TypeId::of::<Db>(), false)
        ]
    );
    let _ = (one::job(), own::job(1, 2), inside::charged::entry());
}
