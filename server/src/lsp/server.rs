//! The language server: what the client calls. A handler reads its parameters and sends one request to the owner as its
//! first act, so that requests reach the owner in wire order; then it waits for the answer. No state of its own but what
//! `initialize` settles.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tower_lsp::jsonrpc::{self, Result};
use tower_lsp::ls_types::{
    CodeActionKind, CodeActionOptions, CodeActionParams, CodeActionProviderCapability, CodeActionResponse, CodeLens,
    CodeLensOptions, CodeLensParams, DidChangeConfigurationParams, DidChangeTextDocumentParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams, ExecuteCommandOptions,
    ExecuteCommandParams, InitializeParams, InitializeResult, InitializedParams, LSPAny, SaveOptions,
    ServerCapabilities, ServerInfo, TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextDocumentSyncSaveOptions, WorkDoneProgressCancelParams,
};
use tower_lsp::{LanguageServer, LspService};

use super::control::{self, Control};
use super::documents::OpenDocuments;
use super::editor::LspEditor;
use super::following::Followers;
use super::models::LspLender;
use super::outbox::Outbox;
use super::presenter::{self, Shows};
use super::problems::Published;
use super::{convert, handing_over, params, progress, uri};
use crate::clock;
use crate::config::{self, Config};
use crate::ids::{SessionId, TaskId, TurnId};
use crate::protocol::{self as wire, method};
use crate::session::effect::Refusal;
use crate::session::event::{Choose, Event, Request};
use crate::session::inbox::Answered;
use crate::session::moving::Taker;
use crate::session::owner::{self, Handle};
use crate::session::perform::Parts;
use crate::task::lease;
use crate::workspace::documents::LineEdit;
use crate::workspace::environment::Environment;

mod acting;

/// Bytes of a client's token; a longer one counts as none.
const TOKEN_CAP: usize = 256;

/// The server of one client.
pub struct Server {
    config: Config,
    outbox: Outbox,
    documents: Arc<OpenDocuments>,
    /// Told the client's process id, once.
    client: Mutex<Option<oneshot::Sender<i32>>>,
    owner: Arc<OnceLock<Handle>>,
    environment: Environment,
    /// The client as one that lends models.
    lender: Arc<LspLender>,
    followers: OnceLock<Followers>,
    /// The diagnostics at the client.
    published: Published,
    /// The conversation that `pillion.fix` goes on with.
    chat: tokio::sync::Mutex<Option<SessionId>>,
    /// It has `window/showDocument`.
    shows_documents: OnceLock<bool>,
    /// Where terminals join in; removed with this server.
    control: OnceLock<Control>,
    root: OnceLock<PathBuf>,
    /// Where the sockets of other windows are, and the token of this one: for a session that moves here.
    moving: OnceLock<(PathBuf, Option<String>)>,
}

impl Server {
    /// A server that writes through `outbox`. `client` is told the client's process id.
    pub fn new(config: Config, outbox: Outbox, client: oneshot::Sender<i32>) -> Self {
        Self {
            config,
            lender: Arc::new(LspLender::new(outbox.clone())),
            outbox,
            documents: Arc::default(),
            client: Mutex::new(Some(client)),
            owner: Arc::default(),
            environment: Environment::new(config::environment()),
            followers: OnceLock::new(),
            published: Published::default(),
            chat: tokio::sync::Mutex::default(),
            shows_documents: OnceLock::new(),
            control: OnceLock::new(),
            root: OnceLock::new(),
            moving: OnceLock::new(),
        }
    }

    /// The owner of the client's workspace, once `initialize` has started it.
    pub fn owner(&self) -> Arc<OnceLock<Handle>> {
        self.owner.clone()
    }

