//! Reads a piece of a run's output for people and models. Offsets count all bytes that the run has written; `kept` says
//! where the file begins among them. Knows nothing else of the run.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::kept::Kept;
use super::output::resolve;
use super::run::{OutputRange, OutputSlice};

/// Most bytes of one slice, whatever was asked for.
pub const SLICE_CAP: u64 = 1 << 20;

/// A file that is cut again and again is read in the end as it is.
const TRIES: u32 = 3;

/// Reads a piece of the output at `path`. An offset before what is kept gives what is kept from its first byte on; one
/// behind the end gives the empty piece at the end. Fails where the file cannot be read. Blocks; takes time for what it
/// returns, not for the whole file.
pub fn read(path: &Path, range: OutputRange) -> io::Result<OutputSlice> {
    for _ in 1..TRIES {
        let kept = Kept::of(path);
        let slice = read_kept(path, range, kept);
        if Kept::of(path) == kept {
            return slice;
        }
    }
    read_kept(path, range, Kept::of(path))
}

fn read_kept(path: &Path, range: OutputRange, kept: Kept) -> io::Result<OutputSlice> {
    if kept.swept {
        return Ok(swept(kept.from, range));
    }
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let (start, raw, skipped) = match range {
        OutputRange::From { offset, limit } => {
            let start = offset.saturating_sub(kept.from).min(size);
            let mut raw = read_at(&file, start, limit)?;
            if start + (raw.len() as u64) < size {
                raw.truncate(end_of_piece(&raw));
            }
            (start, raw, kept.from.saturating_sub(offset))
        }
        OutputRange::Lines { offset, limit } => {
            let start = offset.saturating_sub(kept.from).min(size);
            let mut raw = read_at(&file, start, limit)?;
            match memchr::memrchr(b'\n', &raw) {
                Some(end) => raw.truncate(end + 1),
                None if start + (raw.len() as u64) < size => raw.truncate(end_of_piece(&raw)),
                None => raw.clear(),
            }
            (start, raw, kept.from.saturating_sub(offset))
        }
        OutputRange::Tail { lines, limit } => {
            let start = size.saturating_sub(limit.min(SLICE_CAP));
            let raw = read_at(&file, start, size - start)?;
            let skip = start_of_tail(&raw, lines, start > 0);
            (start + skip as u64, raw[skip..].to_vec(), 0)
        }
    };
    let (offset, total_bytes) = (kept.from + start, kept.from + size);
    let next_offset = offset + raw.len() as u64;
    let text = resolve(&raw);
    Ok(OutputSlice { text, offset, skipped, next_offset, total_bytes, eof: next_offset >= total_bytes })
}

/// What is said of an output whose file was removed.
fn swept(total: u64, range: OutputRange) -> OutputSlice {
    let skipped = match range {
        OutputRange::From { offset, .. } | OutputRange::Lines { offset, .. } => total.saturating_sub(offset),
        OutputRange::Tail { .. } => total,
    };
    let text = format!(
        "(This output is gone: its {total} bytes were removed to make room. The settings background.keepOutputDays and \
         background.outputTotalBytes say what is kept.)\n"
    );
    OutputSlice { text, offset: total, skipped, next_offset: total, total_bytes: total, eof: true }
}

