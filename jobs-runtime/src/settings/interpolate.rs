//! `${VAR}` in the texts of a file, so that a password need not stand in it.

use std::collections::BTreeMap;

use super::error::Problem;

/// The longest text after the variables are put in, in bytes.
const MAX_BYTES: usize = 16 * 1024;

/// The text with `${VAR}` and `${VAR:-default}` replaced, and `$$` for a dollar. The default holds when the variable is not
/// set or empty, and is taken as it stands up to the next `}`.
pub(super) fn interpolate(text: &str, variables: &BTreeMap<String, String>) -> Result<String, Vec<Problem>> {
    let mut result = String::new();
    let mut problems = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        rest = match piece(after, variables) {
            Ok((value, rest)) => {
                result.push_str(value);
                rest
            }
            Err((problem, rest)) => {
                problems.push(problem);
                rest
            }
        };
        if result.len() > MAX_BYTES {
            problems.push(Problem::new(format!("has more than {MAX_BYTES} bytes after its variables are put in")));
            return Err(problems);
        }
    }
    result.push_str(rest);
    if problems.is_empty() { Ok(result) } else { Err(problems) }
}

/// What stands for the text behind a `$`, and the text that follows.
fn piece<'a>(text: &'a str, variables: &'a BTreeMap<String, String>) -> Result<(&'a str, &'a str), (Problem, &'a str)> {
    if let Some(rest) = text.strip_prefix('$') {
        return Ok(("$", rest));
    }
    let Some(inner) = text.strip_prefix('{') else {
        let problem =
            Problem::new("has a `$` that begins nothing").with_help("write `${NAME}` for a variable, `$$` for a dollar");
        return Err((problem, text));
    };
    let Some((inner, rest)) = inner.split_once('}') else {
        return Err((Problem::new("has a `${` without its `}`"), ""));
    };
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    if name.is_empty()
        || name.starts_with(|c: char| c.is_ascii_digit())
        || name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_')
    {
        let problem = Problem::new("has a `${…}` without the name of a variable")
            .with_help("write `${NAME}` or `${NAME:-default}` with ASCII letters, digits and `_`");
        return Err((problem, rest));
    }
    match (variables.get(name), default) {
        (Some(value), Some(default)) if value.is_empty() => Ok((default, rest)),
        (Some(value), _) if value.contains('\u{fffd}') => {
            Err((Problem::new(format!("uses `${{{name}}}`, which is not UTF-8")), rest))
        }
        (Some(value), _) => Ok((value, rest)),
        (None, Some(default)) => Ok((default, rest)),
        (None, None) => {
            let name: String = name.chars().take(64).collect();
            let problem = Problem::new(format!("uses `${{{name}}}`, which is not set"))
                .with_help(format!("set it, or write `${{{name}:-default}}`"));
            Err((problem, rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::interpolate;

    fn variables() -> BTreeMap<String, String> {
        [("HOST", "db"), ("EMPTY", ""), ("NESTED", "${HOST}")].map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn variables_stand_where_they_are_named() {
        for (text, expected) in [
            ("plain", "plain"),
            ("${HOST}", "db"),
            ("a${HOST}b${HOST}c", "adbbdbc"),
            ("${NONE:-x}${EMPTY:-y}${HOST:-z}", "xydb"),
            ("${EMPTY}", ""),
            ("${NONE:-}", ""),
            ("${NONE:-a:-$b}", "a:-$b"),
            ("$$${HOST}$$", "$db$"),
            ("$${HOST}", "${HOST}"),
            ("${NESTED}", "${HOST}"),
        ] {
            assert_eq!(interpolate(text, &variables()).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn each_mistake_in_a_text_is_named() {
        for (text, expected) in [
            ("${A}${B}", &["uses `${A}`, which is not set", "uses `${B}`, which is not set"] as &[&str]),
            ("$HOME/x", &["has a `$` that begins nothing"]),
            ("5$", &["has a `$` that begins nothing"]),
            ("${HOST", &["has a `${` without its `}`"]),
            ("${}", &["has a `${…}` without the name of a variable"]),
            ("${1A}", &["has a `${…}` without the name of a variable"]),
            ("${A-b}", &["has a `${…}` without the name of a variable"]),
        ] {
            let problems = interpolate(text, &variables()).unwrap_err();
            assert_eq!(problems.iter().map(|problem| problem.text.as_str()).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn variables_cannot_make_a_text_grow_without_limit() {
        let variables = BTreeMap::from([("X".to_owned(), "x".repeat(10_000))]);
        let problems = interpolate(&"${X}".repeat(100_000), &variables).unwrap_err();
        assert_eq!(problems[0].text, "has more than 16384 bytes after its variables are put in");
    }

    proptest! {
        #[test]
        fn doubled_dollars_give_every_text_back(text in ".{0,40}") {
            prop_assert_eq!(interpolate(&text.replace('$', "$$"), &BTreeMap::new()), Ok(text));
        }

        #[test]
        fn any_text_gives_an_answer(text in "([$]|[{]|[}]|:-|HOST|é){0,12}") {
            let _ = interpolate(&text, &variables());
        }
    }
}
