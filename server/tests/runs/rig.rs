//! A supervisor over the real binary, and what tests ask of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pillion::ids::TaskId;
use pillion::task::model::{OnClose, Stdin};
use pillion::task::run::{Listen, RunControl, RunEnd, RunEvent, RunId, RunSpec};
use pillion::task::shared::Custody;
use pillion::task::supervisor::Supervisor;
use tokio::sync::{mpsc, oneshot};

/// Long enough for any machine: only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Rig {
    pub supervisor: Supervisor,
    events: mpsc::UnboundedReceiver<(RunId, RunEvent)>,
    pub folder: tempfile::TempDir,
    /// In the environment of every command of this rig.
    mark: String,
    runs: u32,
}

impl Rig {
    pub fn new() -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let supervisor = Supervisor::new(sender).with_shim(PathBuf::from(env!("CARGO_BIN_EXE_pillion")));
        let mark = uuid::Uuid::now_v7().to_string();
        Self { supervisor, events, folder: tempfile::tempdir().unwrap(), mark, runs: 0 }
    }

    /// Its runs can be taken over, for so long by the client of this token alone.
    pub fn handing_over(token: &str, grace: Duration) -> Self {
        let rig = Self::new();
        rig.custody(token, grace, &[]);
        rig
    }

    pub fn custody(&self, token: &str, grace: Duration, keep_daemons: &[&str]) {
        self.supervisor.set_custody(Custody {
            sockets: Some(self.sockets()),
            grace,
            token: Some(token.to_owned()),
            keep_daemons: keep_daemons.iter().map(ToString::to_string).collect(),
        });
    }

    /// The folder of the shims' sockets.
    pub fn sockets(&self) -> PathBuf {
        let folder = self.folder.path().join("s");
        pillion::task::sockets::prepare(&folder).unwrap();
        folder
    }

    /// The sidecar goes away, and another one comes.
    pub fn reload(&mut self, token: &str, grace: Duration) {
        let (sender, events) = mpsc::unbounded_channel();
        self.supervisor = Supervisor::new(sender).with_shim(PathBuf::from(env!("CARGO_BIN_EXE_pillion")));
        self.events = events;
        self.custody(token, grace, &[]);
    }

    pub fn spec(&mut self, command: &str) -> RunSpec {
        self.runs += 1;
        let path = std::env::var("PATH").unwrap();
        RunSpec {
            id: RunId { task: TaskId(format!("t{}", self.runs)), run: 1 },
            command: command.to_owned(),
            cwd: self.folder.path().to_owned(),
            env: vec![("PATH".to_owned(), path), ("RIG".to_owned(), self.mark.clone())],
            stdin: Stdin::Null,
            timeout: None,
            stop_grace: Duration::from_millis(300),
            stall_after: Duration::from_secs(45),
            output_cap: 1 << 30,
            output_total: 1 << 33,
            dir: self.folder.path().join(format!("run{}", self.runs)),
            root: self.folder.path().to_owned(),
            path_map: Vec::new().into(),
            matchers: Vec::new(),
            listen: Listen::default(),
            on_close: OnClose::Grace,
        }
    }

    pub fn start(&mut self, command: &str) -> RunId {
        let spec = self.spec(command);
        self.start_spec(spec)
    }

    pub fn start_spec(&mut self, spec: RunSpec) -> RunId {
        let id = spec.id.clone();
        self.supervisor.start(spec);
        id
    }

    pub fn output(&self, id: &RunId) -> PathBuf {
        self.folder.path().join(id.task.as_str().replace('t', "run")).join("output")
    }

    pub fn stop(&mut self, id: &RunId) {
        self.supervisor.control(id, RunControl::Stop).unwrap();
    }

    pub fn input(&mut self, id: &RunId, text: &str, eof: bool) -> Result<(), String> {
        self.supervisor.control(id, RunControl::Input { text: text.to_owned(), eof })
    }

    /// The next event of any run.
    pub async fn event(&mut self) -> (RunId, RunEvent) {
        tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("no event came").expect("no event will come")
    }

    /// Events until one is what is looked for.
    pub async fn until<T>(&mut self, mut wanted: impl FnMut(&RunEvent) -> Option<T>) -> T {
        loop {
            let (id, event) = self.event().await;
            if let Some(found) = wanted(&event) {
                return found;
            }
            assert!(!matches!(event, RunEvent::Ended(_)), "{id:?} ended without what was awaited: {event:?}");
        }
    }

    pub async fn started(&mut self) -> u32 {
        self.until(|event| match event {
            RunEvent::Started { pid, .. } => Some(*pid),
            _ => None,
        })
        .await
    }

    /// Until the last line of the output is this one.
    pub async fn line(&mut self, wanted: &str) {
        self.until(|event| matches!(event, RunEvent::Output { last_line, .. } if last_line == wanted).then_some(()))
            .await;
    }

    pub async fn end(&mut self) -> RunEnd {
        self.until(|event| match event {
            RunEvent::Ended(end) => Some(end.clone()),
            _ => None,
        })
        .await
    }

    /// The whole life of a command.
    pub async fn run(&mut self, command: &str) -> RunEnd {
        self.start(command);
        self.end().await
    }

    /// The living processes of this rig's commands.
    pub fn living(&self) -> Vec<String> {
        living(&format!("RIG={}", self.mark))
    }

    /// Drops the supervisor and returns what it still had to say.
    pub fn close(self) -> (Vec<RunEvent>, tempfile::TempDir) {
        let Self { supervisor, mut events, folder, .. } = self;
        drop(supervisor);
        let mut rest = Vec::new();
        while let Ok((_, event)) = events.try_recv() {
            rest.push(event);
        }
        (rest, folder)
    }
}

/// The command lines of the processes with this in their environment.
fn living(entry: &str) -> Vec<String> {
    let carries = |folder: &Path| {
        let environment = std::fs::read(folder.join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|found| found == entry.as_bytes())
    };
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .map(|process| process.path())
        .filter(|folder| carries(folder))
        .map(|folder| String::from_utf8_lossy(&std::fs::read(folder.join("cmdline")).unwrap_or_default()).into_owned())
        .collect()
}

/// The parent of a process.
pub fn parent(pid: u32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Makes a named pipe, and reads it until everybody who could write to it is gone. On a thread of its own: a test that
/// fails must not wait for it to say so.
pub fn pipe(path: &Path) -> oneshot::Receiver<String> {
    let done = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(done.success());
    let path = path.to_owned();
    let (read, told) = oneshot::channel();
    std::thread::spawn(move || read.send(std::fs::read_to_string(path).unwrap()));
    told
}
