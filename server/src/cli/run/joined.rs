//! A task in the ledger of the sidecar whose workspace this is: asks for it over the control socket, and hears of it there.
//! When this process goes away, the sidecar stops the task.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use super::Wanted;
use super::news::{Found, News, Row, Task};
use crate::cli::client::{Client, Notification, RpcError};
use crate::config::Config;
use crate::control;
use crate::task::model::Status;

/// How long a sidecar may take to say that it started the task.
const ANSWER: Duration = Duration::from_secs(10);

/// Starts the task in the nearest sidecar; `None` where none is there.
pub(super) async fn start(
    config: &Config,
    wanted: &Wanted,
    environment: Vec<(String, String)>,
) -> anyhow::Result<Option<Task>> {
    let Some(stream) = connect(&config.socket_dir(), &wanted.cwd).await else { return Ok(None) };
    let (read, write) = stream.into_split();
    let answers = Box::new(|method: &str, _: &Value| Err(RpcError::unknown_method(method)));
    let (client, notifications) = Client::over(read, write, answers);
    let environment: BTreeMap<String, String> = environment.into_iter().collect();
    let params = json!({
        "task": {
            "command": wanted.command,
            "cwd": wanted.cwd,
            "group": wanted.group.map(|group| group.as_str()),
            "label": wanted.label,
            "timeoutMs": wanted.timeout_ms,
        },
        "environment": environment,
    });
    let asked = tokio::time::timeout(ANSWER, client.request(control::START_TASK, params)).await;
    let answer = asked.context("the sidecar of this workspace does not answer")??;
    let Some(id) = answer["task"]["id"].as_str().map(str::to_owned) else { bail!("the sidecar named no task") };
    let (tell, news) = mpsc::unbounded_channel();
    let (stops, mut stopped) = mpsc::unbounded_channel();
    tell_row(&answer["task"], &tell);
    tokio::spawn(hear(notifications, tell));
    tokio::spawn(async move {
        while stopped.recv().await.is_some() {
            // A sidecar that is gone shows as the end of its news.
            let _ = client.request(control::STOP_TASK, json!({"taskId": id})).await;
        }
    });
    Ok(Some(Task { news, stops, work: None }))
}

/// The nearest sidecar that is there.
async fn connect(dir: &Path, cwd: &Path) -> Option<UnixStream> {
    for path in control::candidates(dir, cwd) {
        let Ok(stream) = UnixStream::connect(&path).await else { continue };
        // Whoever can put a socket there is this user, unless the folder is not what it should be.
        if stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw()) {
            return Some(stream);
        }
    }
    None
}

async fn hear(mut notifications: mpsc::UnboundedReceiver<Notification>, tell: mpsc::UnboundedSender<News>) {
    while let Some(Notification { method, params }) = notifications.recv().await {
        match method.as_str() {
            control::TASK => tell_row(&params["task"], &tell),
            control::PROBLEMS => {
                // The view ends when the task does.
                let _ = tell.send(News::Found(found(&params)));
            }
            _ => {}
        }
    }
}

fn tell_row(task: &Value, tell: &mpsc::UnboundedSender<News>) {
    if let Some(row) = row(task) {
        let _ = tell.send(News::Row(Box::new(row)));
    }
}

/// A task of the wire; `None` for a status that this version does not know.
fn row(task: &Value) -> Option<Row> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let number = |value: &Value| value.as_i64().and_then(|number| i32::try_from(number).ok());
    let waiting = text(&task["waitingFor"]["kind"]).map(|kind| format!("waiting for {kind}"));
    Some(Row {
        label: text(&task["label"]).unwrap_or_default(),
        status: Status::parse(task["status"].as_str()?)?,
        stopping: task["stopping"] == true,
        exit_code: number(&task["exitCode"]),
        signal: number(&task["signal"]),
        elapsed_ms: task["elapsedMs"].as_u64().unwrap_or(0),
        message: waiting.or_else(|| text(&task["progress"]["message"])),
        summary: text(&task["summary"]),
        stragglers: task["stragglers"].as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
        output: text(&task["output"]["path"]).unwrap_or_default().into(),
    })
}

fn found(params: &Value) -> Vec<Found> {
    let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
    let problem = |problem: &Value| {
        Some(Found {
            path: params["path"].as_str()?.into(),
            line: number(&problem["line"]),
            column: number(&problem["column"]),
            severity: serde_json::from_value(problem["severity"].clone()).ok()?,
            test: problem["test"].as_str().map(str::to_owned),
            message: problem["message"].as_str()?.to_owned(),
            provisional: problem["provisional"] == true,
        })
    };
    params["problems"].as_array().into_iter().flatten().filter_map(problem).collect()
}
