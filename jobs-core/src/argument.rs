//! Arguments: how the owned parameters of a job travel, as one JSON object keyed by parameter name.
//!
//! A parameter that is missing from the stored object decodes like `null`, so an `Option<T>` may be added while jobs wait; a key
//! that no parameter asks for is left alone, so a parameter may be removed. The object's text is kept as it was written: numbers
//! are never rounded on their way.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A type whose values can be stored with a job. Implemented for everything that serde can write and read.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored as a job argument",
    label = "must be `Serialize + DeserializeOwned + Send + 'static`",
    note = "owned parameters are saved with the job: add `#[derive(serde::Serialize, serde::Deserialize)]` to `{Self}`",
    note = "to receive it as a service of the runtime instead, borrow it: `&{Self}`"
)]
pub trait Argument: Serialize + DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Argument for T {}

/// One stored parameter: its name, and how its type is written and read.
pub struct Codec<T> {
    name: &'static str,
    encode: fn(&T, &mut Vec<u8>) -> serde_json::Result<()>,
    decode: fn(&str) -> serde_json::Result<T>,
}

/// The codec of the parameter `name`. The bound stands on this one function, so that a type that cannot travel is reported once,
/// under the type itself.
#[must_use]
pub const fn codec<T: Argument>(name: &'static str) -> Codec<T> {
    Codec { name, encode: |value, into| serde_json::to_writer(into, value), decode: |text| serde_json::from_str(text) }
}

/// What is known of a stored parameter without its type.
#[derive(Clone, Copy)]
pub struct ArgumentEntry {
    /// The parameter's name, the key of its value.
    pub name: &'static str,
    /// The name of its type, as the compiler writes it. Part of the hash that tells one shape of arguments from another.
    pub type_name: fn() -> &'static str,
}

impl fmt::Debug for ArgumentEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, (self.type_name)())
    }
}

/// The entry of a parameter of type `T`.
#[must_use]
pub const fn argument<T: 'static>(name: &'static str) -> ArgumentEntry {
    ArgumentEntry { name, type_name: std::any::type_name::<T> }
}

/// A stored parameter that a job may have which a schedule starts without giving it: an `Option`, which is then `None`.
#[diagnostic::on_unimplemented(
    message = "nobody can supply an argument of type `{Self}`: a schedule starts this job by itself",
    label = "must be an `Option<..>`",
    note = "give it by `args(..)` in each schedule, make it an `Option<..>`, or borrow a service"
)]
pub trait Unsupplied {}

impl<T> Unsupplied for Option<T> {}

/// The entry of a parameter of type `T` that a schedule of the job does not give. The bound knows what an alias stands for.
#[must_use]
pub const fn unsupplied<T: Unsupplied + 'static>(name: &'static str) -> ArgumentEntry {
    argument::<T>(name)
}

/// Writes the arguments of one job.
#[derive(Debug, Default)]
pub struct ArgumentWriter {
    json: Vec<u8>,
    error: Option<ArgumentError>,
}

impl ArgumentWriter {
    /// Starts with no argument.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the value of one parameter. The first error is kept and comes out of [`finish`](Self::finish).
    pub fn put<T>(&mut self, codec: &Codec<T>, value: &T) {
        if self.error.is_some() {
            return;
        }
        self.json.push(if self.json.is_empty() { b'{' } else { b',' });
        let written = serde_json::to_writer(&mut self.json, codec.name).and_then(|()| {
            self.json.push(b':');
            (codec.encode)(value, &mut self.json)
        });
        if let Err(error) = written {
            self.error = Some(ArgumentError::Encode { name: codec.name, message: error.to_string() });
        }
    }

    /// The JSON object of all that was put.
    pub fn finish(mut self) -> Result<String, ArgumentError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if self.json.is_empty() {
            self.json.push(b'{');
        }
        self.json.push(b'}');
        String::from_utf8(self.json).map_err(|error| ArgumentError::Encode { name: "arguments", message: error.to_string() })
    }
}

/// Reads the arguments of one job, without a copy until a value is taken. Like the writer it keeps its first error, so that the code
/// that `#[job]` writes has one branch for all arguments: less to compile than one for each.
#[derive(Debug)]
pub struct ArgumentReader<'a> {
    fields: Result<Fields<'a>, ArgumentError>,
}

impl<'a> ArgumentReader<'a> {
    /// Reads the outer object of `payload`.
    #[must_use]
    pub fn new(payload: &'a str) -> Self {
        let fields = serde_json::from_str(payload);
        Self { fields: fields.map_err(|error| ArgumentError::NotAnObject { message: error.to_string() }) }
    }

    /// Decodes the value of one parameter. `None` from the first error on, which then is [`error`](Self::error).
    pub fn take<T>(&mut self, codec: &Codec<T>) -> Option<T> {
        match self.fields.as_ref().ok()?.take(codec) {
            Ok(value) => Some(value),
            Err(error) => {
                self.fields = Err(error);
                None
            }
        }
    }

    /// Why a value could not be taken.
    ///
    /// # Panics
    ///
    /// If all could.
    #[must_use]
    pub fn error(self) -> ArgumentError {
        self.fields.expect_err("asked for after a value could not be taken")
    }
}

