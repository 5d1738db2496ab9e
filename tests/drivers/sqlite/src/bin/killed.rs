//! A process that tells the story with one driver until it is killed: `killed DRIVER DEED URL`.

use checks::Result;
use checks::process::live;
use drivers_on_sqlite::{diesel, rusqlite, sqlx};

#[tokio::main]
async fn main() -> Result {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [driver, deed, url] = &arguments[..] else { return Err("killed DRIVER DEED URL".into()) };
    match driver.as_str() {
        "diesel" => live::<diesel::App>(deed, url).await,
        "rusqlite" => live::<rusqlite::App>(deed, url).await,
        "sqlx" => live::<sqlx::App>(deed, url).await,
        _ => Err(format!("no driver is called {driver}").into()),
    }
}
