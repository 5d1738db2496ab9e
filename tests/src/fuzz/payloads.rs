//! What is stored with a job as text: its arguments, and the chain of jobs behind it.

use std::collections::BTreeMap;

use jobs_core::argument::{ArgumentReader, ArgumentWriter, Codec, codec};
use jobs_core::chain::{self, Link, Predecessor};
use jobs_core::{EnqueueError, JobId};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use super::mutate::{almost, anything, texts};
use super::{Chunk, Found, ensure};

/// What is said of a payload quotes at most one value of it.
const OVERHEAD: usize = 500;

type Nested = BTreeMap<String, Vec<Option<(u8, Result<String, f64>)>>>;

const TEXT: Codec<String> = codec::<String>("text");
const NUMBER: Codec<i64> = codec::<i64>("number");
const LARGE: Codec<u64> = codec::<u64>("large");
const NESTED: Codec<Nested> = codec::<Nested>("nested");
const VALUE: Codec<Option<Value>> = codec::<Option<Value>>("value");

const PAYLOADS: &[&str] = &[
    "{}",
    r#"{"text":"a","number":-7,"large":18446744073709551615,"nested":{"k":[null,[3,{"Ok":"x"}],[4,{"Err":1.5}]]},"value":[1,{"a":null}]}"#,
    r#"{"text":"\u0000\ud83d\ude00","text":"again","number":9223372036854775807,"large":0,"nested":{},"value":null}"#,
    r#"{"\u0074ext":"b","more":[[[[]]]],"value":1e400}"#,
];

/// Lists and objects in each other.
fn tower() -> impl Strategy<Value = String> {
    (select(vec!["[", r#"{"a":"#, "\"", "-", "1e"]), select(vec!["text", "nested", "value", "other"]), 0_usize..50_000)
        .prop_map(|(open, key, times)| format!(r#"{{"{key}":{}"#, open.repeat(times)))
}

/// Reads one argument of a payload; answers what is wrong with the payload, if anything is.
fn read<T>(payload: &str, codec: &Codec<T>) -> Result<T, String> {
    let mut reader = ArgumentReader::new(payload);
    reader.take(codec).ok_or_else(|| reader.error().to_string())
}

pub(super) fn payload(chunk: &Chunk) -> Result<(), Found> {
    let inputs = prop_oneof![6 => texts(PAYLOADS), 1 => tower()];
    chunk.check(inputs, |payload| {
        let answers = [
            read(&payload, &TEXT).err(),
            read(&payload, &NUMBER).err(),
            read(&payload, &LARGE).err(),
            read(&payload, &NESTED).err(),
            read(&payload, &VALUE).err(),
        ];
        for error in answers.into_iter().flatten() {
            ensure(!error.is_empty() && error.len() <= 6 * payload.len() + OVERHEAD, || {
                format!("{} bytes are said", error.len())
            })?;
        }
        Ok(())
    })?;
    let nested = btree_map(
        anything(),
        vec(proptest::option::of((any::<u8>(), prop_oneof![anything().prop_map(Ok), (-1e9..1e9).prop_map(Err)])), 0..3),
        0..3,
    );
    let arguments = (anything(), any::<i64>(), any::<u64>(), nested);
    chunk.check(arguments, |(text, number, large, nested)| {
        let mut writer = ArgumentWriter::new();
        writer.put(&TEXT, &text);
        writer.put(&NUMBER, &number);
        writer.put(&LARGE, &large);
        writer.put(&NESTED, &nested);
        let payload = writer.finish().map_err(|error| error.to_string())?;
        ensure(read(&payload, &TEXT)? == text, || format!("another text: {payload}"))?;
        ensure(read(&payload, &NUMBER)? == number && read(&payload, &LARGE)? == large, || format!("another number: {payload}"))?;
        ensure(read(&payload, &NESTED)? == nested, || format!("another value: {payload}"))
    })
}

const CHAINS: &[&str] = &[
    "[]",
    r#"[{"kind":"b"}]"#,
    r#"[{"kind":"b","argument":"report","queue":"slow","priority":-3,"delay":1000,"retries":2,"timeout":500,"tags":["x"],"metadata":{"a":1}},{"kind":"c"}]"#,
];

pub(super) fn chain(chunk: &Chunk) -> Result<(), Found> {
    let output = prop_oneof![Just(None), almost(Just(r#"{"pages":[1.50,18446744073709551615]}"#.to_owned())).prop_map(Some)];
    chunk.check((texts(CHAINS), output), |(text, output)| {
        let links: Vec<Link> = match chain::from_text(Some(&text)) {
            Ok(links) => links,
            Err(error) => {
                let error = error.to_string();
                let is_bounded = error.len() <= 6 * text.len() + OVERHEAD;
                return ensure(is_bounded, || format!("{} bytes are said", error.len()));
            }
        };
        let stored = chain::to_text(&links);
        ensure(chain::from_text(stored.as_deref()).as_ref() == Ok(&links), || format!("{stored:?} does not read back"))?;
        let ids = [1, 2].map(|number| JobId::from_parts(1_800_000_000_000, [number; 10]));
        let before = Predecessor { id: ids[0], follower: ids[1], tenant: None, user: None };
        for (nth, link) in links.iter().enumerate() {
            match link.clone().follow(&before, output.as_deref(), links[nth + 1..].to_vec()) {
                Ok(job) => ensure(job.parent == Some(before.id) && job.kind == link.kind, || format!("another job: {job:?}"))?,
                Err(EnqueueError::TooLarge { .. } | EnqueueError::Argument(_)) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    })
}
