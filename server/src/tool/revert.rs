//! Taking edits back: first everything is worked out on what the files hold now, then it is done, through the editor where
//! a file is open. What somebody wrote since stays; where that cannot be told apart, nothing is changed at all.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::change::change;
use super::files::{Present, blocking, fingerprint, look, on_disk, shown, unseen};
use super::{Context, Fingerprint};
use crate::agent::change::{Change, Chosen, Conflict, MadeFolder, Standing};
use crate::workspace::documents::same_text;
use crate::workspace::editor::DocumentEdit;

/// Why nothing (more) was taken back. The kinds are words for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `edited_since`, `not_found`, `too_large`, `not_written`.
    pub kind: &'static str,
    pub message: String,
    pub remedy: &'static str,
}

/// A file that was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub path: PathBuf,
    /// Links followed.
    pub real: PathBuf,
    /// What identifies its text now; `None` when it was removed, and where the model had not read what was there.
    pub seen: Option<Fingerprint>,
    /// What a person must know besides, if anything.
    pub note: String,
}

/// What was taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reverted {
    /// The changes as they stand now.
    pub changes: Vec<Change>,
    pub files: Vec<File>,
    /// Where it did not get to the end.
    pub failed: Option<Refused>,
}

/// One file's part of the work.
struct Plan {
    present: Present,
    text: Option<String>,
    changes: Vec<Change>,
}

/// Takes the chosen ones of `changes` back, newest first. These are all changes of the files that are meant, oldest first.
/// Of the folders that edits have `made`, those go that are empty then.
pub async fn revert(
    changes: &[Change],
    chosen: &Chosen,
    made: &[MadeFolder],
    context: &Context,
) -> Result<Reverted, Refused> {
    let mut plans = Vec::new();
    let mut done = BTreeSet::new();
    for newest in changes.iter().rev().filter(|change| chosen.takes(change)) {
        if done.insert(newest.path.clone()) {
            let of_file: Vec<&Change> = changes.iter().filter(|change| change.path == newest.path).collect();
            plans.extend(plan(&of_file, chosen, context).await?);
        }
    }
    if plans.is_empty() {
        return Err(Refused {
            kind: "not_found",
            message: "there is no such edit that is still to be taken back".into(),
            remedy: "pillion/change/list shows what there is and how it stands.",
        });
    }
    if let Some(left) = plans.iter().find(|plan| chosen.gone && plan.text != plan.present.text) {
        return Err(edited(format!("{} still has the agent's edit", shown(context, &left.present.path))));
    }
    let mut reverted = Reverted::default();
    for Plan { present, text, changes } in plans {
        let (path, real) = (present.path.clone(), present.real.clone());
        // What somebody wrote beside it the model has not read.
        let seen = text.as_deref().map(fingerprint).filter(|_| unseen(context, &present).is_none());
        let note = match text {
            text if text == present.text => Ok(String::new()), // somebody has done it
            None => remove(context, present, made).await,
            Some(text) => change(context, present, text, 1).await.map(|output| output.text),
        };
        match note {
            Ok(note) => {
                reverted.files.push(File { path, real, seen, note });
                reverted.changes.extend(changes);
            }
            Err(message) => {
                let remedy = "What was taken back so far stays so; try the rest again.";
                reverted.failed = Some(Refused { kind: "not_written", message, remedy });
                break;
            }
        }
    }
    Ok(reverted)
}

/// What a file becomes; `None` where nothing is to be done.
async fn plan(of_file: &[&Change], chosen: &Chosen, context: &Context) -> Result<Option<Plan>, Refused> {
    let path = of_file[0].path.clone();
    let name = shown(context, &path);
    let present = look(context, path).await.and_then(|found| found.map_err(|why| why.tell(&name)));
    let present = present.map_err(edited)?;
    let mut plan = Plan { text: present.text.clone(), present, changes: Vec::new() };
    let wanted = wanted(of_file, chosen);
    for (at, hunks) in wanted.into_iter().enumerate().rev() {
        let change = of_file[at];
        if hunks.is_empty() {
            continue;
        }
        if change.omitted > 0 {
            return Err(Refused {
                kind: "too_large",
                message: format!("the edit of {name} was too large to be kept ({} bytes)", change.omitted),
                remedy: "Use the editor's own undo, or version control.",
            });
        }
        match change.without(&hunks, plan.text.as_deref()) {
            Ok(text) => plan.text = text,
            Err(conflict) => {
                let later = of_file[at + 1..].iter().rev().find(|later| {
                    !plan.changes.iter().any(|taken| taken.id == later.id)
                        && later.standing(later.hunks().len()) != Standing::Reverted
                });
                return Err(edited(told(&name, conflict, later.copied())));
            }
        }
        let mut change = change.clone();
        change.accepted.retain(|hunk| !hunks.contains(hunk));
        change.reverted.extend(hunks);
        plan.changes.push(change);
    }
    Ok((!plan.changes.is_empty()).then_some(plan))
}

