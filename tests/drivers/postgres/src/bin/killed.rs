//! A process that tells the story with one driver until it is killed: `killed DRIVER DEED URL`.

use checks::Result;
use checks::process::live;
use drivers_on_postgres::{deadpool, diesel, diesel_async, sea_orm, sqlx_0_8, sqlx_0_9, tokio_postgres};

#[tokio::main]
async fn main() -> Result {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [driver, deed, url] = &arguments[..] else { return Err("killed DRIVER DEED URL".into()) };
    match driver.as_str() {
        "deadpool" => live::<deadpool::App>(deed, url).await,
        "diesel" => live::<diesel::App>(deed, url).await,
        "diesel_async" => live::<diesel_async::App>(deed, url).await,
        "sea_orm" => live::<sea_orm::App>(deed, url).await,
        "sqlx_0_8" => live::<sqlx_0_8::App>(deed, url).await,
        "sqlx_0_9" => live::<sqlx_0_9::App>(deed, url).await,
        "tokio_postgres" => live::<tokio_postgres::App>(deed, url).await,
        _ => Err(format!("no driver is called {driver}").into()),
    }
}
