#[job(queue = "critical", retries = 5, timeout = "30s")]
pub async fn send_email(mailer: &Mailer, ctx: &JobContext, to: String, mut copies: Vec<String>) -> Result<Receipt, MailError> {
    copies.push(to);
    mailer.send(ctx.id(), copies).await
}
