//! What somebody probably meant who wrote an option or a variable that there is not.

use jobs_core::text::did_you_mean;

use super::error::Problem;
use super::options::{OPTIONS, Opt};
use super::variables;

/// The problem of a path that is no option.
pub(super) fn option(path: &str) -> Problem {
    let (parent, last) = path.rsplit_once('.').unwrap_or(("", path));
    let sibling = did_you_mean(last, OPTIONS.iter().filter_map(|option| child(parent, option)));
    let elsewhere = || {
        did_you_mean(last, OPTIONS.iter().map(last_part)).and_then(|last| OPTIONS.iter().find(|option| last_part(option) == last))
    };
    let problem = Problem::new("is no option");
    match sibling {
        Some(near) if parent.is_empty() => problem.with_help(format!("did you mean `{near}`?")),
        Some(near) => problem.with_help(format!("did you mean `{}.{near}`?", super::secret::plain(parent))),
        None => match elsewhere() {
            Some(option) => problem.with_help(format!("did you mean `{}`?", option.path)),
            None => problem,
        },
    }
}

/// The problem of a variable `JOBS_…` that no option has.
pub(super) fn variable(name: &str) -> Problem {
    let problem = Problem::new("no option has this variable");
    match near_variable(name) {
        Some(near) => problem.with_help(format!("did you mean `{}`?", super::secret::plain(&near))),
        None => problem,
    }
}

fn near_variable(name: &str) -> Option<String> {
    let upper = name.to_ascii_uppercase();
    if variables::path(&upper).is_some() || variables::OWN.contains(&upper.as_str()) {
        return Some(upper);
    }
    let plain: Vec<String> = OPTIONS.iter().filter(|option| option.around_name().is_none()).map(Opt::variable).collect();
    if let Some(near) = did_you_mean(name, plain.iter().map(String::as_str).chain(variables::OWN)) {
        return Some(near.to_owned());
    }
    let named = |option: &&Opt| {
        name.starts_with(option.variable().split('<').next().unwrap_or_default()) && option.around_name().is_some()
    };
    if let Some(family) = OPTIONS.iter().find(named) {
        let lasts: Vec<String> = OPTIONS.iter().filter(named).map(|option| last_part(option).to_ascii_uppercase()).collect();
        let near = name
            .rsplit_once('_')
            .and_then(|(start, last)| Some(format!("{start}_{}", did_you_mean(last, lasts.iter().map(String::as_str))?)));
        return Some(near.filter(|near| variables::path(near).is_some()).unwrap_or_else(|| family.variable()));
    }
    let last = name.strip_prefix("JOBS_")?.to_ascii_lowercase();
    OPTIONS.iter().find(|option| last_part(option) == last).map(Opt::variable)
}

/// What may follow `parent` on the way to `option`: its next part.
fn child(parent: &str, option: &'static Opt) -> Option<&'static str> {
    match option.around_name() {
        Some((before, behind, _)) if parent.len() > before.len() && parent.starts_with(before) => Some(&behind[1..]),
        _ if parent.is_empty() => option.path.split('.').next(),
        _ => option.path.strip_prefix(parent)?.strip_prefix('.').filter(|rest| !rest.starts_with('<')),
    }
}

fn last_part(option: &Opt) -> &'static str {
    option.path.rsplit('.').next().unwrap_or(option.path)
}
