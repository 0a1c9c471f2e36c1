//! The output of a command that ran elsewhere: written where the output of every run lies, and matched as if it had been
//! read while it grew. Knows no ledger.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use super::run::Imported;
use super::tail::Tail;
use crate::matcher::{Engine, Files, Origin};

/// Writes `output` into the run's folder and runs the matchers over it. Blocks. Fails where the folder cannot be written.
pub fn import(dir: &Path, output: &str, origin: Origin, files: Arc<dyn Files>) -> io::Result<Imported> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let path = dir.join("output");
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?.write_all(output.as_bytes())?;
    read(&path, origin, files)
}

/// Runs the matchers over an output that is there. Blocks.
pub fn read(path: &Path, origin: Origin, files: Arc<dyn Files>) -> io::Result<Imported> {
    let mut tail = Tail::open(path, Engine::new(origin, files))?;
    let mut findings = Vec::new();
    loop {
        let look = tail.look();
        findings.extend(look.findings);
        if !look.more {
            break;
        }
    }
    findings.extend(tail.finish());
    let (lines, last_line) = (tail.lines.count(), tail.lines.last());
    Ok(Imported { findings, bytes: tail.seen, lines, last_line, tail: tail.text() })
}
