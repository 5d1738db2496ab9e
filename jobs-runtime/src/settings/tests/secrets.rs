//! A password in a source never comes out again.

use super::{resolve, sources};
use crate::settings::{OPTIONS, Overrides, Settings};

const URL: &str = "postgres://ann:hunter2@db/jobs";

#[test]
fn no_option_shows_a_password_that_stands_where_it_does_not_belong() {
    // The names of a worker and of a schema are shown wherever these are, whatever they say.
    for option in OPTIONS.iter().filter(|option| !["worker_name", "postgres.schema"].contains(&option.path)) {
        let path = option.path.replace("<name>", "a").replace("<kind>", "a");
        for text in [URL, "host=db password=hunter2", "${URL}"] {
            let file = format!("{path} = \"{text}\"");
            let result = resolve(&[("URL", URL)], &[("jobs.toml", &file)]);
            assert!(!format!("{result:?}").contains("hunter2"), "{result:?}");
            let mut overrides = Overrides::new();
            overrides.set(&path, text);
            assert!(!format!("{overrides:?}").contains("hunter2"));
            let result = Settings::resolve(overrides, &sources(&[], &[]));
            assert!(!format!("{result:?}").contains("hunter2"), "{result:?}");
        }
    }
}

#[test]
fn a_postgres_url_is_shown_with_its_password_masked() {
    let settings = resolve(&[("JOBS_STORE", URL)], &[]).unwrap();
    assert_eq!(settings.store.to_string(), "postgres://ann:***@db/jobs");
    assert!(!format!("{settings:?}").contains("hunter2"), "{settings:?}");
}

#[test]
fn unknown_variables_broken_files_and_sources_show_no_values() {
    let sources =
        sources(&[("JOBS_STROE", URL), ("OTHER", URL)], &[("jobs.toml", "store = \"postgres://ann:hunter2@db\nx = hunter2\n")]);
    assert!(!format!("{sources:?}").contains("hunter2"));
    let error = Settings::resolve(Overrides::new(), &sources).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"), "{error}");
}
