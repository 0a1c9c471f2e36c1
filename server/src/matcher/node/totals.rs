//! The counts with which node:test ends, whichever its reporter.

use crate::problem::Counts;

/// From `# tests 3` to `# duration_ms 12` as TAP; the spec reporter has the same with another mark.
#[derive(Debug, Default)]
pub(in crate::matcher) struct Totals {
    words: Vec<(String, u32)>,
}

impl Totals {
    /// Takes `tests 3` and so on; with `duration_ms` they are complete.
    pub(in crate::matcher) fn take(&mut self, text: &str) -> Option<(Counts, String)> {
        let (word, number) = text.split_once(' ')?;
        if word == "duration_ms" {
            let words = std::mem::take(&mut self.words);
            let get = |name: &str| words.iter().find(|(word, _)| word == name).map(|(_, number)| *number);
            get("tests")?;
            let sum = |names: &[&str]| names.iter().filter_map(|name| get(name)).sum();
            let counts = Counts {
                passed: sum(&["pass"]),
                failed: sum(&["fail", "cancelled"]),
                skipped: sum(&["skipped", "todo"]),
            };
            let parts: Vec<String> = words.iter().map(|(word, number)| format!("{word} {number}")).collect();
            return Some((counts, parts.join(", ")));
        }
        if matches!(word, "tests" | "suites" | "pass" | "fail" | "cancelled" | "skipped" | "todo") {
            if word == "tests" {
                self.words.clear();
            }
            self.words.push((word.to_owned(), number.trim().parse().ok()?));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_completes_them() {
        let mut totals = Totals::default();
        for text in ["tests 6", "suites 1", "pass 2", "fail 1", "cancelled 1", "skipped 1", "todo 1", "a line"] {
            assert_eq!(totals.take(text), None, "{text}");
        }
        let (counts, words) = totals.take("duration_ms 12.5").expect("they are complete");
        assert_eq!(counts, Counts { passed: 2, failed: 2, skipped: 2 });
        assert_eq!(words, "tests 6, suites 1, pass 2, fail 1, cancelled 1, skipped 1, todo 1");
        // Without them the time is a comment.
        assert_eq!(totals.take("duration_ms 12.5"), None);
    }
}
