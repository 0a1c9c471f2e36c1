//! `pillion parse`: the matcher engine on captured output. Reads the output from standard input while it comes, writes one
//! JSON object a line.

use std::collections::{BTreeMap, HashSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use serde_json::{Value, json};

use crate::matcher::{Engine, Origin};
use crate::problem::{Counts, Finding, Problem};
use crate::workspace::files::WorkspaceFiles;

/// Finds problems in a command's captured output.
#[derive(Debug, clap::Args)]
pub struct ParseArgs {
    /// The workspace's root; what lies outside of it is no problem's place.
    #[arg(long, value_name = "DIR")]
    pub root: PathBuf,
    /// Where the command ran; the root when it is not given.
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// The command that wrote the output, for instance `cd api && cargo test`.
    #[arg(long, default_value = "")]
    pub command: String,
}

/// Runs `pillion parse` over standard input and output.
pub fn run(args: ParseArgs) -> anyhow::Result<()> {
    let remarks = parse(args, &mut std::io::stdin().lock(), &mut std::io::stdout().lock())?;
    remarks.iter().for_each(|remark| eprintln!("pillion: {remark}"));
    Ok(())
}

/// Gives what a person should know of it besides.
fn parse(args: ParseArgs, input: &mut dyn Read, output: &mut dyn Write) -> anyhow::Result<Vec<String>> {
    let root = args.root.canonicalize().with_context(|| format!("--root {}: no such folder", args.root.display()))?;
    anyhow::ensure!(root.is_dir(), "--root {}: a file; name the folder of the workspace", args.root.display());
    let cwd = match args.cwd {
        Some(cwd) => root.join(cwd),
        None => root.clone(),
    };
    // A folder that is gone is no error: its output may still name files by their absolute path.
    let gone =
        (!cwd.is_dir()).then(|| format!("--cwd {}: no such folder; relative paths may not be found", cwd.display()));
    let cwd = cwd.canonicalize().unwrap_or(cwd);
    let files = Arc::new(WorkspaceFiles::new(root.clone()));
    let mut engine = Engine::new(Origin { command: args.command, cwd, root: root.clone() }, files);
    let mut printer = Printer {
        root,
        output,
        provisional: BTreeMap::new(),
        counts: None,
        printed: HashSet::new(),
        remarks: gone.into_iter().collect(),
    };
    let mut findings = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).context("standard input cannot be read"),
        };
        engine.push(&buffer[..length], &mut findings);
        printer.print(&mut findings)?;
    }
    engine.finish(&mut findings);
    printer.print(&mut findings)?;
    printer.finish()
}

/// Writes findings as lines. A provisional problem waits for the one that replaces it: a line cannot be taken back.
struct Printer<'a> {
    root: PathBuf,
    output: &'a mut dyn Write,
    provisional: BTreeMap<String, Problem>,
    counts: Option<Counts>,
    /// What was printed: what a watching program finds in each of its cycles is one line.
    printed: HashSet<String>,
    /// What a person should know besides: a folder that is not there, what was left out.
    remarks: Vec<String>,
}

impl Printer<'_> {
    fn print(&mut self, findings: &mut Vec<Finding>) -> anyhow::Result<()> {
        for finding in findings.drain(..) {
            match finding {
                Finding::Problem(problem) if problem.provisional => {
                    self.provisional.insert(problem.test.clone().unwrap_or_default(), problem);
                }
                Finding::Problem(problem) => {
                    if let Some(test) = &problem.test {
                        self.provisional.remove(test);
                    }
                    self.write(&diagnostic(&self.root, &problem))?;
                }
                Finding::Counts(counts) => self.counts = Some(counts).filter(|counts| counts.total() > 0),
                Finding::Summary(_) => self.counts = Some(self.counts.unwrap_or_default()),
                Finding::LeftOut(remark) => self.remarks.push(remark),
                Finding::Test(_) | Finding::Total(_) | Finding::Progress(_) | Finding::Lane(_) | Finding::Cycle(..) => {
                }
            }
        }
        self.output.flush()?;
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<Vec<String>> {
        for problem in std::mem::take(&mut self.provisional).into_values() {
            self.write(&diagnostic(&self.root, &problem))?;
        }
        if let Some(Counts { passed, failed, skipped }) = self.counts {
            self.write(&json!({ "type": "summary", "passed": passed, "failed": failed, "skipped": skipped }))?;
        }
        self.output.flush()?;
        Ok(self.remarks)
    }

    fn write(&mut self, line: &Value) -> anyhow::Result<()> {
        let line = line.to_string();
        if self.printed.insert(line.clone()) {
            writeln!(self.output, "{line}")?;
        }
        Ok(())
    }
}

fn diagnostic(root: &Path, problem: &Problem) -> Value {
    let place = &problem.place;
    let relative = place.file.strip_prefix(root).unwrap_or(&place.file);
    let file = relative.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
    json!({
        "type": "diagnostic",
        "file": file,
        "line": place.line,
        "col": place.column,
        "endLine": place.end_line,
        "endCol": place.end_column,
        "severity": problem.severity,
        "message": problem.message,
        "source": problem.tool,
        "code": problem.code,
        "test": problem.test,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::left_out::{Example, examples};

    #[test]
    fn says_what_was_left_out() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("a.c"), "x\n")?;
        for Example { command, output, says } in examples() {
            let args = ParseArgs { root: folder.path().to_owned(), cwd: None, command: command.to_owned() };
            let mut printed = Vec::new();
            assert_eq!(parse(args, &mut output.as_bytes(), &mut printed)?, [says]);
        }
        Ok(())
    }

    #[test]
    fn folders_that_are_none_are_named() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("a.c");
        std::fs::write(&file, "x\n")?;
        let parsed = |root: &Path, cwd: Option<&str>| {
            let args = ParseArgs { root: root.to_owned(), cwd: cwd.map(PathBuf::from), command: String::new() };
            parse(args, &mut "".as_bytes(), &mut Vec::new())
        };
        let refused = |root: &Path| parsed(root, None).expect_err("it is no folder").to_string();
        assert!(refused(&file).ends_with("a.c: a file; name the folder of the workspace"), "{}", refused(&file));
        assert!(refused(&file.join("b")).ends_with("no such folder"), "{}", refused(&file.join("b")));
        assert_eq!(parsed(folder.path(), None)?, [""; 0]);
        assert_eq!(
            parsed(folder.path(), Some("/gone"))?,
            ["--cwd /gone: no such folder; relative paths may not be found"]
        );
        Ok(())
    }

    #[test]
    fn prints_lines() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("src"))?;
        std::fs::write(folder.path().join("src/a.c"), "int x\n")?;
        let args = ParseArgs { root: folder.path().to_owned(), cwd: Some("src".into()), command: "gcc a.c".to_owned() };
        let mut output = Vec::new();
        parse(args, &mut "a.c:1:5: error: no semicolon\nb.c:1:1: error: no file\n".as_bytes(), &mut output)?;
        let text = String::from_utf8(output)?;
        let line: Value = serde_json::from_str(text.trim_end())?;
        let expected = json!({
            "type": "diagnostic", "file": "src/a.c", "line": 1, "col": 5, "endLine": null, "endCol": null,
            "severity": "error", "message": "no semicolon", "source": "gcc", "code": null, "test": null,
        });
        assert_eq!(line, expected);
        Ok(())
    }
}
