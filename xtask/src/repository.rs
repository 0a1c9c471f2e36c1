//! Where things are: the repository, the build's folder, the tools' folder. Knows no command.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// This package's folder: as `cargo run` tells it, so that a repository that was moved or a shared build folder is no matter.
pub fn xtask() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()).into()
}

/// The repository's root.
pub fn root() -> PathBuf {
    let xtask = xtask();
    xtask.parent().map_or_else(|| xtask.clone(), Path::to_owned)
}

/// The build's folder, whatever the settings call it: this very program lies in `TARGET/debug`.
pub fn target() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell where xtask itself lies")?;
    let folder = program.ancestors().nth(2).context("xtask does not lie in a build folder")?;
    Ok(folder.to_owned())
}

/// What the checks install.
pub fn tools() -> Result<PathBuf> {
    Ok(target()?.join("tools"))
}

/// The development build of the sidecar.
pub fn pillion() -> Result<PathBuf> {
    Ok(target()?.join("debug").join(format!("pillion{}", std::env::consts::EXE_SUFFIX)))
}

/// The Neovim plugin.
pub fn nvim_plugin() -> PathBuf {
    root().join("editors").join("nvim")
}
