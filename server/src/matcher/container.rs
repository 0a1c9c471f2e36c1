//! Which folder of the workspace a folder inside of a container is: from `-v` and `--mount`, from the volumes of a compose
//! file, from the workspace folder of a dev container. Reads files through [`Files`] alone.

use std::path::{Path, PathBuf};

use super::Files;
use super::place::normal;

/// Most maps of one command.
const MAX_MAPS: usize = 200;

/// A folder inside of a container and what it is outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PathMap {
    pub(super) inside: PathBuf,
    pub(super) outside: PathBuf,
    /// The compose service whose container it is; `None` for the command's own.
    pub(super) service: Option<String>,
}

/// What is known about the containers that a command's programs run in.
#[derive(Clone, Debug, Default)]
pub(super) struct Containers {
    /// The most specific first.
    pub(super) maps: Vec<PathMap>,
    /// Where services work, inside.
    pub(super) working: Vec<(String, PathBuf)>,
    /// The compose file was looked for.
    pub(super) composed: bool,
    /// The command runs in a container: an absolute path is one of its.
    pub(super) inside: bool,
}

impl Containers {
    /// Adds a map; a longer inside path goes first.
    pub(super) fn map(&mut self, inside: &str, outside: PathBuf, service: Option<&str>) {
        let inside = normal(Path::new(inside));
        if !inside.is_absolute() || inside.parent().is_none() || self.maps.len() >= MAX_MAPS {
            return;
        }
        self.maps.push(PathMap { inside, outside: normal(&outside), service: service.map(str::to_owned) });
        self.maps.sort_by_key(|map| std::cmp::Reverse(map.inside.components().count()));
    }

    /// What a path inside is outside; of one service where it is named.
    pub(super) fn outside(&self, path: &Path, service: Option<&str>) -> Option<PathBuf> {
        let fits = |map: &&PathMap| service.is_none() || map.service.is_none() || map.service.as_deref() == service;
        self.maps.iter().filter(fits).find_map(|map| Some(map.outside.join(path.strip_prefix(&map.inside).ok()?)))
    }

    /// `-v SOURCE:TARGET[:ro]`.
    pub(super) fn volume(&mut self, text: &str, here: &Path, service: Option<&str>) {
        let mut parts = text.split(':');
        if let (Some(source), Some(target)) = (parts.next(), parts.next())
            && let Some(source) = source_folder(source, here)
        {
            self.map(target, source, service);
        }
    }

    /// `--mount type=bind,source=SOURCE,target=TARGET`.
    pub(super) fn mount(&mut self, text: &str, here: &Path) {
        let get = |names: &[&str]| {
            text.split(',')
                .find_map(|part| part.split_once('=').filter(|(name, _)| names.contains(name)))
                .map(|it| it.1)
        };
        if let (Some(source), Some(target)) = (get(&["source", "src"]), get(&["target", "dst", "destination"]))
            && let Some(source) = source_folder(source, here)
        {
            self.map(target, source, None);
        }
    }

    /// The volumes and working folders of a compose file's services. A reader of the usual block form, not of YAML.
    pub(super) fn compose(&mut self, text: &str, here: &Path) {
        self.composed = true;
        let (mut in_services, mut service_indent) = (false, None);
        let (mut service, mut key): (Option<String>, String) = (None, String::new());
        let (mut key_indent, mut source) = (usize::MAX, None);
        for line in text.lines() {
            let content = line.trim_start();
            let indent = line.len() - content.len();
            let content = content.split(" #").next().unwrap_or_default().trim_end();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            if indent == 0 && !content.starts_with('-') {
                (in_services, service_indent, service) = (content == "services:", None, None);
                continue;
            }
            if !in_services {
                continue;
            }
            if *service_indent.get_or_insert(indent) == indent {
                service = content.strip_suffix(':').map(|name| unquoted(name).to_owned());
                (key_indent, source) = (usize::MAX, None);
                key.clear();
                continue;
            }
            let Some(name) = service.as_deref() else { continue };
            let item = content.strip_prefix('-').map(str::trim_start);
            if item.is_none() && (key_indent == usize::MAX || indent <= key_indent) {
                let (word, value) = content.split_once(':').unwrap_or((content, ""));
                (key, key_indent) = (word.to_owned(), indent);
                if word == "working_dir" {
                    self.working.push((name.to_owned(), PathBuf::from(unquoted(value.trim()))));
                } else if let Some(list) = value.trim().strip_prefix('[').filter(|_| word == "volumes") {
                    for volume in list.trim_end_matches(']').split(',') {
                        self.volume(unquoted(volume.trim()), here, Some(name));
                    }
                }
                continue;
            }
            if key != "volumes" {
                continue;
            }
            let field = item.unwrap_or(content);
            match field.split_once(": ") {
                Some(("source", value)) => source = source_folder(unquoted(value), here),
                Some(("target", value)) => {
                    if let Some(source) = source.take() {
                        self.map(unquoted(value), source, Some(name));
                    }
                }
                Some(_) => {}
                None if item.is_some() => self.volume(unquoted(field), here, Some(name)),
                None => {}
            }
        }
    }

