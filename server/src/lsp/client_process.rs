//! The client's process: whether it is still there. A client that crashed says nothing, and its end of the pipe may live
//! on in a process that it started.

use std::time::Duration;

use rustix::process::{Pid, test_kill_process};

/// How often a process is looked at where the system cannot tell.
const POLL: Duration = Duration::from_millis(500);

/// Resolves when the process is gone, at once when there is none. Never for what is no process id.
pub async fn process_gone(pid: i32) {
    let Some(pid) = Some(pid).filter(|pid| *pid > 0).and_then(Pid::from_raw) else {
        return std::future::pending().await;
    };
    #[cfg(target_os = "linux")]
    if told(pid).await.is_ok() {
        return;
    }
    let mut clock = tokio::time::interval(POLL);
    // EPERM: there is one, of another user.
    while test_kill_process(pid) != Err(rustix::io::Errno::SRCH) {
        clock.tick().await;
    }
}

/// Waits on a descriptor of the process, which becomes readable at its end (pidfd_open(2)). `Err`: the system has none.
#[cfg(target_os = "linux")]
async fn told(pid: Pid) -> std::io::Result<()> {
    use rustix::process::{PidfdFlags, pidfd_open};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    let descriptor = match pidfd_open(pid, PidfdFlags::empty()) {
        Err(rustix::io::Errno::SRCH) => return Ok(()),
        opened => opened?,
    };
    // SAFETY: the descriptor is open, is owned by the AsyncFd, and is closed only after it is deregistered.
    let watched = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }?;
    let _ready = watched.readable().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_a_process_is_seen() {
        let mut child = tokio::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let pid = child.id().unwrap() as i32;
        let mut gone = Box::pin(process_gone(pid));
        assert!(futures_util::poll!(gone.as_mut()).is_pending());
        drop(child.stdin.take());
        gone.await;
        child.wait().await.unwrap();
        process_gone(pid).await;
    }

    #[tokio::test]
    async fn what_is_no_process_is_never_gone() {
        for pid in [0, -1, i32::MIN] {
            assert!(futures_util::poll!(Box::pin(process_gone(pid))).is_pending(), "{pid}");
        }
    }
}
