//! Which files are asked about: those outside of the workspace, those that hold secrets, those that decide what runs
//! later. Judged by absolute paths as they are written, and by those that links among them lead to; the file tools look
//! themselves.

use std::path::{Component, Path, PathBuf};

use crate::workspace::roots::absolute;

/// Where a call acts.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Where relative paths begin. A command may change it: the folders where it may be by now.
    pub folders: Vec<PathBuf>,
    /// The workspace's folders.
    pub roots: Vec<PathBuf>,
    /// Files outside of it that may be read: the outputs of tasks.
    pub readable: Vec<PathBuf>,
    /// The person's.
    pub home: PathBuf,
    /// Paths that are links, or lie behind one, and what they are in truth.
    pub links: Vec<(PathBuf, PathBuf)>,
}

/// Why a path is asked about, as the end of "it reads …" or "it writes …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    Outside,
    Secret,
    /// It decides what runs later.
    Guarded,
}

impl Concern {
    /// For a person: what is the matter with the path.
    pub fn about(self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::Outside => format!("outside the workspace: {path}"),
            Self::Secret => format!("a file that may hold secrets: {path}"),
            Self::Guarded => format!("a file that decides what runs later: {path}"),
        }
    }
}

impl Ground {
    /// The absolute paths that a text may mean.
    pub fn places(&self, path: &str) -> Vec<PathBuf> {
        let path = match path.strip_prefix('~') {
            Some("") => self.home.clone(),
            Some(rest) if rest.starts_with('/') => self.home.join(rest.trim_start_matches('/')),
            _ => PathBuf::from(path),
        };
        let path = path.to_string_lossy();
        let mut places: Vec<PathBuf> = self.folders.iter().map(|folder| absolute(folder, &path)).collect();
        places.dedup();
        let truths: Vec<PathBuf> = places.iter().flat_map(|place| self.truths(place)).collect();
        places.extend(truths);
        places
    }

    /// Where links lead from a path, or from one that a pattern may mean.
    fn truths(&self, place: &Path) -> Vec<PathBuf> {
        let leads = |(from, to): &(PathBuf, PathBuf)| {
            let mut rest = place.components();
            let is_on_the_way = from.components().all(|part| rest.next().is_some_and(|given| may_mean(&given, &part)));
            is_on_the_way.then(|| match rest.as_path() {
                rest if rest.as_os_str().is_empty() => to.clone(),
                rest => to.join(rest),
            })
        };
        self.links.iter().filter_map(leads).take(16).collect()
    }

    /// Whether a path lies in the workspace.
    pub fn holds(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| path.starts_with(root))
    }

    /// Whether a path is a folder of the workspace, or around one.
    pub fn is_root(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| root.starts_with(path))
    }

    /// What is the matter with reading a path, and which place it is about.
    pub fn reading(&self, path: &str) -> Option<(Concern, PathBuf)> {
        self.places(path).into_iter().find_map(|place| {
            let harmless = is_harmless_device(&place) || self.readable.contains(&place);
            let concern = match place {
                _ if is_secret(&place) => Concern::Secret,
                _ if !self.holds(&place) && !harmless => Concern::Outside,
                _ => return None,
            };
            Some((concern, place))
        })
    }

    /// What is the matter with writing a path.
    pub fn writing(&self, path: &str) -> Option<(Concern, PathBuf)> {
        self.places(path).into_iter().find_map(|place| {
            let concern = match place {
                _ if is_secret(&place) => Concern::Secret,
                _ if !self.holds(&place) && !is_harmless_device(&place) => Concern::Outside,
                _ if is_guarded(&place) => Concern::Guarded,
                _ => return None,
            };
            Some((concern, place))
        })
    }
}

/// Whether a part of a path, which may be a pattern, may mean that name.
fn may_mean(given: &Component<'_>, name: &Component<'_>) -> bool {
    let (given, name) = (given.as_os_str().to_string_lossy(), name.as_os_str().to_string_lossy());
    match given.find(['*', '?', '[']) {
        // No mark means a dot at the beginning.
        Some(0) => !name.starts_with('.'),
        Some(at) => name.starts_with(&given[..at]),
        None => given == name,
    }
}

/// Devices that hold nothing.
pub fn is_harmless_device(path: &Path) -> bool {
    const DEVICES: &[&str] = &["/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/zero", "/dev/full"];
    path.to_str().is_some_and(|path| DEVICES.contains(&path))
}

/// Names of files that hold secrets.
const SECRET_NAMES: &[&str] = &[
    ".env",
    ".envrc",
    ".netrc",
    "_netrc",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".htpasswd",
    ".vault-token",
    ".dockercfg",
    ".dockerconfigjson",
    "credentials",
    "credentials.json",
    "credentials.toml",
    "credentials.yml",
    "credentials.yaml",
    "secrets.json",
    "secrets.toml",
    "secrets.yml",
    "secrets.yaml",
    "secret.json",
    "secret.yml",
    "secret.yaml",
    "keys.toml",
    "master.key",
    "shadow",
    "gshadow",
    "kubeconfig",
    "terraform.tfstate",
    "terraform.tfvars",
    "service-account.json",
    "service_account.json",
    "application_default_credentials.json",
    "hosts.yml",
    "auth.json",
    ".bash_history",
    ".zsh_history",
    "local.settings.json",
];

