//! Which rusqlite a program gets beside the database crates that it has already: only one crate of a program may link SQLite, so ours
//! must resolve beside all of them. Cargo resolves a small package for each, of which nothing is built.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::thread;

use tempfile::TempDir;

/// A program's other dependencies, and the SQLite that it must get with them.
struct Program {
    name: &'static str,
    dependencies: &'static str,
    /// Whether several connections may use a file, which takes SQLite 3.51.3. Else the store is the only connection.
    many: bool,
}

/// What sqlx 0.8 and sea-orm 1 allow is what was newest in their time. All others may go on to newer ones, but never back.
const PROGRAMS: &[Program] = &[
    Program { name: "jobs alone", dependencies: "", many: true },
    Program { name: "rusqlite", dependencies: r#"rusqlite = "*""#, many: true },
    Program { name: "sqlx 0.8, PostgreSQL", dependencies: r#"sqlx = { version = "0.8", features = ["postgres"] }"#, many: false },
    Program { name: "sqlx 0.8, SQLite", dependencies: r#"sqlx = { version = "0.8", features = ["sqlite"] }"#, many: false },
    Program { name: "sqlx 0.9, PostgreSQL", dependencies: r#"sqlx = { version = "0.9", features = ["postgres"] }"#, many: true },
    Program { name: "sqlx 0.9, SQLite", dependencies: r#"sqlx = { version = "0.9", features = ["sqlite"] }"#, many: true },
    Program {
        name: "sea-orm 1, PostgreSQL",
        dependencies: r#"sea-orm = { version = "1.1", features = ["runtime-tokio-rustls", "sqlx-postgres"] }"#,
        many: false,
    },
    Program {
        name: "sea-orm 1, SQLite",
        dependencies: r#"sea-orm = { version = "1.1", features = ["runtime-tokio-rustls", "sqlx-sqlite"] }"#,
        many: false,
    },
    Program {
        name: "sea-orm 2, PostgreSQL",
        dependencies: r#"sea-orm = { version = "2", features = ["runtime-tokio", "sqlx-postgres"] }"#,
        many: true,
    },
    Program {
        name: "sea-orm 2, SQLite",
        dependencies: r#"sea-orm = { version = "2", features = ["runtime-tokio", "sqlx-sqlite"] }"#,
        many: true,
    },
    Program { name: "diesel, SQLite", dependencies: r#"diesel = { version = "2.3", features = ["sqlite"] }"#, many: true },
    Program { name: "loco", dependencies: r#"loco-rs = "1.2""#, many: true },
];

/// The versions that Cargo has chosen.
#[derive(Debug)]
struct Chosen {
    rusqlite: [u64; 3],
    libsqlite3_sys: [u64; 3],
}

#[test]
fn beside_every_database_crate_there_is_one_sqlite() {
    let resolved: Vec<_> = thread::scope(|scope| {
        let started: Vec<_> = PROGRAMS.iter().map(|program| scope.spawn(|| resolve(program.dependencies))).collect();
        started.into_iter().map(|thread| thread.join().expect("it resolves or says why")).collect()
    });
    let mut table = String::new();
    let mut wrong = Vec::new();
    for (program, chosen) in PROGRAMS.iter().zip(&resolved) {
        let cell = chosen.as_ref().map_or("does not resolve".to_owned(), |chosen| {
            format!("rusqlite {}, libsqlite3-sys {}", text(chosen.rusqlite), text(chosen.libsqlite3_sys))
        });
        writeln!(table, "{:22} {cell}", program.name).expect("a string takes all");
        wrong.extend(problem(program, chosen).map(|problem| format!("{}: {problem}", program.name)));
    }
    println!("{table}");
    assert!(wrong.is_empty(), "{}\n{table}", wrong.join("\n"));
}

fn text([major, minor, patch]: [u64; 3]) -> String {
    format!("{major}.{minor}.{patch}")
}

fn problem(program: &Program, chosen: &Result<Chosen, String>) -> Option<String> {
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(problem) => return Some(problem.clone()),
    };
    // The first libsqlite3-sys that comes with SQLite 3.51.3.
    let many = chosen.libsqlite3_sys >= [0, 37, 0];
    (program.many && !many).then(|| format!("several connections may not use a file: {chosen:?}"))
}

/// Lets Cargo choose the versions for a program that has jobs and these dependencies.
fn resolve(dependencies: &str) -> Result<Chosen, String> {
    let folder = TempDir::new().map_err(|error| error.to_string())?;
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jobs-runtime");
    let manifest = format!(
        "[workspace]\n\n[package]\nname = \"program\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[lib]\npath = \"lib.rs\"\n\n\
         [dependencies]\njobs-runtime.path = '{}'\n{dependencies}\n",
        runtime.display()
    );
    std::fs::write(folder.path().join("Cargo.toml"), manifest).map_err(|error| error.to_string())?;
    std::fs::write(folder.path().join("lib.rs"), "").map_err(|error| error.to_string())?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let output = cargo.args(["generate-lockfile", "--quiet"]).current_dir(folder.path()).output();
    let output = output.map_err(|error| format!("cargo does not start: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let lock = std::fs::read_to_string(folder.path().join("Cargo.lock")).map_err(|error| error.to_string())?;
    Ok(Chosen { rusqlite: the_one("rusqlite", &lock)?, libsqlite3_sys: the_one("libsqlite3-sys", &lock)? })
}

/// The version of a package of which there is one.
fn the_one(name: &str, lock: &str) -> Result<[u64; 3], String> {
    let entry = format!("name = \"{name}\"\nversion = \"");
    let versions: Vec<&str> = lock.split(&entry).skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let [version] = versions[..] else { return Err(format!("{name} is there in the versions {versions:?}")) };
    let version = version.split_once('+').map_or(version, |(version, _)| version);
    let parts: Vec<u64> = version.split('.').map_while(|part| part.parse().ok()).collect();
    parts.try_into().map_err(|_| format!("{name} has the version {version}"))
}
