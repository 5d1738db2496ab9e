//! From all sources to one set of settings: which files, which layer wins, and what must fit together.

use std::path::Path;
use std::time::Duration;

use jobs_core::duration;

use super::error::{Problem, SettingsError};
use super::layer::{Entry, Judge, Layer};
use super::options::{Fallback, OPTIONS};
use super::resolved::Settings;
use super::source::Source;
use super::sources::Sources;
use super::value::{Raw, Value};
use super::{Overrides, file, secret, variables};

/// The file that is read if `JOBS_CONFIG` names no other.
const FILE: &str = "jobs.toml";
/// The longest name of an environment, in bytes.
const MAX_ENVIRONMENT: usize = 64;

impl Settings {
    /// Finds every option in the strongest source that sets it: `overrides`, variables, the file of the environment, the
    /// file, the defaults.
    ///
    /// # Errors
    ///
    /// All mistakes of all sources at once, also in values that a stronger source replaces.
    pub fn resolve(overrides: Overrides, sources: &Sources) -> Result<Self, SettingsError> {
        let mut judge = Judge { sources, mistakes: Vec::new() };
        let (mut layers, files) = read_files(&mut judge);
        let files_are_whole = judge.mistakes.iter().all(|mistake| mistake.path.is_some());
        layers.push(variables::read(&mut judge));
        check_spelling(&layers, &mut judge);
        layers.push(overrides.read(&mut judge));
        let mut options = merge(layers);
        check_schedules(&options, &mut judge);
        add_defaults(&mut options, sources);
        // What a file that cannot be read says about the one may be missing beside the other.
        if files_are_whole {
            check_lease(&options, &mut judge);
        }
        match Self::from_options(&options, files) {
            Some(settings) if judge.mistakes.is_empty() => Ok(settings),
            _ => Err(SettingsError { mistakes: judge.mistakes }),
        }
    }
}

/// The layers of the files, the stronger one last, and the paths of those that were there.
fn read_files(judge: &mut Judge<'_>) -> (Vec<Layer>, Vec<String>) {
    let sources = judge.sources;
    let config = sources.variable("JOBS_CONFIG");
    let main = config.unwrap_or(FILE);
    let mut layers = Vec::new();
    let mut files = Vec::new();
    let mut read = |path: &str, judge: &mut Judge<'_>| match (sources.read)(&sources.folder.join(path)) {
        Ok(Some(text)) => {
            layers.extend(file::read(path, &text, judge));
            files.push(path.to_owned());
            true
        }
        Ok(None) => false,
        Err(error) => {
            let source = Source::File { path: path.to_owned(), line: None, column: None };
            judge.mistakes.push(Problem::new(format!("cannot be read: {error}")).at(source));
            true
        }
    };
    if !read(main, judge) && config.is_some() {
        let problem = Problem::new(format!("there is no file {}", secret::shown(main)));
        judge.mistakes.push(problem.at(Source::Variable("JOBS_CONFIG".to_owned())));
    }
    match sources.variable("JOBS_ENV") {
        Some(name) if is_environment(name) => {
            read(&overlay(main, name), judge);
        }
        Some(name) => {
            let problem = Problem::new(format!("{} is no name of an environment", secret::shown(name)))
                .with_help(format!("write 1 to {MAX_ENVIRONMENT} ASCII letters, digits, `_` and `-`"));
            judge.mistakes.push(problem.at(Source::Variable("JOBS_ENV".to_owned())));
        }
        None => {}
    }
    (layers, files)
}

