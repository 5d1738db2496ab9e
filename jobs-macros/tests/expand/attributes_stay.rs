/// Sends.
#[instrument(skip_all)]
#[deprecated(note = "use `send`")]
#[allow(clippy::unused_async)]
#[job]
pub(crate) async fn r#type(#[allow(unused)] r#in: u8) -> Result<(), String> {
    Ok(())
}
