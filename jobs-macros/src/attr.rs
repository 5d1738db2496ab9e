//! Reads the keys of `#[job(..)]` into values. A wrong entry is reported and passed over; the others still count.

use std::time::Duration;

use jobs_core::Backoff;
use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::LitStr;

use crate::entries::{Entry, Place, Written, entries};
use crate::errors::Errors;
use crate::keys::Read;
use crate::schedule::ScheduleOptions;

/// The values of an attribute. A value that is wrong is reported and left out.
#[derive(Default)]
pub(crate) struct Options {
    /// The keys of the job.
    written: Written,
    pub(crate) name: Option<String>,
    pub(crate) aliases: Vec<LitStr>,
    pub(crate) queue: Option<String>,
    pub(crate) priority: i32,
    pub(crate) retries: Option<i32>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) tags: Vec<LitStr>,
    pub(crate) krate: Option<syn::Path>,
    /// The schedule whose keys stand beside those of the job, if there are any.
    pub(crate) beside: ScheduleOptions,
    /// Those in brackets of their own.
    pub(crate) bracketed: Vec<ScheduleOptions>,
}

impl Options {
    /// Reads the tokens between the brackets of `#[job(..)]`.
    pub(crate) fn read(attribute: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        for entry in entries(attribute, errors) {
            options.read_entry(&entry, errors);
        }
        options
    }

    /// The key of the job of this name, if it was written.
    pub(crate) fn written(&self, name: &str) -> Option<&Ident> {
        self.written.get(name)
    }

    /// All schedules by which the clock starts the job.
    pub(crate) fn schedules(&self) -> impl Iterator<Item = &ScheduleOptions> {
        std::iter::once(&self.beside).chain(&self.bracketed).filter(|schedule| schedule.clock().is_some())
    }

    fn read_entry(&mut self, entry: &[TokenTree], errors: &mut Errors) {
        let Some(entry) = Entry::read(entry, Place::Attribute, errors) else {
            self.beside.is_unread = true;
            return;
        };
        let read = entry.known.read;
        let written = match read {
            Read::Job(_) => &mut self.written,
            Read::Schedule(_) => &mut self.beside.written,
        };
        if !written.add(&entry.key, entry.known, errors) {
            return;
        }
        let Some(value) = entry.value(errors) else { return };
        match read {
            Read::Job(read) => read(self, &value, errors),
            Read::Schedule(read) => read(&mut self.beside, &value, errors),
        }
    }
}
