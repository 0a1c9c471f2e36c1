//! The log: one file a day under the state directory, never stdout. `PILLION_LOG` sets the filter (default `info`).

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use crate::clock;

/// Log files that are kept.
const KEPT: usize = 7;

/// Starts logging into `<state_dir>/log/`. Without a writable folder warnings go to stderr.
pub fn start(state_dir: &Path) {
    let filter = EnvFilter::try_from_env("PILLION_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let dir = state_dir.join("log");
    let file = fs::create_dir_all(&dir).and_then(|()| {
        forget_old(&dir);
        let name = format!("{}.log", clock::now().date());
        OpenOptions::new().create(true).append(true).mode(0o600).open(dir.join(name))
    });
    // Fails only when a subscriber is set already.
    let _ = match file {
        Ok(file) => {
            tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(Mutex::new(file)).try_init()
        }
        Err(_) => tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).try_init(),
    };
}

fn forget_old(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let surplus = files.len().saturating_sub(KEPT);
    for old in files.into_iter().take(surplus) {
        // One that cannot be removed is tried again at the next start.
        let _ = fs::remove_file(old);
    }
}
