//! What a `#[job]` costs to compile, beside the same fns without it and beside a macro that would derive with serde.
//!
//! `cargo bench -p jobs-macros --bench compile_cost` writes a small workspace under the folder of the build, with the versions of
//! the `Cargo.lock` and without the network, and prints a table: user seconds of `cargo check` and of `cargo build` for each of its
//! crates alone, not incremental, its dependencies built beforehand; then the macro's own build. Rounds are interleaved and the
//! least of them counts, since whatever else the machine does only adds. `--rounds N` (3), `--jobs N` (200).

#![allow(unreachable_pub, missing_docs, reason = "a program, not a library")]

mod items;
mod report;
mod user_time;
mod workspace;

use std::process::ExitCode;

use report::Report;
use workspace::Workspace;

/// What is measured, and how often.
struct Plan {
    rounds: usize,
    jobs: usize,
}

fn plan(arguments: &[String]) -> Plan {
    let value = |name: &str, default: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        let value = at.and_then(|at| arguments.get(at + 1)).and_then(|text| text.parse().ok());
        value.filter(|value| *value > 0).unwrap_or(default)
    };
    Plan { rounds: value("--rounds", 3), jobs: value("--jobs", 200) }
}

fn main() -> ExitCode {
    let plan = plan(&std::env::args().collect::<Vec<_>>());
    match measure(&plan) {
        Ok(report) => {
            report.print();
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("compile_cost: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(plan: &Plan) -> Result<Report, String> {
    user_time::of_children()?;
    let workspace = Workspace::write(plan.jobs)?;
    eprintln!("building the dependencies");
    workspace.build_dependencies()?;
    let mut report = Report::new(plan.jobs, plan.rounds);
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        for name in workspace::CRATES {
            for command in ["check", "build"] {
                workspace.change(name, plan.jobs, round)?;
                report.add(name, command, user_time::of(|| workspace.cargo(command, name))?);
            }
        }
        for name in workspace::MACROS {
            report.add(name, "build", user_time::of(|| workspace.build_from_nothing(name))?);
        }
    }
    Ok(report)
}
