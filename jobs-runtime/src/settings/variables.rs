//! The layer of the environment variables, `JOBS_…`.

use super::error::Problem;
use super::layer::{Judge, Layer};
use super::options::OPTIONS;
use super::source::Source;
use super::suggest;
use super::value::Raw;

/// Variables that say where the settings are, and are no options.
pub(super) const OWN: [&str; 2] = ["JOBS_CONFIG", "JOBS_ENV"];

/// Reads the variables. An empty one counts as not set, because tools pass variables on that they do not have.
pub(super) fn read(judge: &mut Judge<'_>) -> Layer {
    let mut layer = Layer::new();
    let sources = judge.sources;
    for (name, text) in sources.variables.iter().filter(|(name, _)| name.starts_with("JOBS_")) {
        let source = Source::Variable(super::secret::plain(name));
        match path(name) {
            _ if OWN.contains(&name.as_str()) || name.starts_with("JOBS_TEST_") => {}
            Some(_) if text.is_empty() => {}
            Some(path) if text.contains('\u{fffd}') => {
                judge.put(&mut layer, &path, source, Err(vec![Problem::new("is not UTF-8")]));
            }
            Some(path) => judge.put(&mut layer, &path, source, Ok(Raw::Text(text.clone()))),
            None if is_service_link(name) => {}
            None => judge.mistakes.push(suggest::variable(name).at(source)),
        }
    }
    layer
}

/// The path of the option that a variable sets. The name of a queue, a job or a schedule in it is in small letters then.
pub(super) fn path(variable: &str) -> Option<String> {
    OPTIONS.iter().find_map(|option| {
        let form = option.variable();
        let Some((before, behind, _)) = option.around_name() else {
            return (form == variable).then(|| option.path.to_owned());
        };
        let (start, rest) = form.split_once('<')?;
        let (_, end) = rest.split_once('>')?;
        let name = variable.strip_prefix(start)?.strip_suffix(end)?;
        let expressible = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        (!name.is_empty() && name.chars().all(expressible)).then(|| format!("{before}{}{behind}", name.to_ascii_lowercase()))
    })
}

/// Whether Kubernetes sets such a variable for a service named `jobs` or `jobs-…` beside this process: `JOBS_PORT`,
/// `JOBS_API_SERVICE_HOST`, `JOBS_PORT_80_TCP_ADDR`.
fn is_service_link(name: &str) -> bool {
    let port = |(_, rest): (&str, &str)| rest.starts_with(|c: char| c.is_ascii_digit());
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || name.split_once("_PORT_").is_some_and(port)
}

#[cfg(test)]
mod tests {
    use super::{is_service_link, path};

    #[test]
    fn variables_name_options() {
        for (variable, expected) in [
            ("JOBS_LEASE", Some("lease")),
            ("JOBS_SHUTDOWN_DRAIN", Some("shutdown.drain")),
            ("JOBS_QUEUES_CRITICAL_CONCURRENCY", Some("queues.critical.concurrency")),
            ("JOBS_QUEUES_A_B_1_CONCURRENCY", Some("queues.a_b_1.concurrency")),
            ("JOBS_JOBS_CLEAN_UP_EVERY", Some("jobs.clean_up.every")),
            ("JOBS_JOBS_TZ_TZ", Some("jobs.tz.tz")),
            ("JOBS_QUEUES_CONCURRENCY", None),
            ("JOBS_QUEUES__CONCURRENCY", None),
            ("JOBS_QUEUES_critical_CONCURRENCY", None),
            ("JOBS_QUEUES_<NAME>_CONCURRENCY", None),
            ("JOBS_lease", None),
        ] {
            assert_eq!(path(variable).as_deref(), expected, "{variable}");
        }
    }

    #[test]
    fn links_of_kubernetes_are_known_by_their_form() {
        for name in
            ["JOBS_PORT", "JOBS_SERVICE_HOST", "JOBS_API_SERVICE_PORT_HTTP", "JOBS_PORT_80_TCP", "JOBS_DB_PORT_80_TCP_ADDR"]
        {
            assert!(is_service_link(name), "{name}");
        }
        for name in ["JOBS_LEASE", "JOBS_PORT_X", "JOBS_PORTS", "JOBS_HOST"] {
            assert!(!is_service_link(name), "{name}");
        }
    }
}
