#[job(qeue = "mail", retries = "3", max_attempts = 2)]
fn send<'a, T: Clone>(mailer: &'static mut Mailer, (to, from): (T, &'a str), subject: &str) -> Result<(), MailError> {}
