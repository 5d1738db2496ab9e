#[job(every = "5m")]
async fn clean_up<'a>(db: &'a Db, clock: &(dyn Clock + Send + Sync), _: &Limits) -> Result<(), BoxError>
where
    'a: 'a,
{
}
