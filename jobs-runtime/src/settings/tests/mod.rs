//! Facts about the settings as a whole, from sources made of plain data.

mod defaults;
mod layers;
mod mistakes;
mod properties;
mod ranges;
mod secrets;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Overrides, Settings, SettingsError, Sources};

/// Variables and files by name. A file of the text `<denied>` cannot be read.
fn sources(variables: &[(&str, &str)], files: &[(&str, &str)]) -> Sources {
    let owned = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    };
    let files: BTreeMap<PathBuf, String> =
        owned(files).into_iter().map(|(path, text)| (Path::new("/app").join(path), text)).collect();
    Sources {
        variables: owned(variables),
        folder: "/app".into(),
        read: Box::new(move |path| match files.get(path).map(String::as_str) {
            Some("<denied>") => Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, "permission denied")),
            text => Ok(text.map(str::to_owned)),
        }),
        ..Sources::none()
    }
}

fn resolve(variables: &[(&str, &str)], files: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    Settings::resolve(Overrides::new(), &sources(variables, files))
}

fn from_file(text: &str) -> Result<Settings, SettingsError> {
    resolve(&[], &[("jobs.toml", text)])
}

/// The mistakes as texts.
fn listed(result: Result<Settings, SettingsError>) -> Vec<String> {
    result.err().map(|error| error.mistakes.iter().map(ToString::to_string).collect()).unwrap_or_default()
}
