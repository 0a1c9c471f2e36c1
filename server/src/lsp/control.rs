//! The control socket: a terminal of the same user starts a task here, in the same ledger, and sees what becomes of it.
//! Another window's sidecar takes a session that way. JSON-RPC with LSP's framing and three methods. A terminal that does not read, or is gone, holds up nobody: it overhears
//! the owner's messages through a channel that drops the oldest. Ends with the sidecar.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{broadcast, mpsc};
use tower_lsp::jsonrpc;

use super::frames::{Frames, Incoming};
use super::{convert, params};
use crate::clock;
use crate::control;
use crate::ids::{SessionId, TaskId};
use crate::session::effect::Reply;
use crate::session::event::{FileProblems, Request};
use crate::session::moving::Taker;
use crate::session::owner::{Handle, Message};
use crate::task::sockets;
use crate::workspace::environment::Environment;

/// Messages that a terminal may be behind.
const OVERHEARD: usize = 1024;
/// Terminals at a time.
const TERMINALS: usize = 64;

/// Lets others overhear the owner's messages; gives them on as they come.
pub fn overhear(mut messages: mpsc::UnboundedReceiver<Message>) -> (mpsc::UnboundedReceiver<Message>, Overheard) {
    let (forward, onward) = mpsc::unbounded_channel();
    let overheard = broadcast::Sender::new(OVERHEARD);
    let weak = overheard.downgrade();
    tokio::spawn(async move {
        while let Some(message) = messages.recv().await {
            if let Some(overheard) = weak.upgrade().filter(|overheard| overheard.receiver_count() > 0) {
                // A terminal may go away at any time.
                let _ = overheard.send(message.clone());
            }
            if forward.send(message).is_err() {
                break;
            }
        }
    });
    (onward, overheard)
}

/// Where the owner's messages can be overheard.
pub type Overheard = broadcast::Sender<Message>;

/// What a terminal's requests go to.
#[derive(Clone)]
pub struct Served {
    pub owner: Handle,
    pub environment: Environment,
    pub root: PathBuf,
    pub overheard: Overheard,
}

/// The open socket. Dropping it removes it and ends every conversation.
#[derive(Debug)]
pub struct Control {
    paths: Vec<PathBuf>,
    work: tokio::task::AbortHandle,
}

impl Drop for Control {
    fn drop(&mut self) {
        self.work.abort();
        for path in &self.paths {
            // Swept by the next sidecar otherwise.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Opens the socket of this workspace in `dir`, with a name for each further root. The reason where that cannot be; then
/// commands of a terminal run by themselves.
pub fn open(dir: &Path, further_roots: &[PathBuf], served: Served) -> std::io::Result<Control> {
    sockets::private(dir)?;
    control::sweep(dir);
    let pid = std::process::id();
    let path = control::path(dir, &served.root, pid);
    let listener = UnixListener::bind(&path)?;
    let mut paths = vec![path.clone()];
    for root in further_roots {
        let name = control::path(dir, root, pid);
        if std::os::unix::fs::symlink(&path, &name).is_ok() {
            paths.push(name);
        }
    }
    let work = tokio::spawn(accept(listener, Arc::new(served))).abort_handle();
    Ok(Control { paths, work })
}

async fn accept(listener: UnixListener, served: Arc<Served>) {
    let mut terminals = tokio::task::JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                while terminals.try_join_next().is_some() {}
                let is_own = stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw());
                if is_own && terminals.len() < TERMINALS {
                    terminals.spawn(converse(stream, served.clone()));
                }
            }
            Err(error) => {
                // Out of descriptors, most likely: a terminal runs its command by itself meanwhile.
                tracing::warn!(%error, "a terminal could not be let in");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        }
    }
}

/// One terminal, until it goes away; what it started and is not over is stopped then.
async fn converse(stream: UnixStream, served: Arc<Served>) {
    let (read, write) = stream.into_split();
    let (requests, mut asked) = mpsc::channel(16);
    let reader = tokio::spawn(async move {
        let mut frames = Frames::new(BufReader::new(read));
        while let Ok(Some(Incoming::Message(message))) = frames.read().await {
            if requests.send(message).await.is_err() {
                break;
            }
        }
    });
    let mut overheard = served.overheard.subscribe();
    let mut terminal = Terminal { served, write, tasks: HashMap::new() };
    loop {
        let written = tokio::select! {
            request = asked.recv() => match request {
                Some(request) => terminal.answer(&request).await,
                None => break,
            },
            message = overheard.recv() => match message {
                Ok(message) => terminal.tell(message).await,
                Err(broadcast::error::RecvError::Lagged(_)) => terminal.catch_up().await,
                Err(broadcast::error::RecvError::Closed) => break,
            },
        };
        if written.is_err() {
            break;
        }
    }
    reader.abort();
    for (task, _) in terminal.tasks.into_iter().filter(|(_, seen)| seen.is_own) {
        // The stop shows in the task's status; nobody waits for the answer.
        drop(terminal.served.owner.ask(Request::StopTask { task: Some(task) }));
    }
}

