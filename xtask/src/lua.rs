//! The format and the cleanliness of the plugin's Lua: `lua/check.mjs` does it, with StyLua and a Lua parser under Node.

use anyhow::Result;

use crate::command::{expect_success, program};
use crate::repository;
use crate::tools::Tools;

/// An error when a Lua file of the plugin is not formatted or not clean.
pub fn check(tools: &Tools) -> Result<()> {
    run(tools, &[])
}

/// Formats Rust and Lua in place.
pub fn format_everything() -> Result<()> {
    expect_success(program("cargo").args(["fmt", "--all"]))?;
    run(&Tools::install()?, &["--write"])
}

fn run(tools: &Tools, arguments: &[&str]) -> Result<()> {
    let script = repository::xtask().join("lua").join("check.mjs");
    expect_success(
        program(&tools.node)
            .arg(script)
            .args(arguments)
            .arg(repository::nvim_plugin())
            .env("PILLION_NODE_PACKAGES", &tools.node_packages),
    )?;
    Ok(())
}

/// A Lua string literal.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
