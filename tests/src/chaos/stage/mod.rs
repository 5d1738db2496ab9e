//! The stage: the store on which a run takes place, the ways by which processes come to it, and what it has in the end. What goes wrong
//! with it is made by [`storm`](super::storm).

mod file;
mod server;

use jobs_core::BoxError;

pub(super) use file::File;
pub use file::go_apart;
pub(crate) use file::somebody;
pub(crate) use server::Server;

use super::evidence::{Effect, Tick};
use super::faults::What;
use super::plan::{Plan, StoreKind};

/// The store.
pub(crate) enum Stage {
    File(File),
    Server(Server),
}

/// The schedule as it stands in the store.
pub(super) struct Schedule {
    pub(super) ticks: Vec<Tick>,
    /// In milliseconds since the Unix epoch.
    pub(super) last_tick: i64,
}

impl Stage {
    pub(crate) async fn set(plan: &Plan) -> Result<Self, BoxError> {
        match plan.store {
            StoreKind::Sqlite => File::new(plan).map(Self::File),
            StoreKind::Postgres => Server::new(plan).await.map(Self::Server),
        }
    }

    /// The URL of the store for each worker's slot.
    pub(super) fn urls(&self, plan: &Plan) -> Vec<String> {
        match self {
            Self::File(file) => vec![file.url(); plan.workers],
            Self::Server(server) => server.ways.iter().take(plan.workers).map(|way| way.url().to_owned()).collect(),
        }
    }

    /// The URL for the producer, through faults of its own.
    pub(super) fn producer_url(&self) -> String {
        match self {
            Self::File(file) => file.url(),
            Self::Server(server) => server.producers_way().url().to_owned(),
        }
    }

    /// The URL of the store itself.
    pub(crate) fn direct_url(&self) -> String {
        match self {
            Self::File(file) => file.url(),
            Self::Server(server) => server.cluster.url(),
        }
    }

    /// Why this cannot go wrong here, if so.
    pub(super) fn why_never(&self, what: What) -> Option<&'static str> {
        match self {
            Self::File(file) if what == What::FullDisk && !file.is_on_small_disk => {
                Some("no small disk could be mounted, see unshare(1) and mount(8)")
            }
            Self::File(_) | Self::Server(_) => None,
        }
    }

    /// Makes the table of effects.
    pub(super) async fn make_effects(&self) -> Result<(), BoxError> {
        match self {
            Self::File(file) => file.make_effects(),
            Self::Server(server) => server.make_effects().await,
        }
    }

    /// Reads the table of effects.
    pub(super) async fn effects(&self) -> Result<Vec<Effect>, BoxError> {
        match self {
            Self::File(file) => file.effects(),
            Self::Server(server) => server.effects().await,
        }
    }

    /// Reads the account of ticks past the engine.
    pub(super) async fn schedule(&self) -> Result<Schedule, BoxError> {
        match self {
            Self::File(file) => file.schedule(),
            Self::Server(server) => server.schedule().await,
        }
    }

    /// What the store says of its own health, if it is not well.
    pub(crate) fn damage(&self) -> Result<Option<String>, BoxError> {
        match self {
            Self::File(file) => file.damage(),
            Self::Server(_) => Ok(None),
        }
    }
}
