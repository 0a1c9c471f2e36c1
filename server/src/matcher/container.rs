//! Which folder of the workspace a folder inside of a container is: from `-v` and `--mount`, from the volumes of a compose
//! file, from the workspace folder of a dev container. Reads files through [`Files`] alone.

use std::path::{Path, PathBuf};

use super::Files;
use super::compose::Compose;
use crate::workspace::roots::normal;

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

    /// The volumes and working folders of a compose project's services.
    pub(super) fn compose(&mut self, compose: &Compose) {
        self.composed = true;
        for service in &compose.services {
            for (folder, inside) in &service.folders {
                self.map(inside, folder.clone(), Some(&service.name));
            }
            let working = service.working_dir.iter().map(|folder| (service.name.clone(), PathBuf::from(folder)));
            self.working.extend(working);
        }
    }

    /// The compose file in a folder or above it, up to `root`.
    pub(super) fn find_compose(&mut self, files: &dyn Files, here: &Path, root: &Path) {
        if !self.composed
            && let Some((_, compose)) = Compose::find(files, here, root)
        {
            self.compose(&compose);
        }
        self.composed = true;
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

#[cfg(test)]
mod tests {
    use super::super::compose::Service;
    use super::*;

    #[test]
    fn takes_what_compose_files_say() {
        let service = |name: &str, folder: &str, inside: &str, working_dir: Option<&str>| Service {
            name: name.into(),
            ports: Vec::new(),
            folders: vec![(folder.into(), inside.into())],
            working_dir: working_dir.map(str::to_owned),
        };
        let services = vec![service("api", "/w/api", "/app", Some("/app")), service("web", "/w/web", "/srv", None)];
        let mut containers = Containers::default();
        containers.compose(&Compose { services });
        let outside = |path, service| containers.outside(Path::new(path), service);
        assert_eq!(outside("/app/a.py", Some("api")), Some("/w/api/a.py".into()));
        assert_eq!(outside("/srv/b.js", None), Some("/w/web/b.js".into()));
        assert_eq!(outside("/app/a.py", Some("web")), None);
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
