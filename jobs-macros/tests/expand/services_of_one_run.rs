#[job(queue = "billing")]
async fn charge<'c>(
    (lock, log): &mut (Lock, Box<dyn FnMut(&'_ str) -> Kept<'_> + Send + '_>),
    db: &Db,
    tx: &mut sqlx::Transaction<'c, Postgres>,
    mut order: i64,
    _: &mut Tenant<Vec<Wait<'_>>>,
) -> Result<(), BoxError> {
    order += 1;
}
