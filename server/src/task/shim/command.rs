//! Starts the command: which shell, in which folder, and what is said when that cannot be.

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal};

use crate::task::link::{MARKER, Spec};
use crate::task::model;

/// Starts the command in a session of its own and returns its pid, or why it cannot start and what to do.
pub fn start(spec: &Spec, stdin: Stdio, output: &File) -> Result<Pid, String> {
    check_folder(&spec.cwd)?;
    let (shell, name) = shell(&spec.env).ok_or(
        "Neither bash nor sh was found on the PATH. Install one, or put its folder on the PATH of Pillion's environment.",
    )?;
    let theirs = || output.try_clone().map(Stdio::from).map_err(|error| explain(&error));
    let mut command = Command::new(shell);
    command.arg0(name).arg("-c").arg(&spec.command).current_dir(&spec.cwd).env_clear();
    command.envs(spec.env.iter().map(|(key, value)| (key, value))).env(MARKER, &spec.marker);
    command.stdin(stdin).stdout(theirs()?).stderr(theirs()?);
    let shim = rustix::process::getpid();
    let terminal = spec.stdin == model::Stdin::Pty;
    // SAFETY: between fork and exec only system calls are made: no allocation, no lock.
    unsafe {
        command.pre_exec(move || prepare(shim, terminal));
    }
    let child = command.spawn().map_err(|error| explain(&error))?;
    Ok(Pid::from_child(&child))
}

/// Runs in the child just before the shell.
fn prepare(shim: Pid, terminal: bool) -> io::Result<()> {
    // What the editor ignores (a hang-up, an interrupt) is no business of the command.
    for number in 1..=libc::SIGRTMAX() {
        // SAFETY: sets a default action, which needs no handler; a number that has none fails and that is all.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
    // The shim blocks the signals that it reads; a mask goes through fork and exec.
    // SAFETY: fills a set of this frame and installs it; both calls are allowed after fork.
    unsafe {
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
    rustix::process::setsid()?;
    if terminal {
        rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
    }
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // The shim may have died before that call; then nobody would ever send the signal.
    if rustix::process::getppid() != Some(shim) {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    Ok(())
}

fn check_folder(cwd: &Path) -> Result<(), String> {
    let at = cwd.display();
    match cwd.metadata() {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(format!("The working directory {at} is not a directory. Start the task in a folder.")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("The working directory {at} does not exist. Start the task in a folder that exists."))
        }
        Err(error) => Err(format!(
            "The working directory {at} cannot be opened ({error}). Start the task in a folder that you may enter."
        )),
    }
}

/// bash or sh, by the PATH that the command will have and then where every system has it.
fn shell(env: &[(String, String)]) -> Option<(PathBuf, &'static str)> {
    let path = env.iter().rev().find(|(key, _)| key == "PATH").map_or("", |(_, value)| value);
    let folders = || std::env::split_paths(path).chain(["/bin", "/usr/bin"].map(PathBuf::from));
    ["bash", "sh"].into_iter().find_map(|name| {
        folders().filter(|folder| folder.is_absolute()).map(|folder| folder.join(name)).find_map(|file| {
            let metadata = file.metadata().ok()?;
            (metadata.is_file() && metadata.permissions().mode() & 0o111 != 0).then_some((file, name))
        })
    })
}

fn explain(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::E2BIG) => {
            "The command and its environment are too long for the system. Put the command into a script.".to_owned()
        }
        Some(libc::EAGAIN) => format!(
            "The system allows no more processes ({error}). End some, or raise the limit (`ulimit -u`), and start again."
        ),
        Some(libc::EMFILE | libc::ENFILE) => {
            format!("Too many files are open ({error}). End some tasks, or raise the limit (`ulimit -n`).")
        }
        Some(libc::ENOMEM) => format!("There is not enough memory ({error}). End some programs and start again."),
        Some(libc::EACCES) => {
            format!("The shell or the working directory may not be used ({error}). Check their permissions.")
        }
        _ => format!("The command could not be started ({error}). Try it in a terminal in the same folder."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_the_remedy() {
        let missing = check_folder(Path::new("/does/not/exist")).unwrap_err();
        assert_eq!(
            missing,
            "The working directory /does/not/exist does not exist. Start the task in a folder that exists."
        );
        let file = check_folder(Path::new("/proc/self/stat")).unwrap_err();
        assert_eq!(file, "The working directory /proc/self/stat is not a directory. Start the task in a folder.");
    }

    #[test]
    fn the_commands_own_path_decides() {
        let folder = tempfile::tempdir().unwrap();
        let bash = folder.path().join("bash");
        std::fs::write(&bash, "").unwrap();
        std::fs::set_permissions(&bash, std::fs::Permissions::from_mode(0o700)).unwrap();
        let env = [("PATH".to_owned(), folder.path().display().to_string())];
        assert_eq!(shell(&env), Some((bash, "bash")));
    }
}
