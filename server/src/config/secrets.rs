//! Writes `keys.toml`: one provider's key is set or taken out, and every other line stays as it is. The file is replaced
//! as a whole, readable by its owner alone. Knows no running provider; keys are in no error's text.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use toml::de::DeTable;

use super::services::SOURCES;

/// The most bytes of the file.
const FILE_CAP: usize = 1024 * 1024;

/// The providers that a key can be stored for, for messages.
pub fn words() -> String {
    let words: Vec<String> = SOURCES.iter().map(|source| format!("`{}`", source.word)).collect();
    words.join(", ")
}

/// Stores a provider's key in the file at `path`, or takes it out. Blocks on the disk. The error names the file and the
/// remedy.
pub fn store(path: &Path, word: &str, secret: Option<&SecretString>) -> Result<(), String> {
    let failed = |what: &dyn std::fmt::Display| format!("{} cannot be changed: {what}", path.display());
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(&error)),
    };
    if text.is_empty() && secret.is_none() {
        return Ok(());
    }
    if text.len() > FILE_CAP {
        return Err(failed(&"it is larger than 1 MiB"));
    }
    let new = changed(&text, word, secret).map_err(|what| failed(&what))?;
    replace(path, &new).map_err(|error| failed(&error))
}

/// The text with that key set, or without it.
fn changed(text: &str, word: &str, secret: Option<&SecretString>) -> Result<String, String> {
    let table = DeTable::parse(text).map_err(|error| {
        let line = text[..error.span().map_or(0, |span| span.start.min(text.len()))].matches('\n').count() + 1;
        format!("line {line} is no TOML; correct that line")
    })?;
    let entry = table.get_ref().iter().find(|(key, _)| key.get_ref() == word);
    let span: Option<Range<usize>> = entry.map(|(key, value)| key.span().start..value.span().end);
    let line = secret.map(|secret| format!("{word} = {}", toml::Value::from(secret.expose_secret())));
    let new = match (span, line) {
        (Some(span), Some(line)) => format!("{}{line}{}", &text[..span.start], &text[span.end..]),
        (Some(span), None) => {
            let start = text[..span.start].rfind('\n').map_or(0, |end| end + 1);
            let end = text[span.end..].find('\n').map_or(text.len(), |length| span.end + length + 1);
            format!("{}{}", &text[..start], &text[end..])
        }
        // In front: behind a table's head it would be the table's.
        (None, Some(line)) => format!("{line}\n{text}"),
        (None, None) => text.to_owned(),
    };
    // What was written has to say what was meant: a key in a table, or one that goes over several lines, does not.
    let read = DeTable::parse(&new).ok();
    let found = read.as_ref().and_then(|table| {
        table.get_ref().iter().find(|(key, _)| key.get_ref() == word).map(|(_, value)| value.get_ref().as_str())
    });
    match (found, secret) {
        (Some(Some(found)), Some(secret)) if found == secret.expose_secret() => Ok(new),
        (None, None) if read.is_some() => Ok(new),
        _ => Err(format!("`{word}` stands there in a form that cannot be edited; write it as one line yourself")),
    }
}

/// Replaces the file, or the one that it is a link to, in one step.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder: PathBuf = path.parent().unwrap_or(Path::new("/")).to_owned();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let new = folder.join(format!(".keys-{}.toml", uuid::Uuid::now_v7().simple()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)
    })();
    if written.is_err() {
        // What cannot be removed either holds a key that its owner alone can read.
        let _ = fs::remove_file(&new);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(text: &str, word: &str, secret: Option<&str>) -> String {
        changed(text, word, secret.map(SecretString::from).as_ref()).unwrap_or_else(|error| format!("refused: {error}"))
    }

    #[test]
    fn other_lines_stay() {
        let text = "# mine\nanthropic = \"old\" # from work\n\nopenai = 'sk'\n";
        assert_eq!(
            changes(text, "anthropic", Some("n\"e\\w")),
            "# mine\nanthropic = 'n\"e\\w' # from work\n\nopenai = 'sk'\n"
        );
        assert_eq!(changes(text, "anthropic", None), "# mine\n\nopenai = 'sk'\n");
        assert_eq!(changes(text, "openai", None), "# mine\nanthropic = \"old\" # from work\n\n");
        assert_eq!(changes(text, "openrouter", Some("or")), format!("openrouter = \"or\"\n{text}"));
        assert_eq!(changes(text, "openrouter", None), text);
        assert_eq!(changes("", "openai", Some("sk")), "openai = \"sk\"\n");
        assert_eq!(changes("anthropic = \"a\"", "anthropic", None), "");
        assert_eq!(changes("[later]\nx = 1\n", "openai", Some("sk")), "openai = \"sk\"\n[later]\nx = 1\n");
    }

    #[test]
    fn what_cannot_be_read_is_not_touched() {
        assert_eq!(changes("a = 1\nb = \n", "openai", Some("sk")), "refused: line 2 is no TOML; correct that line");
        assert_eq!(
            changes("openai.key = 'x'\n", "openai", Some("sk")),
            "refused: `openai` stands there in a form that cannot be edited; write it as one line yourself"
        );
    }

    #[test]
    fn the_file_is_its_owners_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("pillion/keys.toml");
        store(&path, "openai", None).expect("nothing to do");
        assert!(!path.exists());
        store(&path, "openai", Some(&SecretString::from("sk"))).expect("stored");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("a mode");
        store(&path, "anthropic", Some(&SecretString::from("ant"))).expect("stored");
        assert_eq!(fs::read_to_string(&path).expect("a file"), "anthropic = \"ant\"\nopenai = \"sk\"\n");
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().expect("a folder"))), (0o600, 0o700));
        assert_eq!(
            fs::read_dir(path.parent().expect("a folder")).expect("a folder").count(),
            1,
            "nothing is left over"
        );
        // A link stays one.
        let real = dir.path().join("real.toml");
        fs::rename(&path, &real).expect("moved");
        std::os::unix::fs::symlink(&real, &path).expect("a link");
        store(&path, "openai", None).expect("removed");
        assert_eq!(fs::read_to_string(&real).expect("a file"), "anthropic = \"ant\"\n");
        assert!(fs::symlink_metadata(&path).expect("it is there").is_symlink());
    }
}
