//! Picks out of what a failed step printed the part that says what failed, so that it can be told once more at the end,
//! where a reader of a long log looks first. Pure.

use crate::terminal;

/// The most lines that are told again of one step, and characters of a line.
const MOST_LINES: usize = 60;
const MOST_CHARS: usize = 400;
/// Lines from where a Rust test panicked: what it says, both sides of an assertion.
const PANIC_LINES: usize = 4;

/// Mocha's list of failures, or else the lines that name a failure or say its panic, and the last ones; without colours.
pub fn told(text: &str) -> String {
    let text = terminal::plain(text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let told = match lines.iter().rposition(|line| is_mochas_sum(line)) {
        Some(list) => lines[list..].iter().take(MOST_LINES).copied().collect(),
        None => named_and_last(&lines),
    };
    told.iter()
        .map(|line| line.get(..line.floor_char_boundary(MOST_CHARS)).unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

/// `  2 failing`: what follows is the list.
fn is_mochas_sum(line: &str) -> bool {
    line.trim().strip_suffix(" failing").is_some_and(|number| number.parse::<u64>().is_ok())
}

/// Lines such as `FAIL [ 0.1s] pillion a::test` and panics anywhere, then the end.
fn named_and_last<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let last = lines.len().saturating_sub(MOST_LINES / 3);
    let is_failure = |line: &str| {
        let first = line.split_whitespace().next().unwrap_or_default();
        ["FAIL", "TIMEOUT", "SIGKILL", "SIGABRT", "SIGSEGV"].contains(&first) || first.starts_with("error")
    };
    let mut told: Vec<&str> = Vec::new();
    let mut of_panic = 0;
    for line in &lines[..last] {
        if line.contains("' panicked at ") || line.contains(") panicked at ") {
            of_panic = PANIC_LINES;
        }
        // A runner may repeat its failures at the end.
        if (of_panic > 0 || is_failure(line)) && !told.contains(line) {
            told.push(line);
        }
        of_panic = of_panic.saturating_sub(1);
    }
    told.truncate(MOST_LINES - MOST_LINES / 3);
    told.extend_from_slice(&lines[last..]);
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mochas_list_is_told_from_its_sum_on() {
        let text = "  a page\n    1) opens\n    \u{1b}[32m✔\u{1b}[0m closes\n\n  1 passing (2s)\n  1 failing\n\n  1) a page opens:\n     Error: no row\n";
        assert_eq!(told(text), "  1 failing\n  1) a page opens:\n     Error: no row");
    }

    #[test]
    fn a_failure_far_from_the_end_is_told_before_the_end() {
        let passed = "PASS [ 0.1s] a test\n".repeat(100);
        let failed = "        FAIL [ 0.2s] pillion store::keeps\n\n    thread 'keeps' (7) panicked at src/store.rs:3:5:\n    \
                      assertion `left == right` failed\n      left: 1\n     right: 2\n    stack backtrace:\n";
        let told = told(&format!("{passed}{failed}{passed}{failed}{passed}     Summary [ 9s] 201 tests run\n"));
        let named = "        FAIL [ 0.2s] pillion store::keeps\n    thread 'keeps' (7) panicked at src/store.rs:3:5:\n    \
                     assertion `left == right` failed\n      left: 1\n     right: 2\n";
        assert!(told.starts_with(named), "{told}");
        assert!(told.ends_with("Summary [ 9s] 201 tests run"), "{told}");
        assert_eq!(told.lines().count(), named.lines().count() + MOST_LINES / 3);
    }

    #[test]
    fn what_is_told_is_bounded() {
        let many: String = (0..1000).map(|number| format!("FAIL {number}\n")).collect();
        assert_eq!(told(&many).lines().count(), MOST_LINES);
        assert_eq!(told(&"ö".repeat(1000)).len(), MOST_CHARS);
        assert_eq!(told(""), "");
    }
}
