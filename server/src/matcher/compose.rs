//! What a compose file says of its services, as far as this program asks: published ports, mounted folders, working folders.
//! Follows override files, `include` and `extends`, and replaces variables by `.env` and their defaults; anchors and `<<` are
//! the YAML library's. Reads files through [`Files`]; lenient: what it does not understand of a service is left out, a file
//! that is no YAML is none. (docs.docker.com/reference/compose-file)

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Files;
use crate::workspace::roots::normal;

/// The names of a project's file, in the order in which they are looked for, and of the one that is laid over it.
const NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
const OVERRIDES: [&str; 4] =
    ["compose.override.yaml", "compose.override.yml", "docker-compose.override.yml", "docker-compose.override.yaml"];
/// Files of one project that are read, with those that they include and extend.
const MAX_FILES: usize = 50;
/// How deep files include others, and services extend others.
const MAX_DEPTH: usize = 8;
const MAX_SERVICES: usize = 500;
/// Ports and folders of one service; of a range of ports so many.
const MAX_ENTRIES: usize = 200;

/// A project's services: in the order of their files, those of one file by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compose {
    pub services: Vec<Service>,
}

/// What is asked of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    /// Ports of this machine.
    pub ports: Vec<u16>,
    /// Folders of this machine, absolute, and where they are inside.
    pub folders: Vec<(PathBuf, String)>,
    /// Where it works, inside.
    pub working_dir: Option<String>,
}

impl Compose {
    /// The project's file in a folder, or its nearest one above up to `root`: the folder, and what it says.
    pub fn find(files: &dyn Files, here: &Path, root: &Path) -> Option<(PathBuf, Self)> {
        let mut above = here.ancestors().take_while(|folder| folder.starts_with(root));
        above.find_map(|folder| {
            let file = NAMES.iter().map(|name| folder.join(name)).find(|file| files.is_file(file))?;
            let over = OVERRIDES.iter().map(|name| folder.join(name)).find(|file| files.is_file(file));
            let all: Vec<PathBuf> = std::iter::once(file).chain(over).collect();
            Some((folder.to_owned(), Self::read(files, &all)))
        })
    }

    /// These files, each laid over the ones before it. Their paths are meant from the folder of the first.
    pub fn read(files: &dyn Files, paths: &[PathBuf]) -> Self {
        let mut reader = Reader { files, read: 0 };
        let mut compose = Self::default();
        reader.project(paths, &mut compose, 0);
        compose
    }

    /// The service of that name.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    fn lay_over(&mut self, service: Service) {
        let known = self.services.iter().position(|known| known.name == service.name);
        match known {
            Some(at) => self.services[at].lay_over(service),
            None if self.services.len() < MAX_SERVICES => self.services.push(service),
            None => {}
        }
    }
}

impl Service {
    /// Ports add up, of two folders with one place inside the later counts.
    fn lay_over(&mut self, other: Self) {
        let new: Vec<u16> = other.ports.into_iter().filter(|port| !self.ports.contains(port)).collect();
        self.ports.extend(new);
        self.folders.retain(|(_, inside)| !other.folders.iter().any(|(_, new)| new == inside));
        self.folders.extend(other.folders);
        self.working_dir = other.working_dir.or(self.working_dir.take());
        self.ports.truncate(MAX_ENTRIES);
        self.folders.truncate(MAX_ENTRIES);
    }
}

struct Reader<'a> {
    files: &'a dyn Files,
    read: usize,
}

/// A file's content and what its words mean.
struct File {
    root: Value,
    folder: PathBuf,
    variables: HashMap<String, String>,
}

