//! What is cleared away now and then: outputs and results that are old or too much, rows of tasks and edits that nobody asks for
//! any more; once, the memory that the start took.
//! Runs beside the owner, on threads that may block, and tells it nothing: whoever reads an output that is gone is told.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use crate::clock;
use crate::config::BackgroundSettings;
use crate::store::{Store, Write};
use crate::task::model::Timestamp;
use crate::task::process;
use crate::task::sweep_output::{self, Keeping};
use crate::tool::sweep_results;

/// Not at the start itself: the editor waits for its first answers.
const FIRST: Duration = Duration::from_secs(2);
/// Between two times.
const EVERY: Duration = Duration::from_secs(6 * 3_600);
/// Finished tasks that keep their rows, and for how long.
const ROWS: u32 = 2_000;
const ROWS_MS: u64 = 90 * 24 * 3_600 * 1_000;

/// Bytes of the results that are kept in files, and of the edits that can be taken back.
const RESULTS: u64 = 256 << 20;
const CHANGES: u64 = 256 << 20;
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// What the settings say of it.
pub(super) fn keeping(settings: &BackgroundSettings) -> Keeping {
    Keeping { days: settings.keep_output_days, total: settings.output_total }
}

/// Clears away below `runs` and `results` until nobody sends settings any more.
pub(super) async fn keep_house(store: Store, runs: PathBuf, results: PathBuf, mut settings: watch::Receiver<Keeping>) {
    let mut pause = FIRST;
    let mut is_first = true;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            changed = settings.changed() => match changed {
                Ok(()) => {}
                Err(_) => return,
            }
        }
        pause = EVERY;
        let now = clock::now();
        let before = Timestamp(now.0.saturating_sub(ROWS_MS));
        store.write(Write::ForgetTasks { keep: ROWS, before });
        store.write(Write::ForgetChanges { keep: CHANGES, before });
        // Without the list nothing is nameless.
        let (known, sessions) = (store.task_ids().await.ok(), store.session_ids().await.ok());
        let (runs, results, keeping) = (runs.clone(), results.clone(), *settings.borrow_and_update());
        let forgets = std::mem::take(&mut is_first);
        let work = move || {
            let swept = sweep_output::sweep(&runs, keeping, known.as_ref(), now);
            let kept = sweep_results::Keeping { age: DAY * keeping.days, total: RESULTS };
            let at = SystemTime::UNIX_EPOCH + Duration::from_millis(now.0);
            sweep_results::sweep(&results, kept, sessions.as_ref(), at);
            if forgets {
                process::forget_start();
            }
            swept
        };
        let swept = tokio::task::spawn_blocking(work).await;
        if let Ok(swept) = swept
            && swept.outputs > 0
        {
            tracing::info!(outputs = swept.outputs, bytes = swept.bytes, left = swept.used, "old outputs are removed");
        }
    }
}