/// The hunks that are meant, for each change of a file. A hunk that is named is taken back also where it was accepted; its
/// number counts through all changes of its turn.
pub fn wanted(of_file: &[&Change], chosen: &Chosen) -> Vec<BTreeSet<usize>> {
    let mut first = 0;
    of_file
        .iter()
        .map(|change| {
            if !chosen.takes(change) {
                return BTreeSet::new();
            }
            let count = change.hunks().len().max(1);
            let own = (0..count).filter(|hunk| match chosen.hunk {
                Some(named) => first + hunk == named && change.hunk_standing(*hunk) != Standing::Reverted,
                None => change.hunk_standing(*hunk) == Standing::Pending,
            });
            let own = own.collect();
            first += count;
            own
        })
        .collect()
}

fn edited(message: String) -> Refused {
    let remedy = "Nothing was taken back. Undo it in the editor, or take back the other hunks or files one by one.";
    Refused { kind: "edited_since", message, remedy }
}

fn told(name: &str, conflict: Conflict, later: Option<&Change>) -> String {
    let later =
        later.map(|later| format!(" (the later turn {} changed that file too: take that back first)", later.turn));
    let later = later.unwrap_or_default();
    match conflict {
        Conflict::Edited(line) => format!("{name} was edited since at line {line}, where the agent's edit is{later}"),
        Conflict::Ambiguous(line) => {
            format!("{name} was edited since, and what stands around line {line} is there more than once{later}")
        }
        Conflict::File => format!("{name} was removed or made anew since{later}"),
    }
}

/// Removes a file that the agent made, and that is as it was left, and the folders that edits made and that hold nothing
/// else. An open document is emptied first, so that it is no unsaved text of a file that is gone.
async fn remove(context: &Context, present: Present, made: &[MadeFolder]) -> Result<String, String> {
    let name = shown(context, &present.path);
    let mut note = String::new();
    let left = present.text.clone().unwrap_or_default();
    if let Some(document) = present.document.filter(|document| document.is_dirty() || context.editor.can_save()) {
        let dirty = document.is_dirty();
        let edit = DocumentEdit {
            uri: document.uri.clone(),
            version: document.version,
            old_text: document.text.to_string(),
            new_text: String::new(),
            label: format!("Pillion: undo {name}"),
        };
        context
            .editor
            .apply(edit)
            .await
            .map_err(|why| format!("The editor did not take the change of {name}: {why}."))?;
        if !dirty && context.editor.can_save() {
            // Its removal is what counts.
            let _ = context.editor.save(&document.path).await;
        } else if dirty {
            note = format!("{name} is empty in the editor, and not saved.");
        }
    }
    let (path, real) = (present.path.clone(), present.real.clone());
    let made: Vec<MadeFolder> = made.iter().filter(|made| path.starts_with(&made.path)).cloned().collect();
    blocking(move || match on_disk(&real) {
        Ok(Some(disk)) if disk.is_empty() || same_text(&disk, &left) => {
            fs::remove_file(&real)?;
            // Only one that is empty can be removed so.
            let made = path.ancestors().skip(1).take_while(|folder| is_made(folder, &made));
            made.take_while(|folder| fs::remove_dir(folder).is_ok()).for_each(drop);
            Ok::<(), std::io::Error>(())
        }
        // Something else is on disk: it is not the agent's.
        _ => Ok(()),
    })
    .await?
    .map_err(|error| format!("{name} could not be removed: {error}."))?;
    context.editor.changed_on_disk(std::slice::from_ref(&present.path));
    Ok(note)
}

/// Whether this folder is one that an edit made, and not another one that somebody put in its place since. A link is none.
fn is_made(folder: &Path, made: &[MadeFolder]) -> bool {
    let Ok(found) = fs::symlink_metadata(folder) else { return false };
    // Where the file system does not say since when it is there, its name has to do.
    let born = found.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok()).map(|born| born.as_millis());
    let is_as_old = |made: &MadeFolder| born.is_none_or(|born| born <= Duration::from_millis(made.by.0).as_millis());
    found.is_dir() && made.iter().any(|made| made.path == folder && is_as_old(made))
}
