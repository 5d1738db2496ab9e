//! Mail, written into a folder as `.eml` files, which any mail program opens.

use std::path::{Path, PathBuf};

use jobs_runtime::{BoxError, JobId};
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{Address, AsyncFileTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::fs;

/// Who writes, and who gets the reports.
const ORGANISER: &str = "organiser@events.example";

/// Sends mail. A real one has an `AsyncSmtpTransport` in the place of the two folders.
pub(crate) struct Mailer {
    sent: PathBuf,
    unfinished: PathBuf,
    transport: AsyncFileTransport<Tokio1Executor>,
}

impl Mailer {
    /// Mail goes to this folder, which is made when it is missing.
    pub(crate) fn open(folder: &Path) -> Result<Self, BoxError> {
        let unfinished = folder.join("unfinished");
        std::fs::create_dir_all(&unfinished).map_err(|error| format!("MAIL_DIR={}: {error}", folder.display()))?;
        Ok(Self { sent: folder.to_owned(), transport: AsyncFileTransport::new(&unfinished), unfinished })
    }

    /// Sends a mail on behalf of a job.
    ///
    /// A job runs at least once: one that was killed after its mail was sent, but before its completion was on disk, runs again. So
    /// the mail bears the job's id, as its Message-ID and as the name of its file: a second one replaces the first.
    pub(crate) async fn send(&self, job: JobId, to: Mailbox, subject: &str, text: String) -> Result<(), BoxError> {
        let message = Message::builder()
            .message_id(Some(format!("<{job}@events.example>")))
            .from(Mailbox::new(Some("Events".to_owned()), ORGANISER.parse()?))
            .to(to)
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(text)?;
        let written = self.transport.send(message).await?;
        // A rename is whole or not at all, so nobody sees half a mail.
        fs::rename(self.unfinished.join(format!("{written}.eml")), self.sent.join(format!("{job}.eml"))).await?;
        Ok(())
    }
}

/// The address of a person.
pub(crate) fn person(name: String, email: Address) -> Mailbox {
    Mailbox::new(Some(name), email)
}

/// The address of those who make the events.
pub(crate) fn organiser() -> Result<Mailbox, BoxError> {
    Ok(Mailbox::new(None, ORGANISER.parse()?))
}
