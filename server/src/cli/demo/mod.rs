//! `pillion demo`: the main job, with no editor and no key. A real little project with a slow test suite and a real bug is
//! copied to a temporary folder; the real sidecar runs its real tests; only the model is scripted (or not, with
//! `--provider`). It ends with an error when the story did not come true.

mod play;
mod project;
mod story;
#[cfg(test)]
mod tests;
mod timeline;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};

use self::play::Stage;
pub use self::project::Language;
use crate::cli::terminal::Style;

/// Play the main job: tests in the background, the failure shown while they run, the fix, all green.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct DemoArgs {
    /// A real model instead of the scripted one: `auto`, `anthropic`, …
    #[arg(long)]
    pub provider: Option<String>,
    /// The language of the little project; the first that is installed when unset.
    #[arg(long, value_enum)]
    pub language: Option<Language>,
    /// Keep the project, the state and the log.
    #[arg(long)]
    pub keep: bool,
    /// Only write the little project into this folder, to try things on; it must not exist yet.
    #[arg(long, value_name = "DIR")]
    pub only: Option<PathBuf>,
    /// No colours (as with NO_COLOR).
    #[arg(long)]
    pub no_color: bool,
}

/// Plays the demo on standard output. An error names what did not come true.
pub async fn run(args: DemoArgs) -> anyhow::Result<()> {
    let style = Style::of_stdout(args.no_color);
    let language = match args.language {
        Some(language) => language,
        None => installed().await?,
    };
    let project = language.project();
    if let Some(only) = args.only {
        if only.exists() {
            bail!("{} exists already. Name a folder that does not.", only.display());
        }
        return Ok(project.write(&only)?);
    }
    let mut folder = Folder::create()?;
    let stage = Stage {
        project: folder.path.join("corner-shop"),
        private: folder.path.join("private"),
        own_config: args.provider.is_some(),
        limit: Duration::from_secs(if args.provider.is_some() { 900 } else { 180 }),
        provider: match &args.provider {
            Some(provider) => provider.clone(),
            None => format!("scripted:{}", folder.path.join("private/script.json").display()),
        },
    };
    std::fs::create_dir_all(&stage.private)?;
    project.write(&stage.project)?;
    std::fs::write(stage.private.join("script.json"), project.script().to_string())?;

    let model = args.provider.as_deref().unwrap_or("a script in place of a model");
    println!("A little {} project with slow tests and a bug, in a temporary folder.", project.name);
    println!("The agent is {model}; the sidecar, the tests and the files are real.\n");
    println!("{:>6}  you    {}", "0.0s", timeline::wrapped(project::OPENING, 15));
    // Until the story has come true, its folder shows why not.
    folder.keep = true;
    let story = play::play(&stage, style).await?;
    print!("{}", timeline::end(&story, style));
    let broken: Vec<&str> =
        story.promises().into_iter().filter(|(_, kept)| !kept).map(|(promise, _)| promise).collect();
    if let Some(error) = &story.failed {
        bail!("The agent's turn failed: {error}\nThe project and the log are in {}", folder.path.display());
    }
    if !broken.is_empty() {
        bail!(
            "This did not come true: {}.\nThe project and the log are in {}",
            broken.join("; "),
            folder.path.display()
        );
    }
    folder.keep = args.keep;
    if args.keep {
        println!("The project and the log are in {}", folder.path.display());
    }
    Ok(())
}

/// The first language whose tools are there.
async fn installed() -> anyhow::Result<Language> {
    for language in Language::ALL {
        let [program, args @ ..] = language.project().needs else { continue };
        let status = tokio::process::Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await;
        if status.is_ok_and(|status| status.success()) {
            return Ok(language);
        }
    }
    bail!("The demo runs real tests and found neither cargo nor node nor python3 on the PATH. Install one of them.")
}

/// A temporary folder that goes away with its owner, unless it is kept.
struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    fn create() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("pillion-demo-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        private(&path)?;
        let path = path.canonicalize()?;
        Ok(Self { path, keep: false })
    }
}

fn private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            // What cannot be removed is in the system's temporary folder, and goes with it.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
