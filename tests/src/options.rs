//! How a client is started: which binary, which environment, which capabilities.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::sandbox::Sandbox;
use crate::{DEADLINE, Model};

/// How a client is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Declares `experimental.pillion`.
    pillion: bool,
    /// Declares `diagnostics` there: the test answers `pillion/diagnostics/get`.
    diagnostics: bool,
    code_actions: bool,
    /// Declares that it lends models.
    lends: bool,
    pub(crate) env: Vec<(String, String)>,
    settings: Value,
    process_id: u32,
    token: Option<String>,
    pub(crate) deadline: Duration,
}

impl Options {
    /// A client that renders the panel itself.
    pub fn pillion() -> Self {
        static WINDOWS: AtomicU64 = AtomicU64::new(1);
        let window = WINDOWS.fetch_add(1, Ordering::Relaxed);
        Self {
            pillion: true,
            diagnostics: false,
            code_actions: false,
            lends: false,
            env: Vec::new(),
            settings: json!({}),
            process_id: std::process::id(),
            token: Some(format!("window {window} of {}", std::process::id())),
            deadline: DEADLINE,
        }
    }

    /// Which window it is: each has a token of its own, unless the test says otherwise. A clone is the same window.
    pub fn token(mut self, token: Option<&str>) -> Self {
        self.token = token.map(str::to_owned);
        self
    }

    /// Any LSP client, with the capabilities that most have.
    pub fn plain() -> Self {
        Self { pillion: false, ..Self::pillion() }
    }

    /// The client lends models; the test answers each request for one.
    pub fn lends_models(mut self) -> Self {
        self.lends = true;
        self
    }

    /// Offers the editor's diagnostics.
    pub fn diagnostics(mut self) -> Self {
        self.diagnostics = true;
        self
    }

    /// Offers the actions at problems itself.
    pub fn code_actions(mut self) -> Self {
        self.code_actions = true;
        self
    }

    /// Sets a variable of the sidecar's environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// `initializationOptions`: the settings under their names in the config file.
    pub fn settings(mut self, settings: Value) -> Self {
        self.settings = settings;
        self
    }

    /// Which process claims to be the editor.
    pub fn process_id(mut self, pid: u32) -> Self {
        self.process_id = pid;
        self
    }

    /// For tools that compile.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Answers come from this server.
    pub fn model(self, model: &Model) -> Self {
        self.env("PILLION_PROVIDER", model.api().provider()).env("PILLION_MODEL", crate::model::MODEL).reaching(model)
    }

    /// The client can ask this server, and nothing says that it does.
    pub fn reaching(self, model: &Model) -> Self {
        let (variable, path) = model.api().url_variable();
        self.env(model.api().key_variable(), crate::model::KEY).env(variable, &format!("{}{path}", model.url()))
    }
}

/// The binary under test.
pub fn binary() -> PathBuf {
    let path = env::var_os("PILLION_BIN").map_or_else(
        || {
            let test = env::current_exe().expect("the test's own path");
            test.ancestors().nth(2).expect("the folder of the build").join("pillion")
        },
        PathBuf::from,
    );
    assert!(
        path.is_file(),
        "there is no binary at {}: run `cargo build -p pillion`, or set PILLION_BIN",
        path.display()
    );
    path
}

/// The `file:` URI of a path without letters that need escapes, as all paths of these tests are.
pub fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// What `initialize` is asked with.
pub fn initialize_params(sandbox: &Sandbox, options: &Options) -> Value {
    let uri = uri(&sandbox.workspace());
    let mut capabilities = json!({
        "workspace": {
            "applyEdit": true,
            "workspaceEdit": {"documentChanges": true},
            "didChangeConfiguration": {"dynamicRegistration": false},
            "executeCommand": {"dynamicRegistration": false},
            "workspaceFolders": true
        },
        "textDocument": {
            "synchronization": {"didSave": true},
            "publishDiagnostics": {"relatedInformation": true, "versionSupport": true, "dataSupport": true},
            "codeAction": {"dataSupport": true}
        },
        "window": {
            "workDoneProgress": true,
            "showMessage": {"messageActionItem": {"additionalPropertiesSupport": false}},
            "showDocument": {"support": true}
        },
        "general": {"positionEncodings": ["utf-16"]}
    });
    if options.pillion {
        capabilities["experimental"]["pillion"] = json!({
            "version": 1,
            "sessionUpdates": true,
            "requestPermission": true,
            "documentSave": true,
            "diagnostics": options.diagnostics,
            "codeActions": options.code_actions,
            "models": options.lends,
            "clientToken": options.token
        });
    }
    json!({
        "processId": options.process_id,
        "clientInfo": {"name": "pillion-tests", "version": "1"},
        "rootUri": uri,
        "workspaceFolders": [{"uri": uri, "name": "w"}],
        "capabilities": capabilities,
        "initializationOptions": options.settings
    })
}
