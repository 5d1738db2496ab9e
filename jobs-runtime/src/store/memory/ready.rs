//! The ready index: available jobs striped by queue and kind, so that a claim never walks over a row of another kind.

use std::collections::btree_set::Iter;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

/// The place of a job in the order of claims: priority, time due, order of enqueue.
pub(super) type Turn = (i16, Timestamp, i64);

/// Available jobs by queue, kind and turn.
#[derive(Clone, Debug, Default)]
pub(super) struct Ready(BTreeMap<Arc<str>, BTreeMap<Arc<str>, BTreeSet<Turn>>>);

impl Ready {
    pub(super) fn insert(&mut self, queue: &str, kind: &str, turn: Turn) {
        let kinds = match self.0.get_mut(queue) {
            Some(kinds) => kinds,
            None => self.0.entry(queue.into()).or_default(),
        };
        match kinds.get_mut(kind) {
            Some(turns) => turns.insert(turn),
            None => kinds.entry(kind.into()).or_default().insert(turn),
        };
    }

    pub(super) fn remove(&mut self, queue: &str, kind: &str, turn: Turn) {
        let Some(kinds) = self.0.get_mut(queue) else { return };
        let Some(turns) = kinds.get_mut(kind) else { return };
        turns.remove(&turn);
        if turns.is_empty() {
            kinds.remove(kind);
        }
        if kinds.is_empty() {
            self.0.remove(queue);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The turns of one queue and kind, in order.
    pub(super) fn stripe(&self, queue: &str, kind: &str) -> Option<Iter<'_, Turn>> {
        self.0.get(queue)?.get(kind).map(BTreeSet::iter)
    }

    /// Every queue and kind that has available jobs.
    pub(super) fn stripes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(queue, kinds)| kinds.keys().map(move |kind| (&**queue, &**kind)))
    }
}
