//! `cargo xtask try`: Neovim on a fresh copy of the demo project, with this repository's plugin and this build. The
//! person's own Neovim configuration is neither read nor changed, and the state is a fresh one; keys are found as usual.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::command::{expect_success, program};
use crate::tools::Tools;
use crate::{lua, repository};

/// Opens the editor; further arguments go to it.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let arguments = arguments.strip_prefix(&["--".to_owned()]).unwrap_or(arguments);
    expect_success(program("cargo").args(["build", "--package", "pillion"]))?;
    let tools = Tools::install()?;
    // Outside of this repository: its own git folder and Cargo workspace would count as the project's.
    let project = std::env::temp_dir().join("pillion-try").join("corner-shop");
    if project.exists() {
        std::fs::remove_dir_all(&project)?;
    }
    std::fs::create_dir_all(project.parent().context("the project's folder has a parent")?)?;
    expect_success(
        std::process::Command::new(repository::pillion()?).args(["demo", "--language", "rust", "--only"]).arg(&project),
    )?;
    let plugin = lua::quoted(&repository::nvim_plugin().to_string_lossy());
    let binary = lua::quoted(&repository::pillion()?.to_string_lossy());
    let mut editor = std::process::Command::new(&tools.nvim);
    editor
        .current_dir(&project)
        .env("XDG_STATE_HOME", project.with_file_name("state"))
        .arg("--clean")
        .args(["--cmd", &format!("lua vim.opt.runtimepath:prepend({plugin})")])
        .args(["-c", &format!("lua require('pillion').setup({{ cmd = {{ {binary} }} }})")])
        .args(arguments);
    if arguments.is_empty() {
        editor.arg("src/lib.rs");
    }
    let status = editor.status().with_context(|| format!("cannot run {}", tools.nvim.display()))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
