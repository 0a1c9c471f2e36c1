//! What `go test` prints of an example whose output differs: `got:`, the output, `want:`, the comment's. No place is
//! printed. Knows nothing of tests that log.

use crate::matcher::scope::keep;

/// Lines of both outputs that are read.
const MAX_LINES: usize = 400;
/// Lines of one of them that stand in the message.
const MAX_SHOWN: usize = 3;

/// An example's two outputs, so far.
pub(super) struct Example {
    pub(super) test: String,
    got: Vec<String>,
    /// `None` until `want:` was read.
    want: Option<Vec<String>>,
    pub(super) detail: String,
}

impl Example {
    pub(super) fn new(test: String) -> Self {
        Self { test, got: Vec::new(), want: None, detail: "got:".to_owned() }
    }

    /// Takes a line below `got:`; false when it is none of the example's.
    pub(super) fn line(&mut self, line: &str) -> bool {
        let is_over = ["FAIL", "PASS", "ok  \t", "--- ", "=== ", "exit status ", "panic: "]
            .iter()
            .any(|start| line.starts_with(start));
        if is_over || self.got.len() + self.want.as_ref().map_or(0, Vec::len) > MAX_LINES {
            return false;
        }
        keep(&mut self.detail, line);
        match &mut self.want {
            None if line == "want:" => self.want = Some(Vec::new()),
            None => self.got.push(line.to_owned()),
            Some(want) => want.push(line.to_owned()),
        }
        true
    }

    /// Both sides in one line, from where they differ; `None` when it did not end.
    pub(super) fn message(&self) -> Option<String> {
        let want = self.want.as_ref()?;
        let same = self.got.iter().zip(want).take_while(|(got, want)| got == want).count();
        let shown = |lines: &[String]| {
            let lines: Vec<&str> = lines.iter().skip(same).take(MAX_SHOWN).map(|line| line.trim()).collect();
            if lines.is_empty() { "nothing more".to_owned() } else { lines.join(" ") }
        };
        Some(format!("got: {}, want: {}", shown(&self.got), shown(want)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_from_where_they_differ() {
        for (lines, message) in [
            (&["2", "want:", "3"][..], Some("got: 2, want: 3")),
            (&["a", "b", "want:", "a", "c"], Some("got: b, want: c")),
            (&["a", "want:", "a", "b"], Some("got: nothing more, want: b")),
            (&["a"], None),
        ] {
            let mut example = Example::new("ExampleHops".to_owned());
            assert!(lines.iter().all(|line| example.line(line)));
            assert!(!example.line("FAIL"));
            assert_eq!(example.message().as_deref(), message);
        }
    }
}