/// Ends of such names.
const SECRET_ENDS: &[&str] =
    &[".pem", ".key", ".p12", ".pfx", ".p8", ".jks", ".keystore", ".kdbx", ".gpg", ".asc", ".ppk", ".env", ".tfvars"];

/// Folders in which everything is one.
const SECRET_FOLDERS: &[&str] =
    &[".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".password-store", "gcloud", "keyrings"];

/// True for a file that may hold secrets, by its name.
pub fn is_secret(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
    let in_folder = path.components().filter_map(|part| part.as_os_str().to_str()).any(|part| {
        let part = part.to_lowercase();
        SECRET_FOLDERS.contains(&part.as_str())
    });
    let example =
        [".example", ".sample", ".template", ".dist", ".pub", ".defaults"].iter().any(|end| name.ends_with(end));
    let key = ["id_rsa", "id_ed25519", "id_ecdsa", "id_dsa"].iter().any(|start| name.starts_with(start));
    let parts: Vec<&str> = path.components().filter_map(|part| part.as_os_str().to_str()).collect();
    let within = |ends: &[&str]| parts.ends_with(ends);
    // What a process was started with; the registers of other programs' keys.
    let process = parts.get(1) == Some(&"proc") && matches!(parts.last(), Some(&("environ" | "mem" | "cmdline")));
    let hosts = name == "hosts.yml" && !within(&["gh", "hosts.yml"]);
    in_folder
        || process
        || within(&[".git", "config"])
        || (!example && !hosts && SECRET_NAMES.contains(&name.as_str()))
        || (!example && (name.starts_with(".env.") || key))
        || SECRET_ENDS.iter().any(|end| name.ends_with(end) && name.len() >= end.len())
}

/// True for a pattern of names (`*.rs`, `a?`) that may stand for a file that holds secrets.
pub fn may_be_secret(pattern: &str) -> bool {
    let name = pattern.rsplit('/').next().unwrap_or(pattern);
    if !name.contains(['*', '?', '[']) {
        return is_secret(Path::new(pattern)) || may_be_secret_folder(pattern);
    }
    // A file whose name ends as that of a source does is none.
    let end = name.rsplit(['*', '?', ']']).next().unwrap_or_default();
    let known_end = end.starts_with('.') && end.len() > 1 && !is_secret(Path::new(&format!("x{end}")));
    let other = matches!(end, ".json" | ".yml" | ".yaml" | ".toml" | ".properties");
    !known_end || other || name.starts_with('.') || may_be_secret_folder(pattern)
}

/// `*/x.rs` may lead into any folder, hidden ones but for those that are named left out.
fn may_be_secret_folder(pattern: &str) -> bool {
    pattern.rsplit_once('/').is_some_and(|(folder, _)| folder.contains(".*") || folder.contains("[.]"))
}

/// Files and folders of a project that decide what runs later, or what is asked.
const GUARDED: &[&str] = &[
    ".git",
    ".pillion",
    ".husky",
    ".githooks",
    ".circleci",
    ".buildkite",
    ".devcontainer",
    ".github/workflows",
    ".github/actions",
    ".vscode/tasks.json",
    ".vscode/settings.json",
    ".vscode/launch.json",
    ".vscode/extensions.json",
    ".idea/runConfigurations",
    ".cargo/config",
    ".cargo/config.toml",
    ".mvn/wrapper",
];

/// Names of such files, wherever they lie.
const GUARDED_NAMES: &[&str] = &[
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".kshrc",
    "config.fish",
    ".gitconfig",
    ".gitmodules",
    ".gitattributes",
    ".gitlab-ci.yml",
    ".travis.yml",
    "jenkinsfile",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    ".drone.yml",
    ".woodpecker.yml",
    ".pre-commit-config.yaml",
    "lefthook.yml",
    ".envrc",
    "mise.toml",
    ".mise.toml",
    ".tool-versions",
    ".vimrc",
    ".exrc",
    ".nvim.lua",
    ".nvimrc",
    "sitecustomize.py",
    "usercustomize.py",
    ".mcp.json",
    ".inputrc",
    ".curlrc",
    ".wgetrc",
    "crontab",
    "authorized_keys",
];

/// True for a file that decides what runs later: hooks, tasks, pipelines, shell start files, Pillion's own settings.
pub fn is_guarded(path: &Path) -> bool {
    let parts: Vec<String> =
        path.components().filter_map(|part| part.as_os_str().to_str()).map(str::to_lowercase).collect();
    let name = parts.last().map(String::as_str).unwrap_or_default();
    GUARDED_NAMES.contains(&name)
        || GUARDED.iter().any(|guarded| {
            let guarded: Vec<String> = guarded.split('/').map(str::to_lowercase).collect();
            parts.windows(guarded.len()).any(|window| window == guarded)
        })
}
