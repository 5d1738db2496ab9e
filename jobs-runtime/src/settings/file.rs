//! The layer of a file: TOML in, values with their lines out.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Mistake, Problem};
use super::interpolate::interpolate;
use super::layer::{Judge, Layer};
use super::options::{OPTIONS, Opt};
use super::source::Source;
use super::sources::MAX_FILE;
use super::value::Raw;
use super::{secret, suggest};

/// The most keys and list items of a file.
const MAX_ENTRIES: usize = 10_000;
/// Up to this size, in bytes, all mistakes of the syntax are searched for, in a longer file only the first.
const ALL_MISTAKES: usize = 64 * 1024;
/// How many lines with mistakes of the syntax are named.
const MAX_SYNTAX: usize = 20;

/// Reads the text of the file that is called `path`. `None` if the text is no TOML or too much of it; the mistakes are noted then.
pub(super) fn read(path: &str, text: &str, judge: &mut Judge<'_>) -> Option<Layer> {
    let whole = |problem: Problem| problem.at(Source::File { path: path.to_owned(), line: None, column: None });
    if text.len() > MAX_FILE {
        judge.mistakes.push(whole(Problem::new(format!("has {} bytes, the limit is {MAX_FILE}", text.len()))));
        return None;
    }
    let Ok(table) = DeTable::parse(text) else {
        judge.mistakes.extend(syntax(path, text));
        return None;
    };
    if entries(table.get_ref()) > MAX_ENTRIES {
        judge.mistakes.push(whole(Problem::new(format!("has more than {MAX_ENTRIES} entries"))));
        return None;
    }
    let first = judge.mistakes.len();
    let mut walk = Walk { path, lines: line_starts(text), layer: Layer::new(), judge };
    walk.table(table.get_ref(), &OPTIONS.iter().collect::<Vec<_>>(), &[]);
    let layer = walk.layer;
    judge.mistakes[first..].sort_by_key(|mistake| match mistake.source {
        Source::File { line, .. } => line,
        _ => None,
    });
    Some(layer)
}

/// One walk through the tables of a file, as deep as options go and no deeper.
struct Walk<'a, 'j> {
    path: &'a str,
    /// The byte at which each line begins.
    lines: Vec<usize>,
    layer: Layer,
    judge: &'a mut Judge<'j>,
}

impl Walk<'_, '_> {
    /// Reads a table. `options` are those whose paths begin like `parents`.
    fn table(&mut self, table: &DeTable<'_>, options: &[&'static Opt], parents: &[&str]) {
        for (key, value) in table {
            let mut parts = parents.to_vec();
            parts.push(key.get_ref());
            let here: Vec<&'static Opt> = options.iter().copied().filter(|option| fits(option, &parts)).collect();
            let complete = here.iter().any(|option| option.path.split('.').count() == parts.len());
            let source = self.source(key);
            match value.get_ref() {
                _ if here.is_empty() => self.unknown(&parts, value.get_ref(), source),
                _ if complete => {
                    let raw = raw(value.get_ref(), &self.judge.sources.variables);
                    self.judge.put(&mut self.layer, &parts.join("."), source, raw);
                }
                DeValue::Table(inner) => self.table(inner, &here, &parts),
                _ => {
                    let problem = Problem::new("is no table").with_help(format!("it holds {}", children(&here, parts.len())));
                    self.judge.mistakes.push(problem.of(secret::plain(&parts.join(".")), source));
                }
            }
        }
    }

    fn unknown(&mut self, parts: &[&str], value: &DeValue<'_>, source: Source) {
        let path = parts.join(".");
        let mut problem = suggest::option(&path);
        if parts.last().is_some_and(|key| key.contains('.')) && parts.len() < 3 {
            problem = Problem::new("is no option").with_help("a key in quotes is one part of a path; write it without quotes");
        } else if parts.len() == 3 && matches!(value, DeValue::Table(_)) {
            problem = problem.with_help(format!(
                "a name with a dot stands in quotes: [{}.\"{}\"]",
                parts[0],
                secret::plain(&parts[1..].join("."))
            ));
        }
        self.judge.mistakes.push(problem.of(secret::plain(&path), source));
    }

    fn source<T>(&self, at: &Spanned<T>) -> Source {
        let start = at.span().start;
        let line = self.lines.partition_point(|line| *line <= start);
        Source::File { path: self.path.to_owned(), line: Some(line), column: None }
    }
}