#[derive(Debug)]
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl Fields<'_> {
    fn take<T>(&self, codec: &Codec<T>) -> Result<T, ArgumentError> {
        // The last of two equal keys counts, as everywhere in serde_json.
        match self.0.iter().rev().find(|(name, _)| name == codec.name) {
            Some((_, raw)) => {
                (codec.decode)(raw.get()).map_err(|error| ArgumentError::Decode { name: codec.name, message: error.to_string() })
            }
            None => (codec.decode)("null").map_err(|_| ArgumentError::Missing { name: codec.name }),
        }
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with one key for each parameter")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((Key(name), raw)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    fields.push((name, raw));
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// Why arguments could not be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArgumentError {
    /// A value has no JSON form (a map with keys that are no strings, for one).
    #[error("argument `{name}` cannot be written as JSON: {message}")]
    Encode {
        /// The parameter.
        name: &'static str,
        /// What the serializer said.
        message: String,
    },
    /// The payload is not a JSON object.
    #[error("the payload is not a JSON object keyed by parameter name: {message}")]
    NotAnObject {
        /// What the parser said.
        message: String,
    },
    /// A parameter has no value and its type has no value for "missing".
    #[error("argument `{name}` is missing")]
    Missing {
        /// The parameter.
        name: &'static str,
    },
    /// The stored chain of the job is none.
    #[error("the chain of the job cannot be read: {message}")]
    Chain {
        /// What the parser said.
        message: String,
    },
    /// A value is of another type than the parameter.
    #[error("argument `{name}`: {message}")]
    Decode {
        /// The parameter.
        name: &'static str,
        /// What the deserializer said.
        message: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const TO: Codec<String> = codec::<String>("to");
    const COUNT: Codec<u64> = codec::<u64>("count");
    const COPY: Codec<Option<String>> = codec::<Option<String>>("copy");

    #[test]
    fn what_is_written_reads_back_to_the_last_digit() {
        let mut writer = ArgumentWriter::new();
        writer.put(&TO, &"a\"é\u{0}".to_owned());
        writer.put(&COUNT, &u64::MAX);
        let json = writer.finish().unwrap();
        let mut reader = ArgumentReader::new(&json);
        assert_eq!(reader.take(&TO).unwrap(), "a\"é\u{0}");
        assert_eq!(reader.take(&COUNT).unwrap(), u64::MAX);
    }

    #[test]
    fn a_fraction_reads_back_to_the_last_bit() {
        const RATE: Codec<f64> = codec::<f64>("rate");
        for rate in [184_877_473.358_045_22, 0.1 + 0.2, f64::MIN_POSITIVE, f64::MAX, 5e-324, -1.0 / 3.0] {
            let mut writer = ArgumentWriter::new();
            writer.put(&RATE, &rate);
            let json = writer.finish().unwrap();
            assert_eq!(ArgumentReader::new(&json).take(&RATE).unwrap().to_bits(), rate.to_bits(), "{json}");
        }
    }

    #[test]
    fn a_missing_option_is_none_and_a_missing_value_is_named() {
        let mut reader = ArgumentReader::new("{}");
        assert_eq!(reader.take(&COPY), Some(None));
        assert_eq!(reader.take(&TO), None);
        assert_eq!(reader.error(), ArgumentError::Missing { name: "to" });
    }

    #[test]
    fn a_wrong_type_names_the_argument() {
        let mut reader = ArgumentReader::new(r#"{"count":"three","extra":[1]}"#);
        assert_eq!(reader.take(&COUNT), None);
        assert!(reader.error().to_string().starts_with("argument `count`: invalid type: string"));
    }

    #[test]
    fn the_first_of_several_errors_is_kept() {
        let mut reader = ArgumentReader::new(r#"{"count":7}"#);
        assert_eq!((reader.take(&TO), reader.take(&COUNT)), (None, None));
        assert_eq!(reader.error(), ArgumentError::Missing { name: "to" });
    }

    #[test]
    fn a_payload_that_is_no_object_is_refused() {
        for payload in ["", "[1]", "7", "{", "{\"a\":}"] {
            let mut reader = ArgumentReader::new(payload);
            assert_eq!(reader.take(&COPY), None, "{payload}");
            assert!(matches!(reader.error(), ArgumentError::NotAnObject { .. }), "{payload}");
        }
    }

    #[test]
    fn an_escaped_key_is_found() {
        let mut reader = ArgumentReader::new(r#"{"\u0074o":"x"}"#);
        assert_eq!(reader.take(&TO).unwrap(), "x");
    }

    #[test]
    fn no_arguments_are_an_empty_object() {
        assert_eq!(ArgumentWriter::new().finish().unwrap(), "{}");
    }

    #[test]
    fn a_value_without_a_json_form_is_an_error_that_names_it() {
        const MAP: Codec<BTreeMap<Vec<u8>, u8>> = codec::<BTreeMap<Vec<u8>, u8>>("map");
        let mut writer = ArgumentWriter::new();
        writer.put(&MAP, &BTreeMap::from([(vec![1], 1)]));
        writer.put(&COUNT, &1);
        assert!(matches!(writer.finish(), Err(ArgumentError::Encode { name: "map", .. })));
    }
}