    /// The compose file in a folder or above it, up to `root`.
    pub(super) fn find_compose(&mut self, files: &dyn Files, here: &Path, root: &Path) {
        if std::mem::replace(&mut self.composed, true) {
            return;
        }
        let names = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
        for folder in here.ancestors().take_while(|folder| folder.starts_with(root)) {
            if let Some(text) = names.iter().find_map(|name| files.read(&folder.join(name))) {
                return self.compose(&text, folder);
            }
        }
    }

    /// The workspace folder of a dev container: `workspaceFolder`, else `/workspaces/NAME`.
    pub(super) fn devcontainer(&mut self, files: &dyn Files, root: &Path) {
        let names = [".devcontainer/devcontainer.json", ".devcontainer.json"];
        let Some(text) = names.iter().find_map(|name| files.read(&root.join(name))) else { return };
        let said = jsonc_parser::parse_to_serde_value::<serde_json::Value>(&text, &Default::default()).ok();
        let said = said.as_ref().and_then(|value| value.get("workspaceFolder")?.as_str());
        let name = root.file_name().unwrap_or_default().to_string_lossy();
        let folder = said.map_or_else(
            || format!("/workspaces/{name}"),
            |said| said.replace("${localWorkspaceFolderBasename}", &name),
        );
        self.map(&folder, root.to_owned(), None);
    }
}

/// The folder that a mount's source names; `None` for a named volume.
fn source_folder(source: &str, here: &Path) -> Option<PathBuf> {
    let current = ["$(pwd)", "${PWD}", "$PWD", "`pwd`", "%cd%"];
    if let Some(rest) = current.iter().find_map(|word| source.strip_prefix(word)) {
        return Some(here.join(rest.trim_start_matches('/')));
    }
    (source.starts_with('.') || source.starts_with('/')).then(|| here.join(source))
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_compose_files() {
        let text = "services:\n  api:\n    build: .\n    working_dir: /app\n    volumes:\n      - ./api:/app:ro\n      \
                    - data:/data\n  web:\n    volumes:\n      - type: bind\n        source: ./web # ours\n        \
                    target: /srv\n    ports: [\"80:80\"]\nvolumes:\n  data:\n";
        let mut containers = Containers::default();
        containers.compose(text, Path::new("/w"));
        let outside = |path, service| containers.outside(Path::new(path), service);
        assert_eq!(outside("/app/a.py", Some("api")), Some("/w/api/a.py".into()));
        assert_eq!(outside("/srv/b.js", None), Some("/w/web/b.js".into()));
        assert_eq!(outside("/app/a.py", Some("web")), None);
        assert_eq!(outside("/data/x", None), None);
        assert_eq!(containers.working, [("api".to_owned(), PathBuf::from("/app"))]);
    }

    #[test]
    fn reads_mounts() {
        let mut containers = Containers::default();
        containers.volume("$PWD:/app", Path::new("/w"), None);
        containers.mount("type=bind,source=./lib,target=/app/lib", Path::new("/w"));
        assert_eq!(containers.outside(Path::new("/app/a"), None), Some("/w/a".into()));
        assert_eq!(containers.outside(Path::new("/app/lib/a"), None), Some("/w/lib/a".into()));
    }
}