struct Terminal<W> {
    served: Arc<Served>,
    write: W,
    /// What it asked for and is not over.
    tasks: HashMap<TaskId, Seen>,
}

/// The run of a task that a terminal sees.
struct Seen {
    run: u32,
    /// It was started for this terminal.
    is_own: bool,
}

/// The parameters of `control/start`.
#[derive(Deserialize)]
struct Start {
    /// As of `pillion/task/start`.
    task: Value,
    /// The whole environment of the terminal.
    environment: BTreeMap<String, String>,
}

/// The parameters of `control/hand_over`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HandOver {
    session_id: String,
    /// The name of the sidecar that takes it, and its client's token.
    owner: String,
    token: Option<String>,
}

impl<W: AsyncWrite + Unpin> Terminal<W> {
    async fn answer(&mut self, request: &Value) -> std::io::Result<()> {
        let params = request["params"].clone();
        let result = match request["method"].as_str() {
            Some(control::START_TASK) => self.start(params).await,
            Some(control::STOP_TASK) => match params::task(params, |task| Request::StopTask { task: Some(task) }) {
                Ok(stop) => self.ask(stop).await.map(|reply| convert::reply(reply, clock::now())),
                Err(error) => Err(error),
            },
            Some(control::HAND_OVER) => match params::typed::<HandOver>(params) {
                Ok(HandOver { session_id, owner, token }) => {
                    let (session, to) = (SessionId(session_id), Taker { owner, token });
                    let given = self.ask(Request::HandOver { session, to }).await;
                    given.map(|reply| convert::reply(reply, clock::now()))
                }
                Err(error) => Err(error),
            },
            _ => Err(jsonrpc::Error::method_not_found()),
        };
        let id = &request["id"];
        let message = match result {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err(error) => json!({"jsonrpc": "2.0", "id": id, "error": error}),
        };
        self.send(&message).await
    }

    async fn start(&mut self, params: Value) -> jsonrpc::Result<Value> {
        let Start { task, environment } = params::typed(params)?;
        let mut request = params::start_task(task, &self.served.root)?;
        if let Request::StartTask(start) = &mut request {
            // What the start itself names counts more.
            let mut variables = self.served.environment.differences(&environment);
            variables.retain(|(name, _)| !start.env.iter().any(|(own, _)| own == name));
            start.env.extend(variables);
            start.tied = true;
        }
        let reply = self.ask(request).await?;
        let seen = match &reply {
            Reply::Task(task) => Some((task, true)),
            // It ran already: shown here too, and not stopped because this terminal goes away.
            Reply::Folded(task) => Some((task, false)),
            _ => None,
        };
        if let Some((task, is_own)) = seen {
            self.tasks.insert(task.id.clone(), Seen { run: task.run, is_own });
        }
        Ok(convert::reply(reply, clock::now()))
    }

    async fn ask(&self, request: Request) -> jsonrpc::Result<Reply> {
        match self.served.owner.ask(request).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(refusal)) => Err(convert::refusal(refusal)),
            Err(_) => Err(jsonrpc::Error::internal_error()),
        }
    }

    fn sees(&self, task: &TaskId, run: u32) -> bool {
        self.tasks.get(task).is_some_and(|seen| seen.run == run)
    }

    /// Tells what concerns this terminal's tasks.
    async fn tell(&mut self, message: Message) -> std::io::Result<()> {
        match message {
            Message::Task { task, now, .. } if self.sees(&task.id, task.run) => {
                if task.status.is_final() {
                    self.tasks.remove(&task.id);
                }
                self.notify(control::TASK, json!({"task": convert::task(&task, now)})).await
            }
            Message::Problems(problems) => self.problems(problems).await,
            _ => Ok(()),
        }
    }

    async fn problems(&mut self, FileProblems { path, problems }: FileProblems) -> std::io::Result<()> {
        let own = problems.iter().filter(|shown| self.sees(&shown.task, shown.run));
        let own: Vec<Value> = own
            .map(|shown| {
                let problem = &shown.problem;
                json!({
                    "line": problem.place.line,
                    "column": problem.place.column,
                    "severity": problem.severity,
                    "test": problem.test,
                    "message": problem.message,
                    "provisional": problem.provisional,
                })
            })
            .collect();
        if own.is_empty() {
            return Ok(());
        }
        self.notify(control::PROBLEMS, json!({"path": path, "problems": own})).await
    }

    /// Messages were missed: the tasks as they are now. (Problems that were missed show in their counts.)
    async fn catch_up(&mut self) -> std::io::Result<()> {
        for task in self.tasks.keys().cloned().collect::<Vec<_>>() {
            if let Ok(Reply::Task(task)) = self.ask(Request::GetTask { task }).await {
                let (seq, now) = (0, clock::now());
                self.tell(Message::Task { seq, task, now }).await?;
            }
        }
        Ok(())
    }

    async fn notify(&mut self, method: &str, params: Value) -> std::io::Result<()> {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params})).await
    }

    async fn send(&mut self, message: &Value) -> std::io::Result<()> {
        let body = message.to_string();
        let frame = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        self.write.write_all(frame.as_bytes()).await
    }
}
