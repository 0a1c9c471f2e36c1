//! Carrying out a change of one file: through the editor where the file is open, else on disk. A clean document stays
//! clean; a person's unsaved text is never saved for them.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::files::{Present, blocking, fingerprint, on_disk, shown};
use super::{Context, Location, Output};
use crate::agent::history::FileDiff;
use crate::workspace::documents::same_text;
use crate::workspace::editor::DocumentEdit;

const UNSAVED: &str = "The editor holds unsaved text of the person's in this file: the edit is in the editor, not on disk, \
                       and commands still see the old text until it is saved.";

/// Makes `new_text` the text of the file. The output has all but the text; its text is what the model must be told
/// besides, if anything.
pub(super) async fn change(context: &Context, present: Present, new_text: String, line: u32) -> Result<Output, String> {
    let name = shown(context, &present.path);
    let can_save = context.editor.can_save();
    let through_editor = present.document.filter(|document| document.is_dirty() || can_save || present.foreign);
    let (mut note, mut new_folders) = (String::new(), 0);
    if let Some(document) = through_editor {
        let edit = DocumentEdit {
            uri: document.uri.clone(),
            version: document.version,
            old_text: document.text.to_string(),
            new_text: new_text.clone(),
            label: format!("Pillion: {name}"),
        };
        context.editor.apply(edit).await.map_err(|why| {
            format!(
                "The editor did not take the change of {name}: {why}. Nothing was changed. Read the file and try again."
            )
        })?;
        if document.is_dirty() {
            note = UNSAVED.into();
        } else if !can_save {
            note = "The edit is in the editor, not on disk: commands still see the old text until the person saves it."
                .into();
        } else if let Err(why) = context.editor.save(&document.path).await {
            note = format!(
                "The edit is in the editor, but it could not be saved: {why}. Commands still see the old text until it is saved."
            );
        } else {
            let (path, written) = (document.path.clone(), new_text.clone());
            let saved =
                blocking(move || matches!(on_disk(&path), Ok(Some(disk)) if !same_text(&disk, &written))).await?;
            if saved && !present.foreign {
                note =
                    "The editor changed the text while saving it (a formatter, it seems): read the file again.".into();
            }
        }
    } else {
        let (path, text) = (present.path.clone(), new_text.clone());
        new_folders = blocking(move || write_file(&path, text.as_bytes()))
            .await?
            .map_err(|error| format!("{name} could not be written: {error}. Nothing was changed."))?;
        context.editor.changed_on_disk(std::slice::from_ref(&present.path));
    }
    Ok(Output {
        text: note,
        seen: vec![(present.real, fingerprint(&new_text))],
        locations: vec![Location { path: present.path.clone(), line: Some(line) }],
        diffs: vec![FileDiff { path: present.path, old_text: present.text, new_text, new_folders }],
        ..Output::default()
    })
}

/// Writes a file so that nobody ever sees half of it: a new file beside it takes its place. A link stays, and its target
/// is written; the mode and, where possible, the owner stay. Says how many folders it made.
fn write_file(path: &Path, bytes: &[u8]) -> io::Result<u32> {
    let missing = path.ancestors().skip(1).take_while(|folder| !folder.exists()).count();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    replace(path, bytes).map(|()| u32::try_from(missing).unwrap_or(0))
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let real = match path.canonicalize() {
        Ok(real) => real,
        // A link to nothing: its target is made.
        Err(_) if path.is_symlink() => return fs::write(path, bytes),
        Err(_) => path.to_owned(),
    };
    let old = fs::metadata(&real).ok();
    if old.is_some() {
        // A rename would pass over the mark "read-only".
        rustix::fs::access(&real, rustix::fs::Access::WRITE_OK)?;
    }
    // Another name of the same file must not be left with the old text.
    if old.as_ref().is_some_and(|old| old.nlink() > 1) {
        return fs::write(&real, bytes);
    }
    let name = real.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy().into_owned();
    let beside = real.with_file_name(format!(".{name}.{}", uuid::Uuid::now_v7().simple()));
    match put(&beside, bytes, old.as_ref()).and_then(|()| fs::rename(&beside, &real)) {
        Err(error) => {
            let _ = fs::remove_file(&beside);
            let in_place = matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidFilename);
            if in_place { fs::write(&real, bytes) } else { Err(error) }
        }
        done => done,
    }
}

fn put(path: &Path, bytes: &[u8], old: Option<&fs::Metadata>) -> io::Result<()> {
    // A private file's text is private from the first byte.
    let mode = if old.is_some() { 0o600 } else { 0o666 };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    if let Some(old) = old {
        let new = file.metadata()?;
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            // The file would change hands: better written in place.
            std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()))?;
        }
        file.set_permissions(Permissions::from_mode(old.mode() & 0o7777))?;
    }
    Ok(())
}