    /// The service with every method of ours.
    pub fn service(self) -> (LspService<Self>, tower_lsp::ClientSocket) {
        LspService::build(|_client| self)
            .custom_method(method::SESSION_NEW, Self::session_new)
            .custom_method(method::SESSION_LIST, Self::session_list)
            .custom_method(method::SESSION_LOAD, Self::session_load)
            .custom_method(method::SESSION_PROMPT, Self::session_prompt)
            .custom_method(method::SESSION_QUEUE, Self::session_queue)
            .custom_method(method::SESSION_CANCEL, Self::session_cancel)
            .custom_method(method::SESSION_SET_MODE, Self::session_set_mode)
            .custom_method(method::SESSION_SET_MODEL, Self::session_set_model)
            .custom_method(method::SESSION_RENAME, Self::session_rename)
            .custom_method(method::SESSION_DELETE, Self::session_delete)
            .custom_method(method::CHANGE_LIST, Self::change_list)
            .custom_method(method::CHANGE_ACCEPT, Self::change_accept)
            .custom_method(method::CHANGE_REVERT, Self::change_revert)
            .custom_method(method::COMMAND_LIST, Self::command_list)
            .custom_method(method::MODEL_LIST, Self::model_list)
            .custom_method(method::MODEL_OFFER, Self::model_offer)
            .custom_method(method::MODEL_CHUNK, Self::model_chunk)
            .custom_method(method::SECRET_SET, Self::secret_set)
            .custom_method(method::PERMISSION_LIST, Self::permission_list)
            .custom_method(method::PERMISSION_REMOVE, Self::permission_remove)
            .custom_method(method::PROJECT_COMMANDS, Self::project_commands)
            .custom_method(method::TASK_START, Self::task_start)
            .custom_method(method::TASK_REPORT, Self::task_report)
            .custom_method(method::TASK_LIST, Self::task_list)
            .custom_method(method::TASK_GET, Self::task_get)
            .custom_method(method::TASK_OUTPUT, Self::task_output)
            .custom_method(method::TASK_FOLLOW, Self::task_follow)
            .custom_method(method::TASK_STOP, Self::task_stop)
            .custom_method(method::TASK_PROMOTE, Self::task_promote)
            .custom_method(method::TASK_INPUT, Self::task_input)
            .custom_method(method::TASK_RERUN, Self::task_rerun)
            .custom_method(method::TASK_DISMISS, Self::task_dismiss)
            .custom_method(method::TASK_WITHHOLD, Self::task_withhold)
            .custom_method(method::SESSION_COMPACT, Self::session_compact)
            .custom_method(method::SESSION_CONTEXT, Self::session_context)
            .custom_method(method::SESSION_EXPORT, Self::session_export)
            .custom_method(method::TEST_RESULTS, Self::test_results)
            .custom_method(method::TASK_SET_PRIORITY, Self::task_set_priority)
            .custom_method("window/workDoneProgress/cancel", Self::progress_cancelled)
            .finish()
    }

    fn root(&self) -> &Path {
        self.root.get().map_or(Path::new("/"), PathBuf::as_path)
    }

    /// Sends a request to the owner (before the first wait) and gives its answer.
    async fn ask(&self, request: Result<Request>) -> Result<Value> {
        let owner = self.owner.get().ok_or_else(jsonrpc::Error::internal_error)?;
        Self::answered(owner.ask(request?)).await
    }

    async fn answered(answer: oneshot::Receiver<Answered>) -> Result<Value> {
        match answer.await {
            Ok(Ok(reply)) => Ok(convert::reply(reply, clock::now())),
            Ok(Err(refusal)) => Err(convert::refusal(refusal)),
            // The owner is gone: the sidecar ends.
            Err(_) => Err(jsonrpc::Error::internal_error()),
        }
    }

    async fn session_new(&self, params: Value) -> Result<Value> {
        self.ask(params::new_session(params, self.root())).await
    }

    async fn session_list(&self, params: Value) -> Result<Value> {
        self.ask(params::list_sessions(params)).await
    }

    async fn session_load(&self, params: Value) -> Result<Value> {
        let moves = params["move"] == json!(true);
        let request = params::load_session(params)?;
        let owner = self.owner.get().ok_or_else(jsonrpc::Error::internal_error)?;
        match owner.ask(request.clone()).await {
            Ok(Err(Refusal::InUse { session, holder })) if moves => {
                let (dir, token) = self.moving.get().ok_or_else(jsonrpc::Error::internal_error)?;
                let taker = Taker { owner: lease::own(), token: token.clone() };
                handing_over::ask(dir, self.root(), &holder, &session, &taker).await?;
                self.ask(Ok(request)).await
            }
            Ok(answered) => answered.map(|reply| convert::reply(reply, clock::now())).map_err(convert::refusal),
            // The owner is gone: the sidecar ends.
            Err(_) => Err(jsonrpc::Error::internal_error()),
        }
    }