/// Whether the path of an option begins with these parts.
fn fits(option: &Opt, parts: &[&str]) -> bool {
    let mut path = option.path.split('.');
    parts.iter().all(|part| path.next().is_some_and(|expected| expected == *part || expected.starts_with('<')))
}

/// What stands below the first `depth` parts of these options, in words.
fn children(options: &[&'static Opt], depth: usize) -> String {
    let mut names: Vec<String> =
        options.iter().filter_map(|option| option.path.split('.').nth(depth)).map(|part| format!("`{part}`")).collect();
    names.dedup();
    names.join(", ")
}

/// A value of TOML as somebody wrote it, with the variables put into its texts.
fn raw(value: &DeValue<'_>, variables: &BTreeMap<String, String>) -> Result<Raw, Vec<Problem>> {
    Ok(match value {
        DeValue::String(text) => Raw::Text(interpolate(text, variables)?),
        DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Raw::Integer(number),
            Err(_) => Raw::Other("a number of more than 128 bits"),
        },
        DeValue::Boolean(flag) => Raw::Flag(*flag),
        DeValue::Array(items) => {
            let mut texts = Vec::new();
            let mut problems = Vec::new();
            for item in items {
                match item.get_ref() {
                    DeValue::String(text) => match interpolate(text, variables) {
                        Ok(text) => texts.push(text),
                        Err(more) => problems.extend(more),
                    },
                    _ => return Ok(Raw::Other("a list with other values than texts")),
                }
            }
            if !problems.is_empty() {
                return Err(problems);
            }
            Raw::List(texts)
        }
        DeValue::Float(_) => Raw::Other("a number with a fraction"),
        DeValue::Datetime(_) => Raw::Other("a date or a time"),
        DeValue::Table(_) => Raw::Other("a table"),
    })
}

/// Keys and list items, counted until there are too many.
fn entries(table: &DeTable<'_>) -> usize {
    let mut count = 0;
    let mut waiting: Vec<&DeValue<'_>> = table.values().map(Spanned::get_ref).collect();
    while let Some(value) = waiting.pop() {
        count += 1;
        if count > MAX_ENTRIES {
            break;
        }
        match value {
            DeValue::Table(table) => waiting.extend(table.values().map(Spanned::get_ref)),
            DeValue::Array(items) => waiting.extend(items.iter().map(Spanned::get_ref)),
            _ => {}
        }
    }
    count
}

/// The mistakes of the syntax, the first of each line, because one often brings others after it.
fn syntax(path: &str, text: &str) -> Vec<Mistake> {
    let errors = if text.len() <= ALL_MISTAKES {
        DeTable::parse_recoverable(text).1
    } else {
        DeTable::parse(text).err().into_iter().collect()
    };
    let lines = line_starts(text);
    let place = |start: usize| {
        let line = lines.partition_point(|line| *line <= start);
        let before = text.get(lines[line - 1]..start).unwrap_or_default();
        (line, before.chars().count() + 1)
    };
    let mut places: Vec<(Option<(usize, usize)>, &str)> = errors
        .iter()
        .map(|error| (error.span().map(|span| place(span.start)), error.message().trim_end_matches(", expected nothing")))
        .collect();
    places.sort_unstable();
    places.dedup_by_key(|(place, _)| place.map(|(line, _)| line));
    places.truncate(MAX_SYNTAX);
    let mistake = |(place, message): (Option<(usize, usize)>, &str)| {
        let (line, column) = place.unzip();
        Problem::new(message).at(Source::File { path: path.to_owned(), line, column })
    };
    places.into_iter().map(mistake).collect()
}

/// The byte at which each line begins; the first is 0.
fn line_starts(text: &str) -> Vec<usize> {
    let after_newline = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(after_newline).collect()
}
