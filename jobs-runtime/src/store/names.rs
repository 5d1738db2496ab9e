//! Shared copies of the few texts that occur in every job: kinds and queues.

use std::collections::HashMap;
use std::sync::Arc;

/// Texts that are kept once.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, Arc<str>>);

impl Names {
    /// The shared copy of a text.
    pub(super) fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(shared) = self.0.get(text) {
            return Arc::clone(shared);
        }
        // Names come from outside too; a flood of them must not stay.
        if self.0.len() >= 10_000 {
            self.0.clear();
        }
        let shared: Arc<str> = text.into();
        self.0.insert(text.to_owned(), Arc::clone(&shared));
        shared
    }
}
