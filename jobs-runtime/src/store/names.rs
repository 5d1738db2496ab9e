//! The few texts that occur in every job, kinds and queues: shared copies, and the key of a set of kinds.

use std::collections::HashMap;
use std::sync::Arc;

use jobs_core::store::NewKind;

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

/// The key of a set of kinds and their defaults: equal for equal sets, so that workers of one build share their rows.
pub(super) fn kinds_key(kinds: &[NewKind]) -> String {
    // Two independent halves of FNV-1a make a chance clash too rare to matter, and a clash would only mistake which kinds are known.
    let mut halves = [0xcbf2_9ce4_8422_2325_u64, 0x6c62_272e_07bb_0142];
    let mut add = |text: &str| {
        for byte in text.as_bytes().iter().chain(&[0]) {
            for half in &mut halves {
                *half = (*half ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(5);
            }
        }
    };
    for kind in kinds {
        for text in [&kind.name, &kind.shape, &kind.queue].into_iter().chain(&kind.tags) {
            add(text);
        }
        add(&kind.priority.to_string());
        add("");
    }
    format!("{:016x}{:016x}", halves[0], halves[1])
}
