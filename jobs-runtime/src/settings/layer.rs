//! One layer of settings: what one file, the variables or the builder say, each value judged as it comes in.

use std::collections::BTreeMap;

use jobs_core::name;

use super::error::{Mistake, Problem};
use super::options::{self, Opt};
use super::secret;
use super::source::Source;
use super::sources::Sources;
use super::suggest;
use super::value::{Raw, Value};

/// What one source says, by the path of the option.
pub(super) type Layer = BTreeMap<String, Entry>;

/// What a source says about one option.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) option: &'static Opt,
    /// The queue, the job or the schedule in the path.
    pub(super) name: Option<String>,
    /// `None` if it is wrong; the mistake is noted then, and no weaker source takes its place.
    pub(super) value: Option<Value>,
    pub(super) source: Source,
}

/// Judges values, and gathers the mistakes of all sources.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    pub(super) sources: &'a Sources,
    pub(super) mistakes: Vec<Mistake>,
}

impl Judge<'_> {
    /// Puts a value into a layer, or notes what is wrong with it.
    pub(super) fn put(&mut self, layer: &mut Layer, path: &str, source: Source, raw: Result<Raw, Vec<Problem>>) {
        let Some((option, name)) = options::find(path) else {
            self.mistakes.push(suggest::option(path).of(secret::plain(path), source));
            return;
        };
        if let (Some((.., whose)), Some(name)) = (option.around_name(), name)
            && let Err(error) = name::check(whose, name)
        {
            let problem = Problem { text: format!("cannot be set: {}", error.message), help: error.help };
            self.mistakes.push(problem.of(secret::plain(path), source));
            return;
        }
        let read = raw.and_then(|raw| option.shape.read(&raw, self.sources.zone).map_err(|problem| vec![problem]));
        let value = match read {
            Ok(value) => Some(value),
            Err(problems) => {
                self.mistakes.extend(problems.into_iter().map(|problem| problem.of(path, source.clone())));
                None
            }
        };
        layer.insert(path.to_owned(), Entry { option, name: name.map(str::to_owned), value, source });
    }
}
