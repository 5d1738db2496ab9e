//! The parts of the application, put together: what the web handlers share, and the runtime with what jobs borrow.

use std::sync::{Arc, Weak};

use jobs_runtime::{BoxError, Client, Runtime, Statement};
use sqlx::{Any, Transaction};

use crate::db::Db;
use crate::mail::Mailer;
use crate::settings::Settings;

/// What the web handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) db: Db,
    pub(crate) client: Client,
    /// Weak, so that `main` is the only owner when it shuts the runtime down.
    pub(crate) runtime: Weak<Runtime>,
}

/// Opens the database and starts the jobs on it.
pub(crate) async fn start(settings: &Settings) -> Result<(App, Arc<Runtime>), BoxError> {
    let db = Db::open(&settings.database).await?;
    let mailer = Mailer::open(&settings.mail)?;
    let runtime = Runtime::builder()
        // The same database: on PostgreSQL the schema `jobs` of it, on SQLite the same file, which has our tables in it already.
        .store(&settings.database)
        .option("sqlite.shared", "true")
        // Seats are given one after the other.
        .queue("desk", 1)
        .provide(db.clone())
        .provide(mailer)
        // What a job borrows by `&mut Transaction`: a transaction of its own, in which its completion is written, too.
        .provide_transaction(
            |scope| async move { Ok(scope.service::<Db>()?.begin().await?) },
            |mut tx: Transaction<'static, Any>, completion: Statement| async move {
                sqlx::query(completion.sql()).bind(completion.parameter()).execute(&mut *tx).await?;
                Ok(tx.commit().await?)
            },
        )
        .start()
        .await?;
    let runtime = Arc::new(runtime);
    let app = App { db, client: runtime.client().clone(), runtime: Arc::downgrade(&runtime) };
    Ok((app, runtime))
}
