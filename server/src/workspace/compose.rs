//! Which service of the workspace's compose file offers a port: what a test suite needs that finds nobody there. What the
//! file says is read by `matcher/compose`.

use std::path::Path;

use super::Service;
use super::files::WorkspaceFiles;
use crate::matcher::compose::Compose;

/// The service that offers `port`, by the compose file in `here` or in a folder above it, up to `root`. `host`: the name that
/// was called, which in a container's network is the service's. Blocks.
pub fn offering(here: &Path, root: &Path, host: Option<&str>, port: u16) -> Option<Service> {
    let (folder, compose) = Compose::find(&WorkspaceFiles::new(root.to_owned()), here, root)?;
    let named = host.and_then(|host| compose.service(host));
    let found = named.or_else(|| compose.services.iter().find(|service| service.ports.contains(&port)))?;
    Some(Service { name: found.name.clone(), folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
services:
  web:
    ports: [\"8080:80\", \"127.0.0.1:8443:443\"]
  db:
    ports:
      - \"5432:5432\"
  inner:
    ports:
      - 7000
    expose: [9999]
";

    #[test]
    fn finds_who_offers_a_port() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let root = folder.path().canonicalize()?;
        std::fs::write(root.join("compose.yaml"), FILE)?;
        let service = |host, port| offering(&root, &root, host, port).map(|service| service.name);
        for (port, expected) in [
            (8080, Some("web")),
            (8443, Some("web")),
            (5432, Some("db")),
            // Inside alone, or nobody's.
            (80, None),
            (7000, None),
            (9999, None),
        ] {
            assert_eq!(service(None, port).as_deref(), expected, "{port}");
        }
        assert_eq!(service(Some("inner"), 7000).as_deref(), Some("inner"));
        assert_eq!(service(Some("localhost"), 5432).as_deref(), Some("db"));
        Ok(())
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
