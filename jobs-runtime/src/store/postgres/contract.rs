//! What a transaction of the caller's own runs: the functions of the schema, by their whole names.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jobs_core::store::Contract;

/// The statements of each schema that this process has used. Drivers want texts that live for ever, and there are few schemas.
static KNOWN: Mutex<BTreeMap<String, (&'static str, &'static str)>> = Mutex::new(BTreeMap::new());

/// The contract of a schema, whose name is an identifier in quotes.
pub(super) fn contract(schema: &str, own_clock: bool) -> Contract {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let (enqueue, complete) = *known.entry(schema.to_owned()).or_insert_with(|| {
        let enqueue = format!(
            "SELECT coalesce(json_agg(json_build_object('id', id, 'created', created) ORDER BY place), '[]')::text AS answer \
             FROM {schema}.enqueue($1)"
        );
        (Box::leak(enqueue.into_boxed_str()), Box::leak(format!("SELECT {schema}.complete($1)").into_boxed_str()))
    });
    Contract { enqueue, complete, one_writer: false, own_clock }
}
