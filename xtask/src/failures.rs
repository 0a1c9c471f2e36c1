//! Picks out of what a failed step printed the part that says what failed, so that it can be told once more at the end,
//! where a reader of a long log looks first. Pure.

use crate::terminal;

/// The most lines that are told again of one step.
const MOST_LINES: usize = 60;

/// Mocha's list of failures, or else the lines that name a failure and the last ones; without colours.
pub fn told(text: &str) -> String {
    let text = terminal::plain(text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let Some(list) = lines.iter().rposition(|line| is_mochas_sum(line)) else {
        return named_and_last(&lines);
    };
    lines.iter().skip(list).take(MOST_LINES).copied().collect::<Vec<_>>().join("\n")
}

/// `  2 failing`: what follows is the list.
fn is_mochas_sum(line: &str) -> bool {
    line.trim().strip_suffix(" failing").is_some_and(|number| number.parse::<u64>().is_ok())
}

/// Lines such as `FAIL [ 0.1s] pillion a::test` anywhere, then the end.
fn named_and_last(lines: &[&str]) -> String {
    let last = lines.len().saturating_sub(MOST_LINES / 3);
    let is_failure = |line: &str| {
        let first = line.split_whitespace().next().unwrap_or_default();
        ["FAIL", "TIMEOUT", "SIGKILL", "SIGABRT", "SIGSEGV"].contains(&first) || first.starts_with("error")
    };
    let mut told: Vec<&str> = lines[..last].iter().copied().filter(|line| is_failure(line)).collect();
    told.dedup();
    told.truncate(MOST_LINES - MOST_LINES / 3);
    told.extend_from_slice(&lines[last..]);
    told.join("\n")
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
        let text =
            format!("{passed}        FAIL [ 0.2s] pillion store::keeps\n{passed}     Summary [ 9s] 201 tests run\n");
        let told = told(&text);
        assert!(told.starts_with("        FAIL [ 0.2s] pillion store::keeps\n"), "{told}");
        assert!(told.ends_with("Summary [ 9s] 201 tests run"), "{told}");
        assert_eq!(told.lines().count(), 1 + MOST_LINES / 3);
    }

    #[test]
    fn what_is_told_is_bounded() {
        assert_eq!(told(&"FAIL one\nFAIL two\n".repeat(1000)).lines().count(), MOST_LINES);
        assert_eq!(told(""), "");
    }
}
