//! A PostgreSQL cluster of its own, and a network for each worker's slot and for the producer.

use jobs_core::BoxError;

use super::Schedule;
use crate::chaos::effects::{PLACES, TABLE};
use crate::chaos::evidence::{Effect, Tick};
use crate::chaos::plan::Plan;
use crate::{Cluster, Proxy};

/// The cluster, and the ways to it.
pub(crate) struct Server {
    pub(in crate::chaos) cluster: Cluster,
    /// One for each worker's slot, and the producer's.
    pub(in crate::chaos) ways: Vec<Proxy>,
}

impl Server {
    pub(super) async fn new(plan: &Plan) -> Result<Self, BoxError> {
        // Each process has seven connections, and for a moment a second set while the first falls silent; and those of its jobs.
        let connections = format!("max_connections = {}", 20 + (15 + 2 * PLACES) * (plan.workers + 1));
        let cluster = Cluster::new(&[&connections, "superuser_reserved_connections = 0"]);
        let cluster = cluster.ok_or("there is no PostgreSQL server to be had")?;
        cluster.start().await;
        let mut ways = Vec::new();
        for _ in 0..=plan.workers {
            ways.push(Proxy::before(&cluster.url()).await);
        }
        Ok(Self { cluster, ways })
    }

    /// The network between the producer and the server.
    pub(in crate::chaos) fn producers_way(&self) -> &Proxy {
        self.ways.last().expect("the producer has a way")
    }

    /// A connection of somebody else.
    pub(crate) async fn somebody(&self) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.cluster.url(), tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    pub(super) async fn make_effects(&self) -> Result<(), BoxError> {
        Ok(self.somebody().await?.batch_execute(TABLE).await?)
    }

    pub(super) async fn effects(&self) -> Result<Vec<Effect>, BoxError> {
        let mut effects = Vec::new();
        for row in self.somebody().await?.query("SELECT job, token, run FROM effect ORDER BY at", &[]).await? {
            effects.push(Effect { job: row.get::<_, String>(0).parse()?, token: row.get(1), run: row.get(2) });
        }
        Ok(effects)
    }

    pub(super) async fn schedule(&self) -> Result<Schedule, BoxError> {
        let somebody = self.somebody().await?;
        let ticks = "SELECT (extract(epoch FROM instant) * 1000)::bigint, missed, job::text FROM jobs.tick ORDER BY instant";
        let mut read = Vec::new();
        for row in somebody.query(ticks, &[]).await? {
            let missed: i32 = row.get(1);
            let job = row.get::<_, Option<String>>(2).map(|job| job.parse()).transpose()?;
            read.push(Tick { instant: row.get(0), missed: missed.try_into()?, job });
        }
        let last = "SELECT (extract(epoch FROM last_tick) * 1000)::bigint FROM jobs.schedule WHERE key = 'tick'";
        let last_tick = somebody.query_one(last, &[]).await?.get(0);
        Ok(Schedule { ticks: read, last_tick })
    }
}
