use jobs_runtime::{Enqueue, EnqueueError, Job, JobContext, job};

trait Mailer {}
impl Mailer for () {}

#[job(qeue = "mail", cron = "0 24 * * *")]
async fn send(mailer: &mut dyn Mailer, ctx: JobContext, to: &str, copies: Vec<&str>) -> Result<(), String> {
    drop((mailer, ctx, to, copies));
    Ok(())
}

#[job(retries = -1)]
fn archive(days: Option<u32>) -> Result<u32, String> {
    days.ok_or_else(String::new)
}

// Whatever the mistake, those who use the job hear nothing of it.
async fn calls<C: Enqueue>(client: &C) -> Result<(), EnqueueError> {
    send::job(JobContext::test(), vec!["a"]).delay(std::time::Duration::from_secs(1)).enqueue(client).await?;
    archive::job(Some(3)).name("archive").enqueue(client).await?;
    client.enqueue_all([archive::job(None), archive::job(Some(1))]).await?;
    let _sent = send(&mut (), JobContext::test(), "a", vec![]).await;
    let _archived = archive(None);
    let _names = (send::NAME, <archive as Job>::NAME, archive::entry());
    let _returned: Option<<archive as Job>::Return> = None;
    Ok(())
}

fn main() {
    let _calls = calls::<jobs_runtime::Client>;
}
