//! Which jobs a program finds: real builds of the programs in `linking/`, which name the crates with their jobs in every way there is,
//! with every profile that decides on what is linked.
//!
//! The programs are a workspace of their own, built offline with the versions of ours into a folder that is kept, so only what has
//! changed is built again. `linking/show` is what they print.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// A program, and what it prints.
struct Program {
    name: &'static str,
    kinds: &'static [&'static str],
    says: &'static [&'static str],
    passes: bool,
}

/// The jobs of `linking/my_jobs`.
const ALL: &[&str] = &["at_the_root", "by_a_macro", "in_a_fn", "in_a_module", "private_and_scheduled"];

/// What a program that finds nothing is told.
const NOTHING: &[&str] =
    &["error: no jobs are linked into this program", "jobs_runtime::jobs!(that_crate);", "use that_crate as _;"];

/// What a program is told in whose store a job of a kind waits that it has not.
const WAITING: &[&str] =
    &["warning: jobs of the kind `at_the_root` wait", "jobs_runtime::jobs!(that_crate);", "aliases = [\"at_the_root\"]"];

/// What a test is told when a crate of its list is no longer named.
const LOST: &[&str] =
    &["- at_the_root(to: String, copies: Option<Vec<u8>>) queue = \"default\"", "jobs_runtime::jobs!(that_crate);"];

const fn finds(name: &'static str, kinds: &'static [&'static str]) -> Program {
    Program { name, kinds, says: &[], passes: true }
}

const fn is_told(name: &'static str, says: &'static [&'static str]) -> Program {
    Program { name, kinds: &[], says, passes: true }
}

/// The programs that are built with every profile.
const EVERYWHERE: &[Program] = &[
    finds("in_the_binary", ALL),
    finds("named_by_jobs", ALL),
    finds("by_an_open_facade", ALL),
    is_told("not_named", NOTHING),
    is_told("by_a_silent_facade", NOTHING),
];

/// The programs that are built where the link is cheap. They start a whole runtime.
const ALSO: &[Program] = &[
    finds("named_by_use", ALL),
    finds("named_by_a_path", ALL),
    Program { name: "partly", kinds: &["bill"], says: WAITING, passes: true },
    finds("example_named", ALL),
    is_told("example_not_named", NOTHING),
    finds("test_named", ALL),
    is_told("test_not_named", NOTHING),
    is_told("listed", &["test result: ok"]),
    Program { name: "listed_but_lost", kinds: &[], says: LOST, passes: false },
];

/// A way to build the programs.
struct Profile {
    name: &'static str,
    arguments: &'static [&'static str],
    cheap: bool,
}

/// Thin link-time optimisation would take a third of a minute for each program if it also optimised: the programs' own level is that of
/// the link.
const PROFILES: &[Profile] = &[
    Profile { name: "debug", arguments: &[], cheap: true },
    Profile { name: "release", arguments: &["--release"], cheap: true },
    Profile { name: "one codegen unit", arguments: &["--release", "--config=profile.release.codegen-units=1"], cheap: true },
    Profile { name: "strip", arguments: &["--release", "--config=profile.release.strip='symbols'"], cheap: true },
    Profile {
        name: "thin LTO",
        arguments: &["--release", "--config=profile.release.lto='thin'", "--config=profile.release.opt-level=0"],
        cheap: false,
    },
    Profile {
        name: "fat LTO, one codegen unit, strip",
        arguments: &[
            "--release",
            "--config=profile.release.lto='fat'",
            "--config=profile.release.opt-level=1",
            "--config=profile.release.codegen-units=1",
            "--config=profile.release.strip='symbols'",
        ],
        cheap: false,
    },
];

#[test]
fn every_build_finds_the_same_jobs_or_says_what_to_do() {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("linking");
    // Cargo takes out what is not needed, and so resolves nothing anew.
    std::fs::copy(programs.join("../../Cargo.lock"), programs.join("Cargo.lock")).expect("the lock file is copied");
    let wrong: Vec<String> = PROFILES.iter().flat_map(|profile| problems(&programs, profile)).collect();
    assert!(wrong.is_empty(), "{} of the matrix is wrong:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

/// Builds and runs the programs of a profile, and prints how each has done. Answers what is not as expected.
fn problems(programs: &Path, profile: &Profile) -> Vec<String> {
    let start = Instant::now();
    let executables = match build(programs, profile) {
        Ok(executables) => executables,
        Err(problem) => return vec![format!("{}: {problem}", profile.name)],
    };
    println!("{:32}  built in {} ms", profile.name, start.elapsed().as_millis());
    let mut problems = Vec::new();
    for program in EVERYWHERE.iter().chain(ALSO.iter().filter(|_| profile.cheap)) {
        let result = executables.get(program.name).map_or(Err("it was not built".to_owned()), |path| run(path, program));
        println!("{:32}  {:20}  {}", profile.name, program.name, if result.is_ok() { "as expected" } else { "WRONG" });
        problems.extend(result.err().map(|problem| format!("{}, {}: {problem}", profile.name, program.name)));
    }
    problems
}

/// Builds all programs of a profile in one go. Answers where they are, by name.
fn build(programs: &Path, profile: &Profile) -> Result<BTreeMap<String, PathBuf>, String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--workspace", "--offline", "--quiet", "--message-format=json-render-diagnostics"]);
    cargo.arg("--target-dir").arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("linking")).args(profile.arguments);
    if profile.cheap {
        cargo.args(["--bins", "--examples", "--test=*"]);
    } else {
        cargo.args(EVERYWHERE.iter().map(|program| format!("--bin={}", program.name)));
    }
    let output = cargo.current_dir(programs).output().map_err(|error| format!("cargo does not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo fails:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let executables = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        Some((message["target"]["name"].as_str()?.to_owned(), message["executable"].as_str()?.into()))
    });
    Ok(executables.collect())
}

/// Runs a program, and compares what it prints.
fn run(path: &Path, program: &Program) -> Result<(), String> {
    let mut command = Command::new(path);
    if path.parent().is_some_and(|folder| folder.ends_with("deps")) {
        // A test prints what the others do only if it is asked to.
        command.arg("--nocapture");
    }
    let output = command.output().map_err(|error| format!("it does not start: {error}"))?;
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    let kinds: Vec<&str> = printed.lines().filter_map(|line| line.split_once("job: ").map(|(_, kind)| kind)).collect();
    let missing: Vec<&&str> = program.says.iter().filter(|part| !printed.contains(**part)).collect();
    if kinds == program.kinds && missing.is_empty() && output.status.success() == program.passes {
        return Ok(());
    }
    Err(format!(
        "expected the jobs {:?} and {missing:?} in what it says; {}, it printed:\n{printed}",
        program.kinds, output.status
    ))
}
