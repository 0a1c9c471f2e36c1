//! What a failed assertion of jest, Playwright, Vitest or mocha says in one line: both sides of it. Knows lines of an error alone.

/// The first line on either side of a printed difference: expected (`-`), received (`+`). `swapped` where `+` is expected.
pub(super) fn difference(lines: &[String], swapped: bool) -> Option<String> {
    let side = |sign: char| {
        let of = |line: &&String| {
            let line = line.trim_start();
            line.strip_prefix(sign).is_some_and(|text| !is_heading(text.trim()))
        };
        let text = lines.iter().find(of)?.trim_start().trim_start_matches(sign).trim().trim_end_matches(',');
        (!text.is_empty()).then(|| text.to_owned())
    };
    let (expected, received) = if swapped { (side('+'), side('-')) } else { (side('-'), side('+')) };
    match (expected, received) {
        (Some(expected), Some(received)) => Some(format!("Expected: {expected}, Received: {received}")),
        (Some(expected), None) => Some(format!("Expected: {expected}")),
        (None, Some(received)) => Some(format!("Received: {received}")),
        (None, None) => None,
    }
}

/// `- Expected  - 2`, `+ actual - expected`: what names the sides.
fn is_heading(text: &str) -> bool {
    text.is_empty()
        || ["Expected", "Received", "Snapshot", "actual", "expected"].iter().any(|word| text.starts_with(word))
}

/// True for a line of a code frame: `> 12 |   expect(…)`, `     |   ^`, Vitest's `    13|   expect(…)`.
pub(super) fn is_code(line: &str) -> bool {
    let text = line.trim_start();
    let text = text.strip_prefix("> ").unwrap_or(text).trim_start();
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let bar = rest.trim_start();
    bar.starts_with('|') && (rest.len() < text.len() || line.starts_with(' ')) && !bar.starts_with("||")
}

/// The values that jest prints below `expect(received).toBe(expected)`, at most three.
pub(super) fn sides(lines: &[String]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut lines = lines.iter().map(|line| line.trim()).peekable();
    while let Some(line) = lines.next() {
        let is_side = ["Expected", "Received", "Resolved", "Rejected", "Thrown", "Error name", "Error message"]
            .iter()
            .any(|word| line.starts_with(word));
        if !is_side || parts.len() >= 3 {
            continue;
        }
        let below = lines.peek().filter(|next| line.ends_with(':') && !next.is_empty());
        // Values are aligned below each other.
        let (name, beside) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
        let value = below.copied().unwrap_or_else(|| beside.trim_start());
        parts.push(if value.is_empty() { line.to_owned() } else { format!("{name}: {value}") });
    }
    parts.join(", ")
}

/// One line for a failure of jest or Playwright.
pub(super) fn message(lines: &[String]) -> String {
    let Some(at) = lines.iter().position(|line| !line.trim().is_empty()) else { return "failed".to_owned() };
    let (first, rest) = (lines[at].trim(), &lines[at + 1..]);
    if first.starts_with("expect(")
        || first.starts_with("expect.")
        || first.starts_with("assert.")
        || first.starts_with("AssertionError: assert")
    {
        let first = first.split(" // ").next().unwrap_or(first);
        let sides = sides(rest);
        if !sides.is_empty() {
            return format!("{first}: {sides}");
        }
        return difference(rest, false).map_or_else(|| first.to_owned(), |sides| format!("{first}: {sides}"));
    }
    let first = first.strip_prefix("thrown: \"").unwrap_or(first);
    first.strip_prefix("Error: ").unwrap_or(first).trim_end_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn both_sides() {
        let lines =
            owned(&["- Expected  - 1", "+ Received  + 1", "", "  {", "-   \"a\": 3,", "+   \"a\": 2.5,", "  }"]);
        assert_eq!(difference(&lines, false).as_deref(), Some("Expected: \"a\": 3, Received: \"a\": 2.5"));
        let lines = owned(&["+ expected - actual", "", "-3", "+4"]);
        assert_eq!(difference(&lines, true).as_deref(), Some("Expected: 4, Received: 3"));
        assert_eq!(difference(&owned(&["no difference"]), false), None);
        assert_eq!(
            sides(&owned(&["Expected: 4", "Received: 3", "", "Number of calls: 1"])),
            "Expected: 4, Received: 3"
        );
        assert_eq!(sides(&owned(&["Received:", "  3"])), "Received: 3");
    }

    #[test]
    fn code() {
        assert!(is_code("    > 12 |   expect(1)") && is_code("         |   ^") && is_code("     13|   expect(1)"));
        assert!(!is_code("Expected: 1 | 2") && !is_code("a || b"));
    }
}
