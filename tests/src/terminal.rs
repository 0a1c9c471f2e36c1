//! `pillion run` as a person starts it, with pipes in place of a terminal.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::DEADLINE;
use crate::options::binary;
use crate::process::{Process, wait_readable};
use crate::sandbox::Sandbox;

/// A running `pillion run`.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    process: Process,
    /// What was read of its standard error so far.
    said: Vec<u8>,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Terminal {
    /// Starts it in a folder with further arguments and variables.
    #[track_caller]
    pub fn start(sandbox: &Sandbox, cwd: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let child = Command::new(binary())
            .arg("run")
            .args(arguments)
            .current_dir(cwd)
            .env_clear()
            .envs(sandbox.environment())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("pillion run starts");
        let process = Process::open(child.id()).expect("its process");
        Self { child, process, said: Vec::new() }
    }

    /// Runs one command in the workspace to its end.
    #[track_caller]
    pub fn run(sandbox: &Sandbox, command: &str) -> Ended {
        Self::start(sandbox, &sandbox.workspace(), &["--", command], &[]).wait()
    }

    /// Sends a signal to it alone.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.process.pid).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("the signal is sent");
    }

    /// Waits until its standard error has this text.
    #[track_caller]
    pub fn wait_said(&mut self, text: &str) {
        let stderr = self.child.stderr.as_mut().expect("its standard error");
        while !String::from_utf8_lossy(&self.said).contains(text) {
            let mut chunk = [0_u8; 4096];
            let count = if wait_readable(&*stderr, DEADLINE) { stderr.read(&mut chunk).expect("a read") } else { 0 };
            assert!(count > 0, "it did not say {text:?}: {}", String::from_utf8_lossy(&self.said));
            self.said.extend_from_slice(&chunk[..count]);
        }
    }

    /// Ends it without a word.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Waits for the next line of its standard output.
    #[track_caller]
    pub fn line(&mut self) -> String {
        let stdout = self.child.stdout.as_mut().expect("a pipe");
        let mut line = Vec::new();
        // One byte at a time: the rest is for `wait`.
        while line.last() != Some(&b'\n') {
            let mut byte = [0];
            stdout.read_exact(&mut byte).expect("a line");
            line.push(byte[0]);
        }
        String::from_utf8(line).expect("text")
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(self) -> Ended {
        assert!(self.process.wait_gone(DEADLINE), "pillion run did not end within {DEADLINE:?}");
        let Output { status, stdout, stderr } = self.child.wait_with_output().expect("its output");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Ended { code: status.code(), stdout: text(stdout), stderr: text([self.said, stderr].concat()) }
    }
}
