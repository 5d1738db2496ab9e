//! One kind as a line of text, and the reading of such lines.

use std::collections::BTreeMap;

use jobs_core::JobEntry;
use jobs_core::registry::{ScheduleEntry, ScheduleText};
use jobs_core::schedule::{Misfire, Overlap, RunOnStart};
use jobs_core::{duration, name};

/// One kind as the list has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its name.
    pub(super) name: String,
    /// Its stored arguments, with types: what stands between the brackets.
    pub(super) arguments: String,
    /// The whole line.
    pub(super) text: String,
}

impl Line {
    /// The line of a kind: its name and arguments, then what else a stored job or a schedule depends on, as `#[job]` has it.
    pub(super) fn of(entry: &JobEntry) -> Self {
        let arguments: Vec<String> =
            entry.arguments.iter().map(|argument| format!("{}: {}", argument.name, short((argument.type_name)()))).collect();
        let arguments = arguments.join(", ");
        let mut keys = vec![format!("queue = {:?}", entry.queue)];
        if !entry.aliases.is_empty() {
            let mut aliases = entry.aliases.to_vec();
            aliases.sort();
            keys.push(format!("aliases = {aliases:?}"));
        }
        match &*entry.schedules {
            [one] => keys.extend(schedule(one)),
            several => keys.extend(several.iter().map(|one| format!("schedule({})", schedule(one).join(", ")))),
        }
        let text = format!("{}({arguments}) {}", entry.name, keys.join(", "));
        Self { name: entry.name.to_string(), arguments, text }
    }
}

/// The keys of one schedule that are not at their defaults. Of its arguments only that there are some: their values may be those of
/// one machine.
fn schedule(schedule: &ScheduleEntry) -> Vec<String> {
    let mut keys = Vec::new();
    match &schedule.spec {
        ScheduleText::Cron(text) => keys.push(format!("cron = {text:?}")),
        ScheduleText::Every(text) => keys.push(format!("every = {text:?}")),
        ScheduleText::Never => {}
    }
    keys.extend(schedule.zone.as_ref().map(|zone| format!("tz = {zone:?}")));
    keys.extend(schedule.key.as_ref().map(|key| format!("key = {key:?}")));
    keys.extend(schedule.run_on_start.map(|occasion| match occasion {
        RunOnStart::Process => "run_on_start".to_owned(),
        RunOnStart::Deployment => format!("run_on_start = \"{occasion}\""),
    }));
    if schedule.misfire != Misfire::default() {
        keys.push(format!("misfire = \"{}\"", schedule.misfire));
    }
    if schedule.overlap != Overlap::default() {
        keys.push(format!("overlap = \"{}\"", schedule.overlap));
    }
    if !schedule.jitter.is_zero() {
        keys.push(format!("jitter = \"{}\"", duration::format(schedule.jitter)));
    }
    keys.extend(schedule.starts.map(|moment| format!("starts = \"{moment}\"")));
    keys.extend(schedule.ends.map(|moment| format!("ends = \"{moment}\"")));
    keys.extend(schedule.payload.map(|_| "args(..)".to_owned()));
    keys
}

/// A type without the modules it stands in: `core::option::Option<alloc::string::String>` is `Option<String>`.
fn short(type_name: &str) -> String {
    let mut short = String::new();
    let mut word = 0;
    let mut rest = type_name;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("::") {
            // Behind a bracket stands no module, but an item of a type.
            if word == short.len() {
                short.push_str("::");
                word = short.len();
            } else {
                short.truncate(word);
            }
            rest = after;
            continue;
        }
        short.push(c);
        if !(c.is_alphanumeric() || c == '_') {
            word = short.len();
        }
        rest = &rest[c.len_utf8()..];
    }
    short
}

/// Reads a list, each line by its name. A mistake has the number of its line.
pub(super) fn read(text: &str) -> Result<BTreeMap<String, Line>, (usize, String)> {
    if let Some(before) = text.find('\r') {
        let line = text[..before].matches('\n').count() + 1;
        let problem = "the line ends with a carriage return (CRLF): write the file with line feeds alone, and keep git from changing \
                       it by a line such as `jobs.txt text eol=lf` in .gitattributes";
        return Err((line, problem.to_owned()));
    }
    let mut lines = BTreeMap::new();
    let said = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| said(line)) {
        let line = parse(line)
            .ok_or_else(|| (number, format!("`{line}` is no line of a list, such as `name(to: String) queue = \"mail\"`")))?;
        if let Some(twice) = lines.insert(line.name.clone(), line) {
            return Err((number, format!("`{}` has a line already", twice.name)));
        }
    }
    Ok(lines)
}

fn parse(text: &str) -> Option<Line> {
    let text = text.trim_end();
    let (name, rest) = text.split_once('(')?;
    // A type may have brackets of its own, so the arguments end where the keys begin.
    let (arguments, _) = rest.split_once(") queue = \"")?;
    name::check("job", name).ok()?;
    Some(Line { name: name.to_owned(), arguments: arguments.to_owned(), text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{read, short};

    #[test]
    fn types_lose_their_modules_and_nothing_else() {
        for (long, expected) in [
            ("u8", "u8"),
            ("alloc::string::String", "String"),
            ("core::option::Option<alloc::vec::Vec<(u8, app::mail::To)>>", "Option<Vec<(u8, To)>>"),
            ("[app::a_b::C2; 3]", "[C2; 3]"),
            ("&'static str", "&'static str"),
            ("dyn app::Speaks + core::marker::Send", "dyn Speaks + Send"),
            ("fn(a::B) -> c::D", "fn(B) -> D"),
            ("größe::Maß", "Maß"),
            ("<app::T as app::Trait>::Item", "<T as Trait>::Item"),
            ("", ""),
        ] {
            assert_eq!(short(long), expected);
        }
    }

    #[test]
    fn what_is_no_list_is_refused_with_its_line() {
        for (text, number, problem) in [
            ("a() queue = \"q\"\r\n", 1, "CRLF"),
            ("# jobs\n\n<<<<<<< HEAD\n", 3, "`<<<<<<< HEAD` is no line"),
            ("a\n", 1, "no line of a list"),
            ("a() default\n", 1, "no line of a list"),
            ("two words() queue = \"q\"\n", 1, "no line of a list"),
            ("\u{feff}a() queue = \"q\"\n", 1, "no line of a list"),
            ("a() queue = \"q\"\nb() queue = \"q\"\na() queue = \"r\"", 3, "`a` has a line already"),
        ] {
            let (at, said) = read(text).expect_err(text);
            assert!(at == number && said.contains(problem), "{text:?}: {at}: {said}");
        }
    }

    #[test]
    fn comments_empty_lines_and_order_say_nothing() {
        let one = read("# x\n\nb() queue = \"q\"\na(f: fn(B) -> (C, D)) queue = \"q\"  \n").unwrap();
        let two = read("a(f: fn(B) -> (C, D)) queue = \"q\"\nb() queue = \"q\"").unwrap();
        assert_eq!(one, two);
        assert_eq!(one["a"].arguments, "f: fn(B) -> (C, D)");
        assert!(read("").unwrap().is_empty());
    }
}
