//! The difference between a list and the jobs that are linked, with what each part of it does to stored jobs.

use std::collections::BTreeMap;

use jobs_core::JobEntry;
use jobs_core::registry::Registry;

use super::line::Line;

/// One text for each kind that is not as the list has it: lines of `-` and `+`, then what it means.
pub(super) fn between(list: &BTreeMap<String, Line>, registry: &Registry) -> Vec<String> {
    if registry.is_empty() && !list.is_empty() {
        let lines = list.values().map(|line| ["- ", &line.text, "\n"].concat());
        return vec![
            lines.collect::<String>()
                + "  no job is linked into this test: an integration test is a crate of its own, so name the crates with jobs in it: \
                   `jobs_runtime::jobs!(that_crate);`",
        ];
    }
    let is_linked = |line: &&Line| registry.entries().iter().any(|entry| entry.name == *line.name);
    let mut problems: Vec<String> = list.values().filter(|line| !is_linked(line)).map(|line| lost(line, registry)).collect();
    for entry in registry.entries() {
        let now = Line::of(entry);
        match list.get(&now.name) {
            None => problems.push(format!("+ {}  ({})\n  a new job", now.text, entry.location)),
            Some(before) if before.text != now.text => problems.push(changed(before, &now, entry, registry)),
            Some(_) => {}
        }
    }
    problems
}

fn lost(line: &Line, registry: &Registry) -> String {
    let name = &line.name;
    let what = match registry.get(name) {
        Some(entry) => {
            format!("stored jobs of this name are run by `{}` ({}), which has it as an alias", entry.name, entry.location)
        }
        None => format!(
            "a job lost here leaves its stored jobs parked: if it was renamed, write `aliases = [\"{name}\"]` at its new name; if its \
             crate is no longer named, write `jobs_runtime::jobs!(that_crate);` in the program and in this test"
        ),
    };
    format!("- {}\n  {what}", line.text)
}

fn changed(before: &Line, now: &Line, entry: &JobEntry, registry: &Registry) -> String {
    let mut text = format!("- {}\n+ {}  ({})", before.text, now.text, entry.location);
    if before.arguments != now.arguments {
        text += "\n  stored jobs hold the arguments as they were: one that is new here must be an `Option<..>`, and a type must read what \
                 the old one wrote, or they are parked";
    }
    for alias in aliases(&before.text).filter(|alias| registry.get(alias).is_none()) {
        text.extend(["\n  stored jobs of the name `", alias, "` are parked, unless none is left: keep the alias until then"]);
    }
    text
}

/// The aliases in a line of a list.
fn aliases(line: &str) -> impl Iterator<Item = &str> {
    let inside = line.rsplit_once("aliases = [").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(inside, _)| inside);
    inside.split(", ").map(|alias| alias.trim_matches('"')).filter(|alias| !alias.is_empty())
}
