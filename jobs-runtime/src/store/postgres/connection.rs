//! One connection: its statements, its planner, its transactions.

use std::cell::Cell;
use std::collections::HashMap;
use std::future::Future;
use std::rc::Rc;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{CancelToken, Client, Row, Statement};

use super::error::{Problem, Result};
use super::heads::Heads;
use crate::store::names::Names;
use crate::testing::guards::Guard;

/// A parameter of a statement and its type. The types are said, so that no round trip asks for them.
pub(super) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// What keeps the planner from reading a table that was empty when it last looked, and from planning the same statement each time.
pub(super) const PINS: [(&str, &str); 6] = [
    ("enable_seqscan", "off"),
    ("enable_sort", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("plan_cache_mode", "force_generic_plan"),
];

/// What all connections of one store have in common.
#[derive(Debug)]
pub(super) struct Manner {
    /// The schema, as an identifier in quotes.
    pub(super) schema: String,
    /// No session state: each call is one transaction, and nothing is prepared.
    pub(super) pooled: bool,
    /// The settings of the planner and the deadlines, as assignments.
    pub(super) settings: Vec<(&'static str, String)>,
}

/// A connection to the server.
pub(super) struct Connection {
    client: Client,
    manner: Rc<Manner>,
    prepared: HashMap<&'static str, Statement>,
    names: Names,
    /// What the last claim knew of what there is to take.
    pub(super) heads: Option<Heads>,
    in_transaction: bool,
    heard: Rc<Cell<Instant>>,
}

impl Connection {
    /// Takes over a fresh connection, and pins the planner on it.
    pub(super) async fn new(client: Client, manner: Rc<Manner>) -> Result<Self> {
        if !manner.pooled {
            client.batch_execute(&manner.assignments("SET")).await?;
        }
        Ok(Self {
            client,
            manner,
            prepared: HashMap::new(),
            names: Names::default(),
            heads: None,
            in_transaction: false,
            heard: Rc::new(Cell::new(Instant::now())),
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// By which the server is asked to leave off what it does for this connection.
    pub(super) fn cancel_token(&self) -> CancelToken {
        self.client.cancel_token()
    }

    /// When the server was last heard of, for whoever has to tell a slow one from one that is gone.
    pub(super) fn heard(&self) -> Rc<Cell<Instant>> {
        Rc::clone(&self.heard)
    }

    /// Waits for an answer of the server, and takes note that it came.
    async fn answer<T>(&self, answer: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>) -> Result<T> {
        let answer = answer.await;
        self.heard.set(Instant::now());
        Ok(answer?)
    }

    /// The text of a statement: `{s}` is the schema, `{now}` the time of the call, which is always the first parameter.
    pub(super) fn text(&self, template: &str) -> String {
        self.manner.text(template)
    }

    /// Runs a statement and gives all its rows.
    pub(super) async fn rows(&mut self, template: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        if self.manner.pooled {
            if self.in_transaction {
                return self.ad_hoc(template, params).await;
            }
            // The settings hold for this transaction alone.
            self.batch(&self.manner.begin()).await?;
            let rows = self.ad_hoc(template, params).await;
            let end = if rows.is_ok() { "COMMIT" } else { "ROLLBACK" };
            let ended = self.batch(end).await;
            let rows = rows?;
            ended?;
            return Ok(rows);
        }
        let statement = self.prepare(template, params).await?;
        let values: Vec<&(dyn ToSql + Sync)> = params.iter().map(|(value, _)| *value).collect();
        match self.answer(self.client.query(&statement, &values)).await {
            Ok(rows) => Ok(rows),
            Err(error) => {
                // A plan that has become invalid (the schema was migrated meanwhile) is made anew the next time.
                self.prepared.remove(template);
                Err(error)
            }
        }
    }

    /// Runs a statement whose text was put together for this call.
    pub(super) async fn ad_hoc(&mut self, template: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        self.answer(self.client.query_typed(&self.text(template), params)).await
    }

    /// The shared copy of a text that recurs.
    pub(super) fn share(&mut self, text: &str) -> std::sync::Arc<str> {
        self.names.share(text)
    }

    /// Runs a statement that gives at most one row.
    pub(super) async fn row(&mut self, template: &'static str, params: &[Param<'_>]) -> Result<Option<Row>> {
        Ok(self.rows(template, params).await?.into_iter().next())
    }

    async fn prepare(&mut self, template: &'static str, params: &[Param<'_>]) -> Result<Statement> {
        if let Some(statement) = self.prepared.get(template) {
            return Ok(statement.clone());
        }
        let types: Vec<Type> = params.iter().map(|(_, ty)| ty.clone()).collect();
        let statement = self.answer(self.client.prepare_typed(&self.text(template), &types)).await?;
        self.prepared.insert(template, statement.clone());
        Ok(statement)
    }

    /// Statements without parameters and without rows, one after the other.
    pub(super) async fn batch(&mut self, sql: &str) -> Result<()> {
        self.answer(self.client.batch_execute(sql)).await
    }

    /// Does all of this or nothing.
    pub(super) async fn transaction<T>(&mut self, work: impl AsyncFnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.batch(&self.manner.begin()).await?;
        self.in_transaction = true;
        let done = work(self).await;
        self.in_transaction = false;
        match done {
            Ok(answer) => {
                self.batch("COMMIT").await?;
                Ok(answer)
            }
            Err(problem) => {
                // Where the connection is gone, so is the transaction.
                let _ = self.batch("ROLLBACK").await;
                Err(problem)
            }
        }
    }
}

impl Manner {
    fn text(&self, template: &str) -> String {
        text(template, &self.schema)
    }

    fn assignments(&self, verb: &str) -> String {
        let settings = self.settings.iter();
        settings.fold(String::new(), |text, (name, value)| text + verb + " " + name + " = " + value + "; ")
    }

    /// Whatever the database or the role prefers, the statements of a transaction see what was committed before each.
    fn begin(&self) -> String {
        let begin = "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE";
        if self.pooled { format!("{begin}; {}", self.assignments("SET LOCAL")) } else { begin.to_owned() }
    }
}

/// A statement in a schema, and with the time of the call.
pub(super) fn text(template: &str, schema: &str) -> String {
    let text = template.replace("{s}", schema).replace("{now}", "coalesce($1, now())");
    if Guard::KeyShare.is_on() { text } else { text.replace(" FOR KEY SHARE", "") }
}

/// A time as the statements take it: `None` lets the server tell it.
#[allow(clippy::ref_option, reason = "the driver takes a reference to the whole value")]
pub(super) fn time(at: &Option<Timestamp>) -> Param<'_> {
    (at, Type::TIMESTAMPTZ)
}

/// The value of a column.
pub(super) fn get<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, column: &str) -> Result<T> {
    row.try_get(column).map_err(Problem::from)
}

/// The value of the column at this place, for rows that come by the thousand.
pub(super) fn at<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, place: usize) -> Result<T> {
    row.try_get(place).map_err(Problem::from)
}
