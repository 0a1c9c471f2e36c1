//! Which service of the workspace's compose file offers a port: what a test suite needs that finds nobody there. Reads the
//! usual block form of these files, not all of YAML; what it does not understand offers nothing.

use std::path::Path;

use super::Service;

const NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
/// Bytes of a compose file that are looked at.
const MOST: u64 = 1 << 20;

/// The service that offers `port`, by the compose file in `here` or in a folder above it, up to `root`. `host`: the name that
/// was called, which in a container's network is the service's. Blocks.
pub fn offering(here: &Path, root: &Path, host: Option<&str>, port: u16) -> Option<Service> {
    for folder in here.ancestors().take_while(|folder| folder.starts_with(root)) {
        let found = NAMES.iter().map(|name| folder.join(name)).find(|file| file.is_file());
        let Some(file) = found else { continue };
        if file.metadata().is_ok_and(|about| about.len() > MOST) {
            return None;
        }
        let name = service(&std::fs::read_to_string(&file).ok()?, host, port)?;
        return Some(Service { name, folder: folder.to_owned() });
    }
    None
}

/// The service of a compose file's text.
fn service(text: &str, host: Option<&str>, port: u16) -> Option<String> {
    let (mut in_services, mut service_indent) = (false, None);
    let (mut service, mut ports_at): (Option<String>, Option<usize>) = (None, None);
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
            ports_at = None;
            if service.is_some() && service.as_deref() == host {
                return service;
            }
            continue;
        }
        let Some(name) = &service else { continue };
        if let Some(list) = content.strip_prefix("ports:") {
            ports_at = Some(indent);
            let inline = list.trim().trim_start_matches('[').trim_end_matches(']');
            if inline.split(',').any(|entry| published(unquoted(entry.trim())) == Some(port)) {
                return Some(name.clone());
            }
        } else if ports_at.is_some_and(|at| indent > at || indent == at && content.starts_with('-')) {
            let entry = content.strip_prefix('-').unwrap_or(content).trim_start();
            let found = match entry.split_once(": ") {
                Some(("published", value)) => unquoted(value.trim()).parse().ok(),
                Some(_) => None,
                None => published(unquoted(entry)),
            };
            if found == Some(port) {
                return Some(name.clone());
            }
        } else {
            ports_at = None;
        }
    }
    None
}

/// The port of this machine in `5432:5432`, `127.0.0.1:5432:5432/tcp`, `${PORT:-5432}:5432`.
fn published(entry: &str) -> Option<u16> {
    // A variable's default is the usual value.
    let (before, after) = match entry.split_once("${") {
        Some((before, rest)) => {
            let (variable, after) = rest.split_once('}')?;
            (format!("{before}{}", variable.split_once("-").map_or("", |(_, default)| default)), after)
        }
        None => (entry.to_owned(), ""),
    };
    let whole = before + after;
    let mut parts = whole.rsplit(':');
    parts.next()?;
    parts.next()?.parse().ok()
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
services:
  web:
    build: .
    ports: [\"8080:80\", \"127.0.0.1:8443:443\"]
  db: # ours
    image: postgres
    environment:
      PORT: 6379
    ports:
      - \"5432:5432\"
      - '${ADMIN_PORT:-5555}:80'
  cache:
    ports:
    - target: 6379
      published: \"6380\"
    expose: [9999]
  inner:
    ports:
      - 7000
volumes:
  data:
";

    #[test]
    fn finds_who_offers_a_port() {
        for (port, expected) in [
            (8080, Some("web")),
            (8443, Some("web")),
            (5432, Some("db")),
            (5555, Some("db")),
            (6380, Some("cache")),
            // Inside alone, or nobody's.
            (80, None),
            (6379, None),
            (7000, None),
            (9999, None),
        ] {
            assert_eq!(service(FILE, None, port).as_deref(), expected, "{port}");
        }
        assert_eq!(service(FILE, Some("inner"), 7000).as_deref(), Some("inner"));
        assert_eq!(service(FILE, Some("localhost"), 5432).as_deref(), Some("db"));
    }

    #[test]
    fn looks_above_and_not_outside() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let root = folder.path().join("w");
        std::fs::create_dir_all(root.join("api/tests"))?;
        std::fs::write(folder.path().join("compose.yaml"), FILE)?;
        assert_eq!(offering(&root.join("api"), &root, None, 5432), None);
        std::fs::write(root.join("docker-compose.yml"), FILE)?;
        let found = offering(&root.join("api/tests"), &root, None, 5432);
        assert_eq!(found, Some(Service { name: "db".into(), folder: root }));
        Ok(())
    }
}
