//! One entry of what a test logs, and the one line that says it. Knows no test.

/// `    cart_test.go:12: text`, with the lines that go on with it.
#[derive(Default)]
pub(super) struct Log {
    /// As it is printed: without folders.
    pub(super) path: String,
    pub(super) line: u32,
    pub(super) text: Vec<String>,
    pub(super) indent: usize,
}

impl Log {
    /// One line: what testify calls the error, the changed lines of a comparison, else the text.
    pub(super) fn message(&self) -> String {
        let lines: Vec<&str> = self.text.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
        if let Some(at) = lines.iter().position(|line| line.starts_with("Error:")) {
            let mut parts = vec![lines[at]["Error:".len()..].trim()];
            parts.extend(lines[at + 1..].iter().take_while(|line| !line.contains(":      ")).take(3));
            let parts: Vec<String> = parts
                .into_iter()
                .filter(|part| !part.starts_with("Test:"))
                .map(|part| part.replacen("actual  : ", "actual: ", 1))
                .collect();
            let (first, rest) = parts.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
            return if rest.is_empty() { first.to_owned() } else { format!("{} {}", first, rest.join(", ")) };
        }
        let Some((first, rest)) = lines.split_first() else { return String::new() };
        if let Some(other) = rest.first().filter(|next| is_other_side(first, next)) {
            return format!("{first} {other}");
        }
        if !first.ends_with(':') || rest.is_empty() {
            return (*first).to_owned();
        }
        let changed: Vec<&str> = rest.iter().filter(|line| line.starts_with(['-', '+'])).take(4).copied().collect();
        let shown = if changed.is_empty() { rest.iter().take(3).copied().collect() } else { changed };
        format!("{first} {}", shown.join(", "))
    }
}

/// True where the next line of a log has the other side of what the first one says.
fn is_other_side(first: &str, next: &str) -> bool {
    first.ends_with(',')
        || !first.ends_with(':') && ["want", "got", "expected", "actual"].iter().any(|word| next.starts_with(word))
}
