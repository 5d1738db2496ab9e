#![deny(warnings)]
#![allow(dead_code)]

mod mail {
    use jobs_runtime::job;

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Letter;
    struct Mailer;
    #[derive(Debug)]
    struct MailError;
    impl std::fmt::Display for MailError {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Ok(())
        }
    }
    impl std::error::Error for MailError {}

    #[job]
    async fn send(_: &Mailer, letter: Letter) -> Result<Letter, MailError> {
        Ok(letter)
    }
}

fn main() {}