/// Whether a name can be a part of a file's name and never of its folder's.
fn is_environment(name: &str) -> bool {
    name.len() <= MAX_ENVIRONMENT && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// `jobs.production.toml` beside `jobs.toml`.
fn overlay(main: &str, environment: &str) -> String {
    let main = Path::new(main);
    let stem = main.file_stem().unwrap_or_default().to_string_lossy();
    main.with_file_name(format!("{stem}.{environment}.toml")).to_string_lossy().into_owned()
}

/// Every option from the last layer that has it. A schedule has one sort of times, so `cron` and `every` replace each other, and
/// `every` the zone with it.
fn merge(layers: Vec<Layer>) -> Layer {
    let mut merged = Layer::new();
    for mut layer in layers.into_iter().rev() {
        layer.retain(|path, _| rival(path).is_none_or(|rival| !merged.contains_key(&rival)));
        for (path, entry) in layer {
            merged.entry(path).or_insert(entry);
        }
    }
    merged
}

/// The option that, in a stronger source, makes this one void.
fn rival(path: &str) -> Option<String> {
    match path.rsplit_once('.')? {
        (schedule, "cron" | "tz") => Some(format!("{schedule}.every")),
        (schedule, "every") => Some(format!("{schedule}.cron")),
        _ => None,
    }
}

/// The defaults of what nobody set.
fn add_defaults(options: &mut Layer, sources: &Sources) {
    for option in OPTIONS.iter().filter(|option| option.around_name().is_none()) {
        if let Fallback::Value(text) = option.fallback {
            let value = option.shape.read(&Raw::Text(text.to_owned()), sources.zone).ok();
            let default = Entry { option, name: None, value, source: Source::Default };
            options.entry(option.path.to_owned()).or_insert(default);
        }
    }
}

/// The last layer is that of the variables: a name in it that no other layer has, but one that is spelt alike in a variable,
/// means that other one and misses it.
fn check_spelling(layers: &[Layer], judge: &mut Judge<'_>) {
    let Some((variables, files)) = layers.split_last() else { return };
    let family = |entry: &Entry| entry.option.path.split('.').next();
    for (path, entry) in variables {
        let others =
            || files.iter().flat_map(Layer::values).filter(|other| family(other) == family(entry) && other.name.is_some());
        let alike = |other: &&Entry| other.name.as_deref().map(as_in_a_variable) == entry.name;
        if others().any(|other| other.name == entry.name) {
            continue;
        }
        if let Some(meant) = others().find(alike) {
            let name = meant.name.as_deref().unwrap_or_default();
            let problem = Problem::new(format!("does not reach `{name}` ({})", meant.source))
                .with_help("a variable can name only small letters, digits and `_`; set it in the file");
            judge.mistakes.push(problem.of(path, entry.source.clone()));
        }
    }
}

/// The name that a variable has to use for a name.
fn as_in_a_variable(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

/// A schedule has one sort of times, and only cron has a zone.
fn check_schedules(options: &Layer, judge: &mut Judge<'_>) {
    for (path, every) in options.iter().filter(|(_, entry)| entry.option.path.ends_with(">.every")) {
        let Some((schedule, _)) = path.rsplit_once('.') else { continue };
        for other in ["cron", "tz"] {
            let other = format!("{schedule}.{other}");
            if let Some(entry) = options.get(&other) {
                let problem =
                    Problem::new(format!("has no effect beside {path} ({})", every.source)).with_help("keep one of them");
                judge.mistakes.push(problem.of(other, entry.source.clone()));
            }
        }
    }
}

/// A heartbeat may be lost twice before a lease runs out.
fn check_lease(options: &Layer, judge: &mut Judge<'_>) {
    let get = |path: &str| match options.get(path) {
        Some(Entry { value: Some(Value::Duration(length)), source, .. }) => Some((*length, source.clone())),
        _ => None,
    };
    let (Some((lease, lease_source)), Some((heartbeat, heartbeat_source))) = (get("lease"), get("heartbeat")) else { return };
    if lease >= heartbeat * 3 {
        return;
    }
    let text = |length: Duration| duration::format(length);
    let mistake = if lease_source == Source::Default {
        let problem =
            format!("is `{}`, at most a third of lease is allowed, which is `{}` ({lease_source})", text(heartbeat), text(lease));
        Problem::new(problem).of("heartbeat", heartbeat_source)
    } else {
        let problem = format!(
            "is `{}`, at least 3 times heartbeat is allowed, which is `{}` ({heartbeat_source})",
            text(lease),
            text(heartbeat)
        );
        Problem::new(problem).of("lease", lease_source)
    };
    judge.mistakes.push(mistake);
}