    async fn session_prompt(&self, params: Value) -> Result<Value> {
        self.ask(params::prompt(params)).await
    }

    async fn session_queue(&self, params: Value) -> Result<Value> {
        self.ask(params::queue(params)).await
    }

    async fn session_cancel(&self, params: Value) {
        let read: Result<wire::CancelParams> = params::typed(params);
        if let (Ok(params), Some(owner)) = (read, self.owner.get()) {
            owner.tell(Event::Cancel { session: SessionId(params.session_id), turn: params.turn_id.map(TurnId) });
        }
    }

    async fn session_set_mode(&self, params: Value) -> Result<Value> {
        let read: Result<wire::SetModeParams> = params::typed(params);
        self.ask(read.map(|it| Request::SetMode { session: SessionId(it.session_id), mode: it.mode })).await
    }

    async fn session_set_model(&self, params: Value) -> Result<Value> {
        let read: Result<wire::SetModelParams> = params::typed(params);
        self.ask(read.map(|it| Request::SetModel { session: SessionId(it.session_id), model: it.model })).await
    }

    async fn session_rename(&self, params: Value) -> Result<Value> {
        let read: Result<wire::RenameParams> = params::typed(params);
        self.ask(read.map(|it| Request::Rename { session: SessionId(it.session_id), title: it.title })).await
    }

    async fn session_delete(&self, params: Value) -> Result<Value> {
        let read: Result<wire::SessionParams> = params::typed(params);
        self.ask(read.map(|it| Request::DeleteSession { session: SessionId(it.session_id) })).await
    }

    async fn session_compact(&self, params: Value) -> Result<Value> {
        let read: Result<wire::CompactParams> = params::typed(params);
        let request = read.map(|it| Request::Compact {
            session: SessionId(it.session_id),
            instructions: it.instructions.filter(|words| !words.trim().is_empty()),
        });
        self.ask(request).await
    }

    async fn session_context(&self, params: Value) -> Result<Value> {
        let read: Result<wire::SessionParams> = params::typed(params);
        self.ask(read.map(|it| Request::Context { session: SessionId(it.session_id) })).await
    }

    async fn session_export(&self, params: Value) -> Result<Value> {
        self.ask(params::export(params)).await
    }

    async fn test_results(&self, params: Value) -> Result<Value> {
        let read: Result<wire::TestResultsParams> = params::typed(params);
        self.ask(read.map(|it| Request::TestResults { task: TaskId(it.task_id), run: it.run })).await
    }

    async fn change_list(&self, params: Value) -> Result<Value> {
        self.ask(params::changes(params, self.root(), Choose::List)).await
    }

    async fn change_accept(&self, params: Value) -> Result<Value> {
        self.ask(params::changes(params, self.root(), Choose::Accept)).await
    }

    async fn change_revert(&self, params: Value) -> Result<Value> {
        self.ask(params::changes(params, self.root(), Choose::Revert)).await
    }

    async fn command_list(&self, _params: Value) -> Result<Value> {
        self.ask(Ok(Request::SlashCommands)).await
    }

    async fn model_list(&self, params: Value) -> Result<Value> {
        let read: Result<wire::ModelListParams> = params::typed(params);
        self.ask(read.map(|it| Request::ListModels { session: it.session_id.map(SessionId) })).await
    }

    async fn model_offer(&self, params: Value) {
        if let (true, Some(owner)) = (self.lender.offer(params), self.owner.get()) {
            owner.tell(Event::ModelsOffered);
        }
    }

    async fn model_chunk(&self, params: Value) {
        self.lender.chunk(params);
    }

    async fn secret_set(&self, params: Value) -> Result<Value> {
        let secret = params::secret(params)?;
        let owner = self.owner.get().ok_or_else(jsonrpc::Error::internal_error)?;
        Self::answered(owner.set_secret(secret)).await
    }

