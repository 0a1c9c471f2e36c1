//! Results that are too long for a model: the whole goes into a file that `read_file` can page through, and the result is
//! its beginning, cut at the end of a line, with what is left and how to get it. The files are private to their owner;
//! the session's housekeeping removes them.

use std::fmt::Write as _;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::files::{MAX_LINE, blocking, count};

/// Bytes of one file; what is above is counted.
const MAX_FILE: usize = 8 << 20;

/// Characters that what is said of the rest may take.
const NOTE: usize = 600;

/// The text, or its beginning with at most `most` characters in all and a word about the rest, which is in a file of
/// `folder`.
pub async fn capped(text: String, most: usize, folder: PathBuf) -> String {
    if text.len() <= most || text.chars().count() <= most {
        return text;
    }
    let head = head(&text, most.saturating_sub(NOTE).max(1)).len();
    let rest = &text[head..];
    let left = format!("{} with {} characters", count(rest.lines().count(), "more line"), rest.chars().count());
    told(&text, head, &left, "", folder).await
}

/// The first `shown` bytes of a text, which end with a line where they can, and where the whole is. `left` says what is
/// left out, `remedy` what can be done besides.
pub(super) async fn told(text: &str, shown: usize, left: &str, remedy: &str, folder: PathBuf) -> String {
    let mut out = text[..shown].to_owned();
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    let whole = text.to_owned();
    let kept = blocking(move || keep(&folder, &whole, shown)).await;
    let kept = kept.and_then(|kept| kept.map_err(|error| error.to_string()));
    let _ = match kept {
        Ok(Kept { path, line, wrapped, cut }) => {
            let wrapped = if wrapped { format!(", lines above {MAX_LINE} characters broken") } else { String::new() };
            let cut = if cut > 0 { format!("; the last {cut} bytes are not kept") } else { String::new() };
            let path = path.display();
            writeln!(out, "({left}: {remedy}read_file {path} with offset {line}; it is the whole result{wrapped}{cut})")
        }
        Err(why) => writeln!(out, "({left}; the whole could not be kept: {why}. Ask for less.)"),
    };
    out
}

/// The beginning of a text of at most `most` characters: whole lines, where one ends in its second half.
fn head(text: &str, most: usize) -> &str {
    let end = text.char_indices().nth(most).map_or(text.len(), |(at, _)| at);
    match text[..end].rfind('\n') {
        Some(line) if line >= end / 2 => &text[..=line],
        _ => &text[..end],
    }
}

struct Kept {
    path: PathBuf,
    /// The line of the file where the rest begins, 1-based.
    line: usize,
    /// Lines were broken, so that all of them can be read.
    wrapped: bool,
    /// Bytes that are not in the file.
    cut: usize,
}

/// Writes a text into a new file; `shown` bytes of it have been told.
fn keep(folder: &Path, text: &str, shown: usize) -> io::Result<Kept> {
    let mut whole = String::with_capacity(text.len().min(MAX_FILE));
    let (mut line, mut wrapped, mut written, mut lines) = (1, false, 0, 0);
    for part in text.split_inclusive('\n') {
        let mut rest = part;
        while !rest.is_empty() {
            // Not in the middle of a line break.
            let end = rest.char_indices().nth(MAX_LINE).map_or(rest.len(), |(at, _)| at);
            let end = if rest[end..].trim_end_matches(['\r', '\n']).is_empty() { rest.len() } else { end };
            if whole.len() + end + 1 > MAX_FILE {
                return put(folder, &whole, Kept { path: PathBuf::new(), line, wrapped, cut: text.len() - written });
            }
            lines += 1;
            if written <= shown {
                line = lines;
            }
            whole.push_str(&rest[..end]);
            written += end;
            rest = &rest[end..];
            if !rest.is_empty() {
                whole.push('\n');
                wrapped = true;
            }
        }
    }
    put(folder, &whole, Kept { path: PathBuf::new(), line, wrapped, cut: 0 })
}

fn put(folder: &Path, text: &str, kept: Kept) -> io::Result<Kept> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join(format!("{}.txt", uuid::Uuid::now_v7().simple()));
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(text.as_bytes())?;
    Ok(Kept { path, ..kept })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use proptest::prelude::*;

    use super::*;

    async fn cap(text: &str, most: usize) -> (String, Option<(String, usize)>) {
        let folder = tempfile::tempdir().unwrap();
        let told = capped(text.to_owned(), most, folder.path().join("results/s1")).await;
        let kept = told.rsplit_once("read_file ").map(|(_, rest)| {
            let (path, rest) = rest.split_once(" with offset ").unwrap();
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
            let parent = Path::new(path).parent().unwrap();
            assert_eq!(std::fs::metadata(parent).unwrap().permissions().mode() & 0o777, 0o700);
            let line: String = rest.chars().take_while(char::is_ascii_digit).collect();
            (std::fs::read_to_string(path).unwrap(), line.parse().unwrap())
        });
        (told, kept)
    }

    #[tokio::test]
    async fn the_rest_of_a_long_result_is_in_a_file() {
        assert_eq!(cap("short", 10).await, ("short".to_owned(), None));
        let text: String = (1..=500).map(|n| format!("line {n} ä\n")).collect();
        let (told, kept) = cap(&text, 1_000).await;
        assert!(told.chars().count() <= 1_000, "{told}");
        let (whole, line) = kept.unwrap();
        assert_eq!(whole, text);
        let shown = told.rsplit_once("\n(").unwrap().0;
        assert_eq!(shown.lines().count() + 1, line, "it goes on where the result ends");
        assert!(text.starts_with(shown) && shown.ends_with(" ä"), "cut at the end of a line: {shown}");
    }

    #[tokio::test]
    async fn one_long_line_can_be_paged_too() {
        let text = "é".repeat(10_000);
        let (told, kept) = cap(&text, 3_000).await;
        let (whole, line) = kept.unwrap();
        assert_eq!(whole.replace('\n', ""), text);
        assert!(whole.lines().all(|line| line.chars().count() <= MAX_LINE));
        assert_eq!(line, 2, "the line in which the rest begins: {told}");
        assert!(told.contains("lines above 2000 characters broken"), "{told}");
    }

    #[tokio::test]
    async fn what_cannot_be_kept_is_counted() {
        let told = capped("x\n".repeat(5_000), 1_000, PathBuf::from("/proc/nowhere")).await;
        assert!(told.contains("could not be kept") && told.chars().count() <= 1_000, "{told}");
        let big = "0123456789\n".repeat((9 << 20) / 11);
        let (told, kept) = cap(&big, 1_000).await;
        let kept = kept.unwrap().0.len();
        assert!(kept <= MAX_FILE);
        assert!(told.contains(&format!("the last {} bytes are not kept", big.len() - kept)), "{told}");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_wherever_it_is_cut(text in "[aä😀\n]{0,40}", most in 1usize..40) {
            let shown = head(&text, most);
            prop_assert!(text.starts_with(shown) && shown.chars().count() <= most);
            prop_assert!(!shown.is_empty() || text.is_empty());
        }
    }
}
