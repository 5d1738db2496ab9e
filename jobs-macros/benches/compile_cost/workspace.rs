//! The workspace that is measured: written anew, and compiled by the cargo that runs this program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::items::{Style, source};

/// The crates whose own compilation is measured.
pub const CRATES: [&str; 3] = ["with_job", "plain_fns", "with_derive"];

/// The crates whose dependencies are measured: they are empty.
pub const MACROS: [&str; 2] = ["macro_crate", "syn_alone"];

/// Variables that would change what is measured.
const REMOVED: [&str; 6] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET",
];

pub struct Workspace {
    folder: PathBuf,
}

impl Workspace {
    /// Writes it under the folder of the build.
    pub fn write(jobs: usize) -> Result<Self, String> {
        let target = option_env!("CARGO_TARGET_TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let workspace = Self { folder: target.join("compile_cost") };
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("this package stands in no workspace")?;
        workspace.put("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n")?;
        let lock = project.join("Cargo.lock");
        workspace.put("Cargo.lock", &fs::read_to_string(&lock).map_err(|error| format!("{}: {error}", lock.display()))?)?;

        let runtime = format!("jobs-runtime = {{ path = '{}/jobs-runtime', default-features = false }}", project.display());
        let with_serde = format!("{runtime}\nserde = {{ version = \"1\", features = [\"derive\"] }}");
        let macros = format!("jobs-macros = {{ path = '{}/jobs-macros' }}", project.display());
        let all = [&*runtime, &*runtime, &*with_serde, &*macros, &*syn(project)?];
        for (name, dependencies) in CRATES.into_iter().chain(MACROS).zip(all) {
            let manifest = format!(
                "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}\n"
            );
            workspace.put(&format!("crates/{name}/Cargo.toml"), &manifest)?;
            workspace.change(name, jobs, 0)?;
        }
        Ok(workspace)
    }

    fn put(&self, file: &str, text: &str) -> Result<(), String> {
        let path = self.folder.join(file);
        let folder = path.parent().unwrap_or(&self.folder);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, text));
        written.map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Writes the source of a crate, which then is to be compiled again.
    pub fn change(&self, name: &str, jobs: usize, round: usize) -> Result<(), String> {
        let text = match name {
            "with_job" => source(Style::Attribute, jobs),
            "plain_fns" => source(Style::Plain, jobs),
            "with_derive" => source(Style::Derived, jobs),
            _ => String::new(),
        };
        self.put(&format!("crates/{name}/src/lib.rs"), &format!("// Round {round}.\n{text}"))
    }

    /// Compiles everything once, so that from now on only what has changed is compiled.
    pub fn build_dependencies(&self) -> Result<(), String> {
        for command in ["check", "build"] {
            let packages = CRATES.iter().flat_map(|name| ["-p", *name]);
            run(self.command(command, "target").args(packages))?;
        }
        Ok(())
    }

    /// Runs `cargo check` or `cargo build` on one crate.
    pub fn cargo(&self, command: &str, name: &str) -> Result<(), String> {
        run(self.command(command, "target").args(["-p", name]))
    }

    /// Builds a crate and all its dependencies.
    pub fn build_from_nothing(&self, name: &str) -> Result<(), String> {
        let fresh = self.folder.join("fresh");
        if fresh.exists() {
            fs::remove_dir_all(&fresh).map_err(|error| format!("{}: {error}", fresh.display()))?;
        }
        run(self.command("build", "fresh").args(["-p", name]))
    }

    fn command(&self, command: &str, target: &str) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args([command, "--offline", "--quiet", "--target-dir", target]).current_dir(&self.folder);
        cargo.env("CARGO_INCREMENTAL", "0");
        for variable in REMOVED {
            cargo.env_remove(variable);
        }
        cargo
    }
}

fn run(cargo: &mut Command) -> Result<(), String> {
    match cargo.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("cargo failed, as it says above; it works offline, so run `cargo fetch` before".to_owned()),
        Err(error) => Err(format!("cargo cannot be started: {error}")),
    }
}

/// What the workspace says of `syn`, features and all.
fn syn(project: &Path) -> Result<String, String> {
    let manifest = project.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
    let line = text.lines().find(|line| line.starts_with("syn = "));
    line.map(str::to_owned).ok_or_else(|| format!("{} has no line for syn", manifest.display()))
}