    async fn permission_list(&self, _params: Value) -> Result<Value> {
        self.ask(Ok(Request::Rules)).await
    }

    async fn permission_remove(&self, params: Value) -> Result<Value> {
        let read: Result<wire::RemoveRuleParams> = params::typed(params);
        self.ask(read.map(|it| Request::RemoveRule { rule: it.rule })).await
    }

    async fn project_commands(&self, params: Value) -> Result<Value> {
        let read: Result<wire::ProjectCommandsParams> = params::typed(params);
        self.ask(read.map(|it| Request::ProjectCommands { near: it.uri.as_deref().and_then(uri::to_path) })).await
    }

    async fn task_start(&self, params: Value) -> Result<Value> {
        self.ask(params::start_task(params, self.root())).await
    }

    async fn task_report(&self, params: Value) -> Result<Value> {
        self.ask(params::report_task(params, self.root())).await
    }

    async fn task_list(&self, params: Value) -> Result<Value> {
        self.ask(params::list_tasks(params)).await
    }

    async fn task_get(&self, params: Value) -> Result<Value> {
        self.ask(params::task(params, |task| Request::GetTask { task })).await
    }

    async fn task_output(&self, params: Value) -> Result<Value> {
        self.ask(params::output(params)).await
    }

    async fn task_follow(&self, params: Value) -> Result<Value> {
        let wire::FollowParams { task_id, on, offset } = params::typed(params)?;
        let (task, followers) = (TaskId(task_id), self.followers.get());
        // Before the owner hears of it: its first word about the output finds the follower there.
        match followers {
            Some(followers) if on => followers.begin(task.clone(), offset.unwrap_or(0)),
            Some(followers) => followers.end(task.clone()),
            None => {}
        }
        let answer = self.ask(Ok(Request::Follow { task: task.clone(), on })).await;
        if let (Err(_), Some(followers)) = (&answer, followers) {
            followers.end(task);
        }
        answer
    }

    async fn task_stop(&self, params: Value) -> Result<Value> {
        self.ask(params::task(params, |task| Request::StopTask { task: Some(task) })).await
    }

    async fn task_promote(&self, params: Value) -> Result<Value> {
        self.ask(params::promote(params)).await
    }

    async fn task_input(&self, params: Value) -> Result<Value> {
        self.ask(params::input(params)).await
    }

    async fn task_rerun(&self, params: Value) -> Result<Value> {
        self.ask(params::rerun(params)).await
    }

    async fn task_withhold(&self, params: Value) -> Result<Value> {
        self.ask(params::task(params, |task| Request::WithholdReport { task })).await
    }

    async fn task_dismiss(&self, params: Value) -> Result<Value> {
        self.ask(params::task(params, |task| Request::DismissTask { task })).await
    }

    async fn task_set_priority(&self, params: Value) -> Result<Value> {
        let read: Result<wire::SetPriorityParams> = params::typed(params);
        self.ask(read.map(|it| Request::SetPriority { task: TaskId(it.task_id), priority: it.priority })).await
    }

    async fn progress_cancelled(&self, cancelled: WorkDoneProgressCancelParams) {
        let token = serde_json::to_value(cancelled.token).unwrap_or_default();
        let task = token.as_str().and_then(progress::task_of).map(TaskId::from);
        if let (Some(task), Some(owner)) = (task, self.owner.get()) {
            // The stop shows in the task's status; nobody waits for the answer.
            drop(owner.ask(Request::StopTask { task: Some(task) }));
        }
    }

    /// `pillion.task.output`: the end of a task's output; of the newest task without an id.
    async fn command_output(&self, task: Option<&str>) -> Result<Value> {
        let task = match task {
            Some(task) => task.to_owned(),
            None => {
                let list = self.ask(Ok(Request::ListTasks { session: None, include_finished: true })).await?;
                let newest = list["tasks"].as_array().and_then(|tasks| tasks.last()).and_then(|it| it["id"].as_str());
                newest.unwrap_or_default().to_owned()
            }
        };
        self.ask(params::output(json!({"taskId": task, "tail": 200}))).await
    }

