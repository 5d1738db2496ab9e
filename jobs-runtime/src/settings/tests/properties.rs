//! Whatever stands in a file or a variable, there is an answer.

use proptest::prelude::*;

use super::{from_file, listed, resolve};
use crate::settings::OPTIONS;

/// Texts that look like settings, right and wrong.
fn lines() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        proptest::sample::select(
            OPTIONS
                .iter()
                .map(|option| option.path.replace("<name>", "a").replace("<kind>", "b").replace("<key>", "c"))
                .collect::<Vec<_>>()
        ),
        "[a-z\".]{0,12}",
    ];
    let value = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        "\"[ -~é]{0,30}\"",
        "\"[0-9]{1,6}(ns|ms|s|m|h|d|KiB|MiB)?\"",
        "\"([$]|[{]|[}]|:-|A){0,8}\"",
        "[\\[{][a-z0-9\",=]{0,10}[\\]}]",
        proptest::sample::select(vec!["true".to_owned(), "none".to_owned(), "\"none\"".to_owned(), "1979-05-27".to_owned()]),
    ];
    let line = prop_oneof![
        6 => (key.clone(), value).prop_map(|(key, value)| format!("{key} = {value}\n")),
        1 => key.prop_map(|key| format!("[{key}]\n")),
        1 => ".{0,20}\n",
    ];
    proptest::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn any_file_gives_settings_or_mistakes_of_one_line_each(text in prop_oneof![lines(), "\\PC{0,80}", "[\\[\\]{}=\"'.#\\n a\\\\]{0,60}"]) {
        let result = from_file(&text);
        let sound = result.is_ok();
        let mistakes = listed(result);
        prop_assert_eq!(sound, mistakes.is_empty());
        for mistake in mistakes {
            prop_assert!(mistake.starts_with("jobs.toml"), "{}", mistake);
            prop_assert!(!mistake.contains(char::is_control) && mistake.len() < 2_000, "{:?}", mistake);
        }
    }

    #[test]
    fn any_variable_gives_settings_or_one_mistake(name in "(JOBS_|JOBS_QUEUES_|JOBS_JOBS_|JOBS_SCHEDULE_)[A-Z_a-zé]{0,12}(_CONCURRENCY|_EVERY|_TZ)?", value in "\\PC{0,40}") {
        let count = listed(resolve(&[(&name, &value)], &[])).len();
        prop_assert!(count <= 1, "{}={}", name, value);
    }

    #[test]
    fn a_value_means_the_same_in_a_file_and_in_a_variable(row in 0..OPTIONS.len(), value in "[a-z0-9:/ *,@]{1,12}|[0-9]{1,6}(ms|s|m|h|d|KiB)?") {
        let path = OPTIONS[row].path.replace("<name>", "a").replace("<kind>", "b").replace("<key>", "c");
        let variable = format!("JOBS_{}", path.replace('.', "_").to_uppercase());
        let file = from_file(&format!("{path} = \"{value}\""));
        let other = resolve(&[(&variable, &value)], &[]);
        prop_assert_eq!(file.is_ok(), other.is_ok());
        let texts = |mistakes: Vec<String>| mistakes.into_iter().filter_map(|text| Some(text.split_once(": ")?.1.to_owned())).collect::<Vec<_>>();
        prop_assert_eq!(texts(listed(file)), texts(listed(other)));
    }
}