/// The bytes from `offset`, at most `limit` of them and [`SLICE_CAP`]; fewer where the file is shorter.
pub(super) fn read_at(file: &File, offset: u64, limit: u64) -> io::Result<Vec<u8>> {
    let mut raw = vec![0; usize::try_from(limit.min(SLICE_CAP)).unwrap_or(0)];
    let mut length = 0;
    while length < raw.len() {
        match file.read_at(&mut raw[length..], offset + length as u64) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    raw.truncate(length);
    Ok(raw)
}

/// Where to end a piece that more follows: after the last line in its second half, else after a whole character. Never 0,
/// lest a reader stands still.
fn end_of_piece(raw: &[u8]) -> usize {
    match memchr::memrchr(b'\n', raw) {
        Some(end) if end >= raw.len() / 2 => end + 1,
        _ => {
            let whole = (raw.len().saturating_sub(3)..raw.len())
                .rev()
                .find(|at| !is_continuation(raw[*at]))
                .filter(|at| raw[*at] >= 0xc0 && *at > 0);
            match whole {
                // A character that begins here may be whole: only if it is not does the piece end before it.
                Some(at) if std::str::from_utf8(&raw[at..]).is_err_and(|error| error.error_len().is_none()) => at,
                _ => raw.len(),
            }
        }
    }
}

/// Where the last `lines` lines begin. `torn`: the bytes begin somewhere in the file.
fn start_of_tail(raw: &[u8], lines: u32, torn: bool) -> usize {
    if lines == 0 {
        return raw.len();
    }
    // The end of the last line is no line of its own.
    let body = raw.strip_suffix(b"\n").unwrap_or(raw);
    let before = memchr::memrchr_iter(b'\n', body).nth(lines as usize - 1);
    match before {
        Some(end) => end + 1,
        None if torn => match memchr::memchr(b'\n', body) {
            Some(end) => end + 1,
            None => raw.iter().take(3).take_while(|byte| is_continuation(**byte)).count(),
        },
        None => 0,
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// Bytes of an output in which a line is looked for.
const SEARCHED: u64 = 64 << 20;

/// The first line of an output that has one of these texts, the first text before the others; 0-based, the first line where
/// none has. Blocks.
pub fn line_of(file: &Path, texts: &[String]) -> u32 {
    let mut read = Vec::new();
    let Ok(opened) = File::open(file) else { return 0 };
    if opened.take(SEARCHED).read_to_end(&mut read).is_err() {
        return 0;
    }
    let lines: Vec<String> = read.split(|byte| *byte == b'\n').map(|line| resolve(line)).collect();
    let mut wanted = texts.iter().filter(|text| !text.is_empty());
    let found = wanted.find_map(|text| lines.iter().position(|line| line.contains(text.as_str())));
    found.and_then(|line| u32::try_from(line).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        file
    }

    fn tail(content: &[u8], lines: u32, limit: u64) -> (String, u64) {
        let slice = read(file(content).path(), OutputRange::Tail { lines, limit }).unwrap();
        assert!(slice.eof);
        assert_eq!(slice.next_offset, content.len() as u64);
        (slice.text, slice.offset)
    }

    #[test]
    fn the_last_lines() {
        assert_eq!(tail(b"a\nb\nc\n", 2, 100), ("b\nc\n".into(), 2));
        assert_eq!(tail(b"a\nb\nc", 1, 100), ("c".into(), 4));
        assert_eq!(tail(b"a\nb\n", 9, 100), ("a\nb\n".into(), 0));
        assert_eq!(tail(b"long line\nb\n", 9, 6), ("b\n".into(), 10));
        assert_eq!(tail("ééé".as_bytes(), 9, 3), ("é".into(), 4));
        assert_eq!(tail(b"", 9, 3), (String::new(), 0));
        assert_eq!(tail(b"a\n", 0, 3), (String::new(), 2));
    }

    #[test]
    fn pieces_follow_each_other_and_lose_nothing() {
        let content = "first line\nzweite Zeile ü\n\x1b[1mthird\x1b[0m\n".repeat(50);
        let file = file(content.as_bytes());
        let mut text = String::new();
        let mut offset = 0;
        loop {
            let slice = read(file.path(), OutputRange::From { offset, limit: 37 }).unwrap();
            assert_eq!(slice.offset, offset);
            assert!(slice.next_offset > offset);
            text.push_str(&slice.text);
            offset = slice.next_offset;
            if slice.eof {
                break;
            }
        }
        assert_eq!(text, resolve(content.as_bytes()));
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_are_all_there(
            raw in proptest::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), Just(0), Just(0x1b), Just(0xc3), Just(0xe2), Just(0x80), any::<u8>()],
                0..300,
            ),
            cut in 0_u64..40,
            limit in 1_u64..60,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("output");
            std::fs::write(&path, &raw).unwrap();
            Kept { from: cut, lines: 0, swept: false }.write(&path).unwrap();
            let total = cut + raw.len() as u64;
            let mut offset = 0;
            loop {
                let slice = read(&path, OutputRange::From { offset, limit }).unwrap();
                prop_assert_eq!(slice.offset, offset + slice.skipped);
                prop_assert_eq!(slice.total_bytes, total);
                let piece = &raw[(slice.offset - cut) as usize..(slice.next_offset - cut) as usize];
                prop_assert_eq!(&slice.text, &resolve(piece));
                prop_assert!(serde_json::to_string(&slice.text).is_ok_and(|json| !json.contains('\0')));
                prop_assert!(slice.eof || slice.next_offset > offset);
                offset = slice.next_offset;
                if slice.eof {
                    break;
                }
            }
            prop_assert_eq!(offset, total);
        }
    }

    #[test]
    fn a_piece_ends_at_a_line_or_a_character() {
        let piece = |content: &[u8], limit| {
            let slice = read(file(content).path(), OutputRange::From { offset: 0, limit }).unwrap();
            (slice.text, slice.next_offset, slice.eof)
        };
        assert_eq!(piece(b"abc\ndefgh", 6), ("abc\n".into(), 4, false));
        assert_eq!(piece("aé".repeat(9).as_bytes(), 5), ("aéa".into(), 4, false));
        assert_eq!(piece(b"ab\xff\xff\xff\xffcd", 5), ("ab\u{fffd}\u{fffd}\u{fffd}".into(), 5, false));
        assert_eq!(piece(b"a\0b\xc3", 100), ("ab\u{fffd}".into(), 4, true));
    }

    #[test]
    fn whole_lines_alone() {
        let lines = |content: &[u8], limit| {
            let slice = read(file(content).path(), OutputRange::Lines { offset: 0, limit }).unwrap();
            (slice.text, slice.next_offset, slice.eof)
        };
        assert_eq!(lines(b"a\nb\nopen", 100), ("a\nb\n".into(), 4, false));
        assert_eq!(lines(b"open", 100), (String::new(), 0, false));
        assert_eq!(lines(b"a long line", 4), ("a lo".into(), 4, false));
        assert_eq!(lines(b"a\n", 100), ("a\n".into(), 2, true));
    }

    #[test]
    fn offsets_count_what_was_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output");
        std::fs::write(&path, "second\nthird\n").unwrap();
        Kept { from: 13, lines: 1, swept: false }.write(&path).unwrap();
        let from = |offset, limit| read(&path, OutputRange::From { offset, limit }).unwrap();
        let whole = from(0, 100);
        assert_eq!((whole.text.as_str(), whole.offset, whole.skipped), ("second\nthird\n", 13, 13));
        assert_eq!((whole.next_offset, whole.total_bytes, whole.eof), (26, 26, true));
        let first = from(5, 8);
        assert_eq!((first.text.as_str(), first.offset, first.skipped, first.eof), ("second\n", 13, 8, false));
        let second = from(first.next_offset, 100);
        assert_eq!((second.text.as_str(), second.offset, second.skipped), ("third\n", 20, 0));
        assert_eq!(from(99, 5).offset, 26);
        let tail = read(&path, OutputRange::Tail { lines: 1, limit: 100 }).unwrap();
        assert_eq!((tail.text.as_str(), tail.offset, tail.next_offset, tail.skipped), ("third\n", 20, 26, 0));
    }

    #[test]
    fn a_removed_output_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output");
        Kept { from: 26, lines: 3, swept: true }.write(&path).unwrap();
        let slice = read(&path, OutputRange::From { offset: 6, limit: 100 }).unwrap();
        assert!(slice.text.contains("its 26 bytes were removed"), "{}", slice.text);
        assert_eq!((slice.offset, slice.skipped, slice.total_bytes, slice.eof), (26, 20, 26, true));
    }

    #[test]
    fn an_offset_behind_the_end_is_the_end() {
        let slice = read(file(b"abc").path(), OutputRange::From { offset: 99, limit: 9 }).unwrap();
        assert_eq!((slice.text.as_str(), slice.offset, slice.next_offset, slice.eof), ("", 3, 3, true));
    }
}