impl Reader<'_> {
    fn open(&mut self, path: &Path, folder: &Path) -> Option<File> {
        if self.read == MAX_FILES {
            return None;
        }
        self.read += 1;
        let text = self.files.read(path)?;
        // The library's own budget bounds nodes, depth and what anchors come to.
        let root = serde_saphyr::from_str::<Value>(&text).ok()?;
        let variables = self.files.read(&folder.join(".env")).map(|text| variables(&text)).unwrap_or_default();
        Some(File { root, folder: folder.to_owned(), variables })
    }

    fn project(&mut self, paths: &[PathBuf], compose: &mut Compose, depth: usize) {
        let Some(folder) = paths.first().and_then(|path| path.parent()) else { return };
        for path in paths {
            let Some(file) = self.open(path, folder) else { continue };
            for included in list(&file.root["include"]).filter(|_| depth < MAX_DEPTH) {
                let paths = if included.is_string() { included } else { &included["path"] };
                let paths: Vec<PathBuf> = match paths {
                    Value::Array(all) => all.iter().filter_map(|path| file.path(path)).collect(),
                    one => file.path(one).into_iter().collect(),
                };
                self.project(&paths, compose, depth + 1);
            }
            let services = file.root["services"].as_object().cloned().unwrap_or_default();
            for (name, written) in services.iter().take(MAX_SERVICES) {
                let mut service = self.service(&file, written, 0);
                service.name.clone_from(name);
                compose.lay_over(service);
            }
        }
    }

    /// A service with all that it extends.
    fn service(&mut self, file: &File, written: &Value, depth: usize) -> Service {
        let mut service = Service::default();
        let extends = &written["extends"];
        let name = extends.as_str().or_else(|| extends["service"].as_str());
        if let Some(name) = name.filter(|_| depth < MAX_DEPTH) {
            let base = match file.path(&extends["file"]) {
                Some(path) => {
                    let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
                    self.open(&path, &folder)
                        .map(|other| self.service(&other, &other.root["services"][name], depth + 1))
                }
                None => Some(self.service(file, &file.root["services"][name], depth + 1)),
            };
            service = base.unwrap_or_default();
        }
        let own = Service {
            name: String::new(),
            ports: list(&written["ports"]).flat_map(|port| file.ports(port)).take(MAX_ENTRIES).collect(),
            folders: list(&written["volumes"]).filter_map(|it| file.mounted(it)).take(MAX_ENTRIES).collect(),
            working_dir: file.text(&written["working_dir"]),
        };
        service.lay_over(own);
        service
    }
}

/// The entries of a list.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

impl File {
    /// A scalar as text, its variables replaced.
    fn text(&self, value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(self.replaced(text)),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    fn path(&self, value: &Value) -> Option<PathBuf> {
        Some(normal(&self.folder.join(self.text(value)?)))
    }

    /// The ports of this machine in `5432:5432`, `127.0.0.1:5432:5432/tcp`, `3000-3002:3000-3002`, or the long form.
    fn ports(&self, value: &Value) -> Vec<u16> {
        let published = match value {
            Value::Object(long) => self.text(long.get("published").unwrap_or(&Value::Null)),
            short => self.text(short).and_then(|text| Some(text.rsplit_once(':')?.0.rsplit(':').next()?.to_owned())),
        };
        let published = published.unwrap_or_default();
        let (first, last) = published.split_once('-').unwrap_or((&published, &published));
        match (first.parse::<u16>(), last.parse::<u16>()) {
            (Ok(first), Ok(last)) => (first..=last).filter(|port| *port > 0).take(MAX_ENTRIES).collect(),
            _ => Vec::new(),
        }
    }

    /// The folder that a volume mounts, and where; `None` for a named volume.
    fn mounted(&self, value: &Value) -> Option<(PathBuf, String)> {
        let (source, inside) = match value {
            Value::Object(long) => {
                let is_bind = long.get("type").and_then(Value::as_str).is_none_or(|kind| kind == "bind");
                let field = |name: &str| self.text(long.get(name)?);
                (field("source").filter(|_| is_bind)?, field("target")?)
            }
            short => {
                let text = self.text(short)?;
                let mut parts = text.split(':');
                (parts.next()?.to_owned(), parts.next()?.to_owned())
            }
        };
        let is_folder = source.starts_with('.') || source.starts_with('/');
        is_folder.then(|| (normal(&self.folder.join(source)), inside))
    }

    /// `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `$$`. One that is not known is empty, but for the folder in
    /// which the command runs.
    fn replaced(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                out.push('$');
                rest = after;
                continue;
            }
            let (word, behind) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                Some((word, behind)) => (word, behind),
                None => after.split_at(after.find(|char: char| !is_name(char)).unwrap_or(after.len())),
            };
            let name = &word[..word.find(|char: char| !is_name(char)).unwrap_or(word.len())];
            let default = word[name.len()..].strip_prefix(":-").or(word[name.len()..].strip_prefix('-'));
            match self.variables.get(name).filter(|value| !value.is_empty()) {
                Some(value) => out.push_str(value),
                None if name == "PWD" => out.push_str(&self.folder.to_string_lossy()),
                None => out.push_str(default.unwrap_or_default()),
            }
            rest = behind;
        }
        out + rest
    }
}

