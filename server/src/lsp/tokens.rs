//! How far a problem reaches of which the tool says only where it begins: over the word that stands there in the text, as
//! the editor has it. Where it is no word, and where the line is unknown, the problem stays as it is.

use std::path::Path;

use super::documents::OpenDocuments;
use crate::problem::Place;
use crate::session::event::ShownProblem;

/// A file longer than this, in bytes, is not read for it.
const LONGEST: u64 = 4 << 20;

/// Ends each problem that has a column alone behind the word at that column.
pub fn cover(problems: &mut [ShownProblem], path: &Path, documents: &OpenDocuments) {
    let mut open: Vec<&mut Place> =
        problems.iter_mut().map(|it| &mut it.problem.place).filter(|it| it.end_column.is_none()).collect();
    open.retain(|place| place.column.is_some());
    if open.is_empty() {
        return;
    }
    let Some(text) = text_of(path, documents) else { return };
    let lines = super::text::lines(&text);
    for place in open {
        let (Some(number), Some(column)) = (place.line, place.column) else { continue };
        let line = number.checked_sub(1).and_then(|at| lines.get(at as usize));
        if let Some(end) = line.and_then(|line| word_end(line, column)) {
            (place.end_line, place.end_column) = (Some(number), Some(end));
        }
    }
}

fn text_of(path: &Path, documents: &OpenDocuments) -> Option<String> {
    if let Some(document) = documents.now().get(path) {
        return Some(document.text.to_string());
    }
    std::fs::metadata(path).ok().filter(|file| file.is_file() && file.len() <= LONGEST)?;
    std::fs::read_to_string(path).ok()
}

/// The column behind the word that begins at a column, both 1-based in UTF-16 units.
fn word_end(line: &str, column: u32) -> Option<u32> {
    let is_part = |char: char| char.is_alphanumeric() || matches!(char, '_' | '$');
    let mut at = 1;
    let mut rest = line.chars();
    while at < column {
        at += rest.next()?.len_utf16() as u32;
    }
    let length: usize = rest.take_while(|char| is_part(*char)).map(char::len_utf16).sum();
    (at == column && length > 0).then(|| column + length as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_ends_where_it_does() {
        for (line, column, end) in [
            ("assert.strictEqual(a, b)", 8, Some(19)),
            ("\tconst a = '😀'; foo(a);", 18, Some(21)),
            ("größe = y", 1, Some(6)),
            ("let 😀x = 1", 6, None),
            ("f(x)", 2, None),
            ("f(x)", 9, None),
            ("", 1, None),
        ] {
            assert_eq!(word_end(line, column), end, "{line} {column}");
        }
    }
}
