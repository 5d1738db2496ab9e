//! What only a store on a server can get wrong: many starters at once, rights, days, lost connections, hostile plans, wake-ups.
//!
//! `JOBS_TEST_PG` names the database; `tests/run` brings one. Without it these tests are left out.

#![cfg(feature = "postgres")]

mod checks;
mod days;
mod limits;
mod page;
mod place;
mod plans;
mod races;
mod releases;
mod schema;
mod work;