fn is_name(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

/// `NAME=value` of a `.env` file.
fn variables(text: &str) -> HashMap<String, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.strip_prefix("export ").unwrap_or(line).split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::tree::Tree;

    /// Ports, folders and the working folder of each service.
    fn read(files: &'static [(&'static str, &'static str)], here: &str) -> String {
        let Some((folder, compose)) = Compose::find(&Tree(files), Path::new(here), Path::new("/w")) else {
            return "none".into();
        };
        let services = compose.services.iter().map(|it| {
            let folders: Vec<String> = it.folders.iter().map(|(from, to)| format!("{}>{to}", from.display())).collect();
            format!("{} {:?} {} {}", it.name, it.ports, folders.join(","), it.working_dir.as_deref().unwrap_or("-"))
        });
        format!("{}: {}", folder.display(), services.collect::<Vec<_>>().join("; "))
    }

    #[test]
    fn reads_long_and_short_forms() {
        const FILE: &str = "\
services:
  web:
    build: .
    ports: [\"8080:80\", \"127.0.0.1:8443:443/tcp\", 7000]
    volumes: [\"./web:/srv:ro\", data:/data]
  'db': # ours
    image: postgres
    environment: {PORT: 6379}
    working_dir: /app
    ports:
    - 5432:5432
    - '${ADMIN_PORT:-5555}:80'
    - target: 6379
      published: \"6380\"
    - \"3000-3002:3000-3002\"
    volumes:
      - type: bind
        source: ./lib # ours
        target: /lib
      - type: volume
        source: ./no
        target: /no
volumes:
  data:
";
        assert_eq!(
            read(&[("/w/compose.yaml", FILE)], "/w/api"),
            "/w: db [5432, 5555, 6380, 3000, 3001, 3002] /w/lib>/lib /app; web [8080, 8443] /w/web>/srv -"
        );
        assert_eq!(read(&[("/v/compose.yaml", FILE)], "/w/api"), "none");
        assert_eq!(read(&[("/w/compose.yaml", "services: [\n")], "/w"), "/w: ");
        assert_eq!(read(&[("/w/compose.yaml", "services:\n  a:\n  b: 3\n")], "/w"), "/w: a []  -; b []  -");
    }

    #[test]
    fn follows_anchors_overrides_includes_and_extends() {
        const BASE: &str = "\
x-app: &app
  working_dir: /app
  volumes: [\"./src:/app\"]
include:
  - infra/compose.yaml
  - path: [more.yaml]
services:
  api:
    <<: *app
    ports: [\"$API_PORT:80\"]
  job:
    extends: {service: base, file: common/base.yaml}
    volumes: [\"./job:/extra\"]
  copy:
    extends: api
";
        const FILES: &[(&str, &str)] = &[
            ("/w/docker-compose.yml", BASE),
            (
                "/w/docker-compose.override.yml",
                "services:\n  api:\n    ports: ['9000:9000']\n    volumes: ['./dev:/app']\n",
            ),
            ("/w/.env", "# ours\nexport API_PORT=\"8081\"\n"),
            ("/w/infra/compose.yaml", "services:\n  db:\n    ports: ['5432:5432']\n    volumes: ['./init:/init']\n"),
            ("/w/more.yaml", "include: [more.yaml]\nservices:\n  mail:\n    ports: ['1025:1025']\n"),
            ("/w/common/base.yaml", "services:\n  base:\n    working_dir: /base\n    volumes: ['./shared:/shared']\n"),
        ];
        let found = read(FILES, "/w");
        for expected in [
            "db [5432] /w/infra/init>/init -",
            "mail [1025]  -",
            "api [8081, 9000] /w/dev>/app /app",
            "job [] /w/common/shared>/shared,/w/job>/extra /base",
            "copy [8081] /w/src>/app /app",
        ] {
            assert!(found.contains(expected), "{expected} in {found}");
        }
    }

    #[test]
    fn a_bomb_is_no_file() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}, ", level - 1).repeat(10);
            text.push_str(&format!("a{level}: &a{level} [{before}]\n"));
        }
        text.push_str("services: {web: {ports: ['80:80']}}\n");
        let text: &'static str = Box::leak(text.into_boxed_str());
        let files: &'static [_] = Box::leak(Box::new([("/w/compose.yaml", text)]));
        assert_eq!(read(files, "/w"), "/w: ");
    }
}
