//! Reads a piece of a run's output file for people and models. Knows nothing of the run itself: offsets are those of the
//! file as it is now.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::output::resolve;
use super::run::{OutputRange, OutputSlice};

/// Most bytes of one slice, whatever was asked for.
pub const SLICE_CAP: u64 = 1 << 20;

/// Reads a piece of the output at `path`. An offset behind the end (the command cut its own file) gives the empty piece
/// at the end. Fails where the file cannot be read. Blocks; takes time for what it returns, not for the whole file.
pub fn read(path: &Path, range: OutputRange) -> io::Result<OutputSlice> {
    let file = File::open(path)?;
    let total = file.metadata()?.len();
    let (offset, raw) = match range {
        OutputRange::From { offset, limit } => {
            let offset = offset.min(total);
            let mut raw = read_at(&file, offset, limit)?;
            if offset + (raw.len() as u64) < total {
                raw.truncate(end_of_piece(&raw));
            }
            (offset, raw)
        }
        OutputRange::Lines { offset, limit } => {
            let offset = offset.min(total);
            let mut raw = read_at(&file, offset, limit)?;
            match memchr::memrchr(b'\n', &raw) {
                Some(end) => raw.truncate(end + 1),
                None if offset + (raw.len() as u64) < total => raw.truncate(end_of_piece(&raw)),
                None => raw.clear(),
            }
            (offset, raw)
        }
        OutputRange::Tail { lines, limit } => {
            let start = total.saturating_sub(limit.min(SLICE_CAP));
            let raw = read_at(&file, start, total - start)?;
            let skip = start_of_tail(&raw, lines, start > 0);
            (start + skip as u64, raw[skip..].to_vec())
        }
    };
    let next_offset = offset + raw.len() as u64;
    let text = resolve(&raw);
    Ok(OutputSlice { text, offset, next_offset, total_bytes: total, eof: next_offset >= total })
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

#[cfg(test)]
mod tests {
    use std::io::Write;

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
    fn an_offset_behind_the_end_is_the_end() {
        let slice = read(file(b"abc").path(), OutputRange::From { offset: 99, limit: 9 }).unwrap();
        assert_eq!((slice.text.as_str(), slice.offset, slice.next_offset, slice.eof), ("", 3, 3, true));
    }
}
