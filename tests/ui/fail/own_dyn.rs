use jobs_runtime::job;

trait Mailer {
    fn send(&mut self, to: &str);
}

#[job]
async fn send(mailer: &mut dyn Mailer, to: String) {
    mailer.send(&to);
}

fn main() {
    let _job = send::job("Ann".into());
}
