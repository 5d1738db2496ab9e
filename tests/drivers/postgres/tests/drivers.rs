//! Every fact for every driver.

checks::tests! {
    drivers_on_postgres::server::Server, env!("CARGO_BIN_EXE_killed");
    drivers_on_postgres::{deadpool, diesel, diesel_async, sea_orm, sqlx_0_8, sqlx_0_9, tokio_postgres}
}
