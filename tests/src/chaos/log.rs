//! What a worker process tells `tracing`, as lines in a file beside its ledger. A lost lease goes into the ledger, too.

use std::fmt::{Debug, Write as _};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Subscriber};

use super::clock;
use super::ledger::{Event, Ledger};

/// The log of one process.
pub(crate) struct Log {
    file: Mutex<File>,
    ledger: Arc<Ledger>,
}

impl Log {
    /// From now on this process tells everything here.
    pub(crate) fn open(path: &Path, ledger: &Arc<Ledger>) -> std::io::Result<()> {
        let log = Self { file: Mutex::new(File::create(path)?), ledger: Arc::clone(ledger) };
        tracing::subscriber::set_global_default(log).map_err(std::io::Error::other)
    }
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target() == "jobs" && *metadata.level() <= Level::INFO
    }

    fn event(&self, event: &tracing::Event<'_>) {
        if event.metadata().name() == "jobs.lease_lost" {
            self.ledger.write(&Event::Lost);
        }
        let mut line = format!("{:.3} {}", clock::now().as_secs_f64(), event.metadata().name());
        event.record(&mut Fields(&mut line));
        line.push('\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // Only the ledger is evidence.
        let _ = file.write_all(line.as_bytes());
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}
