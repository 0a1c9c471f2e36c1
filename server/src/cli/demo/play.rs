//! Plays the story: starts the real sidecar, asks it the opening sentence as an editor would, and listens.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::project::OPENING;
use super::story::Story;
use super::timeline;
use crate::cli::client::{Client, RpcError};
use crate::cli::terminal::Style;

/// How long a story that is idle but not over may stay so: something that should have been told was not.
const QUIET: Duration = Duration::from_secs(10);

/// Where and with whom to play.
pub(super) struct Stage {
    pub project: PathBuf,
    /// Of this play alone: state, configuration, the sidecar's log.
    pub private: PathBuf,
    /// `scripted:FILE`, or the provider of the person's choice.
    pub provider: String,
    /// The person's own configuration counts (a key may be there).
    pub own_config: bool,
    /// The longest that the story may take.
    pub limit: Duration,
}

/// Plays to the end and prints each event as it comes.
pub(super) async fn play(stage: &Stage, style: Style) -> anyhow::Result<Story> {
    let mut sidecar = start(stage)?;
    let (Some(stdout), Some(stdin)) = (sidecar.stdout.take(), sidecar.stdin.take()) else {
        bail!("the sidecar has no streams");
    };
    let (client, notifications) = Client::over(stdout, stdin, Box::new(answer));
    let played = listen(stage, style, &client, notifications).await;
    // Its end is a courtesy: the story is told.
    let _ = tokio::time::timeout(Duration::from_secs(5), async {
        let _ = client.request("shutdown", Value::Null).await;
        let _ = client.notify("exit", Value::Null).await;
        let _ = sidecar.wait().await;
    })
    .await;
    played.with_context(|| format!("The sidecar's log is {}", log_of(stage).display()))
}

fn log_of(stage: &Stage) -> PathBuf {
    stage.private.join("sidecar.log")
}

fn start(stage: &Stage) -> anyhow::Result<Child> {
    let exe = std::env::current_exe().context("where this program lies")?;
    let log = std::fs::File::create(log_of(stage)).context("the sidecar's log")?;
    let mut command = Command::new(&exe);
    command
        .args(["serve", "--stdio"])
        .current_dir(&stage.project)
        .env("PILLION_PROVIDER", &stage.provider)
        .env("XDG_STATE_HOME", stage.private.join("state"))
        .env_remove("CARGO_TARGET_DIR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true);
    if !stage.own_config {
        command.env("XDG_CONFIG_HOME", stage.private.join("config"));
    }
    command.spawn().with_context(|| format!("{} serve", exe.display()))
}

/// What an editor would answer.
fn answer(method: &str, params: &Value) -> Result<Value, RpcError> {
    match method {
        // In the mode `auto` nothing asks; what asks all the same gets its first "yes".
        "pillion/session/request_permission" => {
            let options = params["options"].as_array().cloned().unwrap_or_default();
            let once = options.iter().find(|option| option["kind"] == "allow_once");
            Ok(match once {
                Some(option) => json!({"outcome": {"outcome": "selected", "optionId": option["optionId"]}}),
                None => json!({"outcome": {"outcome": "cancelled"}}),
            })
        }
        "pillion/document/save" => Ok(json!({"saved": [], "failed": []})),
        "workspace/applyEdit" => Ok(json!({"applied": false, "failureReason": "no document is open"})),
        "workspace/configuration" => {
            Ok(params["items"].as_array().map(|items| items.iter().map(|_| Value::Null).collect()).unwrap_or_default())
        }
        "window/showDocument" => Ok(json!({"success": false})),
        "client/registerCapability"
        | "client/unregisterCapability"
        | "window/workDoneProgress/create"
        | "window/showMessageRequest" => Ok(Value::Null),
        _ => Err(RpcError::unknown_method(method)),
    }
}

async fn listen(
    stage: &Stage,
    style: Style,
    client: &Client,
    mut notifications: tokio::sync::mpsc::UnboundedReceiver<crate::cli::client::Notification>,
) -> anyhow::Result<Story> {
    client.request("initialize", initialize(&stage.project)).await?;
    client.notify("initialized", json!({})).await?;
    let session = client
        .request("pillion/session/new", json!({"cwd": stage.project.display().to_string(), "mode": "auto"}))
        .await?;
    let session = session["sessionId"].clone();
    let began = Instant::now();
    let mut story = Story::new(&stage.project.display().to_string());
    let mut told = 0;
    let prompt = json!({"sessionId": session, "prompt": [{"type": "text", "text": OPENING}]});
    client.request("pillion/session/prompt", prompt).await?;
    while !story.is_over() {
        let left = stage.limit.checked_sub(began.elapsed()).context("The story took too long.")?;
        let patience = if story.is_idle() { left.min(QUIET) } else { left };
        match tokio::time::timeout(patience, notifications.recv()).await {
            Ok(Some(notification)) => {
                let now = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                story.apply(now, &notification.method, &notification.params);
            }
            Ok(None) => bail!("The sidecar went away in the middle of the story."),
            // Idle, and nothing more comes: the promises say what is missing.
            Err(_) if story.is_idle() => break,
            Err(_) => bail!("The story took too long."),
        }
        for (when, event) in &story.events[told..] {
            println!("{}", timeline::line(*when, event, style));
        }
        told = story.events.len();
        if story.failed.is_some() {
            break;
        }
    }
    Ok(story)
}

fn initialize(project: &Path) -> Value {
    let uri = uri_of(project);
    json!({
        "processId": std::process::id(),
        "clientInfo": {"name": "pillion demo"},
        "rootUri": uri,
        "workspaceFolders": [{"uri": uri, "name": "demo"}],
        "capabilities": {
            "textDocument": {"publishDiagnostics": {"relatedInformation": true, "dataSupport": true}},
            "window": {"workDoneProgress": false},
            "experimental": {"pillion": {
                "version": 1, "sessionUpdates": true, "requestPermission": true, "documentSave": false,
                "clientToken": uuid::Uuid::now_v7().to_string(),
            }},
        },
    })
}

/// A `file:` URI: what is neither a letter, a digit nor one of `/-._~` is escaped.
fn uri_of(path: &Path) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt as _;
    let mut uri = "file://".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(*byte)),
            // Writing to a String cannot fail.
            byte => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri
}