    /// What stands at lines of a document moves with them.
    fn tell_edits(&self, edits: Vec<LineEdit>) {
        let Some(owner) = self.owner.get() else { return };
        for LineEdit { path, start_line: start, old_end_line: old_end, new_line_count: new_lines } in edits {
            owner.tell(Event::DocumentEdited { path, start, old_end, new_lines });
        }
    }

    /// What the first workspace folder, else the root, else the working directory is; canonical. And further folders.
    #[expect(deprecated, reason = "rootUri is what older clients send")]
    fn folders(asked: &InitializeParams) -> (PathBuf, Vec<PathBuf>) {
        let mut folders: Vec<PathBuf> = asked
            .workspace_folders
            .iter()
            .flatten()
            .filter_map(|folder| uri::to_path(folder.uri.as_str()))
            .chain(asked.root_uri.iter().filter_map(|root| uri::to_path(root.as_str())))
            .map(|path| path.canonicalize().unwrap_or(path))
            .collect();
        folders.dedup();
        if folders.is_empty() {
            let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
            folders.push(here.canonicalize().unwrap_or(here));
        }
        let first = folders.remove(0);
        (first, folders)
    }
}

/// What the client says that it can do.
fn abilities(asked: &InitializeParams) -> (wire::ClientCapability, Shows) {
    let pillion = asked.capabilities.experimental.as_ref().map(|all| all["pillion"].clone()).unwrap_or_default();
    let pillion: wire::ClientCapability = serde_json::from_value(pillion).unwrap_or_default();
    let window = asked.capabilities.window.as_ref();
    let shows = Shows {
        updates: pillion.session_updates,
        asks: pillion.request_permission,
        progress: window.and_then(|window| window.work_done_progress).unwrap_or(false),
        message_requests: window.is_some_and(|window| window.show_message.is_some()),
    };
    (pillion, shows)
}

