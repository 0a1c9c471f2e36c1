//! Finds a Python test's function by its name, and the test around a line, in a file's text.

use crate::matcher::place::Column;
use crate::matcher::scope::Scope;
use crate::problem::Place;
use std::path::PathBuf;

/// Line, column and end column (characters) of `def` or `class` lines that declare `name`.
fn declares(line: &str, name: &str) -> Option<(u32, u32)> {
    let text = line.trim_start();
    let indent = line.len() - text.len();
    let text_start = text.strip_prefix("async ").unwrap_or(text).trim_start();
    let rest = text_start.strip_prefix("def ").or_else(|| text_start.strip_prefix("class "))?.trim_start();
    let after = rest.strip_prefix(name)?;
    if after.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let column = (indent + text.len() - rest.len()) as u32 + 1;
    Some((column, column + name.chars().count() as u32))
}

/// Where `TestTax::test_many[5]` is declared: line, column, end column.
pub(super) fn declared(text: &str, domain: &str) -> Option<(u32, u32, u32)> {
    let domain = domain.split('[').next().unwrap_or(domain);
    let mut lines = text.lines().enumerate();
    let mut found = None;
    for name in domain.split("::") {
        found = Some(lines.find_map(|(at, line)| declares(line, name).map(|(from, to)| (at as u32 + 1, from, to)))?);
    }
    found
}

/// The place of a test's function in its file.
pub(super) fn test_place(scope: &Scope, file: PathBuf, domain: &str) -> Option<Place> {
    let text = scope.files.read(&file)?;
    let (line, from, to) = declared(&text, domain)?;
    Some(scope.at(file, line, Some(Column::Chars(from)), Some(Column::Chars(to))))
}

/// The test around a line, as `TestTax::test_many`; `None` when the line is in no test.
pub(super) fn enclosing_test(text: &str, line: u32) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    let mut indent = usize::MAX;
    let lines: Vec<&str> = text.lines().take(line as usize).collect();
    for line in lines.iter().rev() {
        let text = line.trim_start();
        let here = line.len() - text.len();
        if text.is_empty() || here >= indent {
            continue;
        }
        let text = text.strip_prefix("async ").unwrap_or(text);
        let Some(rest) = text.strip_prefix("def ").or_else(|| text.strip_prefix("class ")) else {
            if indent == usize::MAX {
                indent = here + 1;
            }
            continue;
        };
        indent = here;
        names.push(rest.split(['(', ':', ' ']).next().unwrap_or_default());
    }
    names.reverse();
    let test = names.iter().position(|name| name.starts_with("test"))?;
    Some(names[..=test].join("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "import x\n\ndef helper():\n    pass\n\nclass TestA:\n    def test_b(self):\n        x = 1\n        assert x\n\nasync def test_b():\n    pass\n";

    #[test]
    fn finds() {
        assert_eq!(declared(TEXT, "TestA::test_b[1-x]"), Some((7, 9, 15)));
        assert_eq!(declared(TEXT, "helper"), Some((3, 5, 11)));
        assert_eq!(declared(TEXT, "test_c"), None);
        assert_eq!(enclosing_test(TEXT, 9).as_deref(), Some("TestA::test_b"));
        assert_eq!(enclosing_test(TEXT, 12).as_deref(), Some("test_b"));
        assert_eq!(enclosing_test(TEXT, 4), None);
    }
}