impl LanguageServer for Server {
    async fn initialize(&self, asked: InitializeParams) -> Result<InitializeResult> {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(client), Some(pid)) = (client, asked.process_id.and_then(|pid| i32::try_from(pid).ok())) {
            // The other end waits as long as the connection lives.
            let _ = client.send(pid);
        }
        let (root, further_roots) = Self::folders(&asked);
        let (pillion, shows) = abilities(&asked);
        let config = match &asked.initialization_options {
            Some(settings) => self.config.clone().with_editor(settings),
            None => self.config.clone(),
        };
        let config = config.with_workspace(&root);
        let (messages, shown) = mpsc::unbounded_channel();
        let editor = Arc::new(LspEditor {
            documents: self.documents.clone(),
            outbox: self.outbox.clone(),
            saves: pillion.document_save,
            diagnoses: pillion.diagnostics,
        });
        let has_actions = pillion.code_actions;
        let options = asked.initialization_options.as_ref();
        // Another server of the client may give lenses at tests: only the person knows.
        let has_lenses = !has_actions && options.is_none_or(|options| options["codeLens"]["tests"] != json!(false));
        if pillion.models {
            self.lender.lend();
        }
        let token = pillion.client_token.filter(|token| !token.is_empty() && token.len() <= TOKEN_CAP);
        let environment = self.environment.clone();
        let (shown, overheard) = control::overhear(shown);
        let socket_dir = config.socket_dir();
        let parts = Parts {
            config,
            root: root.clone(),
            further_roots: further_roots.clone(),
            editor,
            lender: self.lender.clone(),
            environment: environment.clone(),
            token: token.clone(),
        };
        let handle = owner::start(parts, messages);
        let served = control::Served { owner: handle.clone(), environment, root: root.clone(), overheard };
        match control::open(&socket_dir, &further_roots, served) {
            Ok(control) => drop(self.control.set(control)),
            Err(error) => {
                let dir = socket_dir.display();
                tracing::warn!(%error, %dir, "no control socket: commands of terminals run by themselves");
            }
        }
        // Both are set once: the service refuses a second `initialize`.
        let _ = self.root.set(root);
        let _ = self.moving.set((socket_dir, token));
        let _ = self.owner.set(handle);
        let owner = self.owner.clone();
        let outbox = self.outbox.clone();
        let followers = Followers::start(outbox.clone(), owner.clone());
        let _ = self.followers.set(followers.clone());
        let (published, documents) = (self.published.clone(), self.documents.clone());
        tokio::spawn(async move { presenter::run(shown, outbox, shows, owner, followers, published, documents).await });
        let shows_documents = asked.capabilities.window.as_ref().and_then(|window| window.show_document.as_ref());
        let _ = self.shows_documents.set(shows_documents.is_some_and(|it| it.support));
        let pillion =
            wire::ServerCapability { version: wire::VERSION, instance_id: uuid::Uuid::now_v7().simple().to_string() };
        Ok(InitializeResult {
            capabilities: ServerCapabilities {
                text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
                    open_close: Some(true),
                    change: Some(TextDocumentSyncKind::INCREMENTAL),
                    save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
                    ..TextDocumentSyncOptions::default()
                })),
                execute_command_provider: Some(ExecuteCommandOptions {
                    commands: params::COMMANDS.iter().map(|name| (*name).to_owned()).collect(),
                    ..ExecuteCommandOptions::default()
                }),
                code_lens_provider: has_lenses.then_some(CodeLensOptions { resolve_provider: Some(false) }),
                code_action_provider: (!has_actions).then(|| {
                    CodeActionProviderCapability::Options(CodeActionOptions {
                        code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
                        ..CodeActionOptions::default()
                    })
                }),
                experimental: serde_json::to_value(pillion).ok().map(|pillion| json!({"pillion": pillion})),
                ..ServerCapabilities::default()
            },
            server_info: Some(ServerInfo { name: "pillion".into(), version: Some(env!("CARGO_PKG_VERSION").into()) }),
            ..InitializeResult::default()
        })
    }

    async fn initialized(&self, _: InitializedParams) {
        if let Some(owner) = self.owner.get() {
            owner.tell(Event::ClientReady);
        }
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    async fn did_open(&self, opened: DidOpenTextDocumentParams) {
        let document = opened.text_document;
        let edits = self.documents.did_open(document.uri.as_str(), document.version, document.text);
        self.tell_edits(edits);
        if let (Some(path), Some(owner)) = (uri::to_path(document.uri.as_str()), self.owner.get()) {
            owner.tell(Event::DocumentShown { path });
        }
    }

    async fn did_change(&self, changed: DidChangeTextDocumentParams) {
        let document = changed.text_document;
        let edits = self.documents.did_change(document.uri.as_str(), document.version, changed.content_changes);
        self.tell_edits(edits);
    }

    async fn did_save(&self, saved: DidSaveTextDocumentParams) {
        let path = self.documents.did_save(saved.text_document.uri.as_str());
        if let (Some(path), Some(owner)) = (path, self.owner.get()) {
            owner.tell(Event::DocumentSaved { path });
        }
    }

    async fn did_close(&self, closed: DidCloseTextDocumentParams) {
        let Some((path, edits)) = self.documents.did_close(closed.text_document.uri.as_str()) else { return };
        self.tell_edits(edits);
        if let Some(owner) = self.owner.get() {
            owner.tell(Event::DocumentShown { path });
        }
    }

    async fn did_change_configuration(&self, changed: DidChangeConfigurationParams) {
        if let Some(owner) = self.owner.get() {
            let config = self.config.clone().with_editor(&changed.settings);
            owner.configure(config.with_workspace(self.root()));
        }
    }

    async fn code_action(&self, asked: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        Ok(self.actions_at(asked))
    }

    async fn code_lens(&self, asked: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        Ok(self.lenses_of(asked))
    }

    async fn execute_command(&self, asked: ExecuteCommandParams) -> Result<Option<LSPAny>> {
        match asked.command.as_str() {
            "pillion.fix" => return self.fix(asked.arguments).await.map(Some),
            "pillion.task.show" => return self.show_output(asked.arguments).await.map(Some),
            _ => {}
        }
        if asked.command == "pillion.task.output" {
            let task = asked.arguments.first().and_then(Value::as_str).map(str::to_owned);
            return self.command_output(task.as_deref()).await.map(Some);
        }
        self.ask(params::command(&asked.command, asked.arguments, self.root())).await.map(Some)
    }
}
