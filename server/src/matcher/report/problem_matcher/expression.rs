//! Expressions as VS Code's task files write them, which are JavaScript's, in the regex crate's words. What JavaScript has
//! beyond it (look-around, back-references) stays as it is and is refused by the crate.

/// The same expression for the regex crate.
pub(super) fn translated(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut in_class = false;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let tail = &rest[first.len_utf8()..];
        match (first, tail.chars().next()) {
            // For the crate these are borders of words.
            ('\\', Some(word @ ('<' | '>'))) => {
                out.push(word);
                rest = &tail[1..];
                continue;
            }
            ('\\', Some(escaped)) => {
                out.push('\\');
                out.push(escaped);
                rest = &tail[escaped.len_utf8()..];
                continue;
            }
            ('[', _) if !in_class && tail.starts_with("^]") => {
                out.push_str("[\\s\\S]");
                rest = &tail[2..];
                continue;
            }
            ('[', _) if !in_class => in_class = true,
            (']', _) => in_class = false,
            // The crate's classes nest, and have set operations.
            ('[' | '&' | '~', _) if in_class => out.push('\\'),
            ('{', _) if !in_class && !is_repetition(tail) => out.push('\\'),
            _ => {}
        }
        out.push(first);
        rest = tail;
    }
    out
}

/// True for what follows the `{` of `a{2}`, `a{2,}`, `a{2,3}`.
fn is_repetition(tail: &str) -> bool {
    let Some((inner, _)) = tail.split_once('}') else { return false };
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    !least.is_empty() && (least.to_owned() + most).bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn expressions_of_javascript() {
        for (expression, matching) in [
            (r"^\[([^[]*)\]", "[a]"),
            (r"^{$", "{"),
            (r"^a{2,3}b{0}c{1,}$", "aac"),
            (r"^\<([^>]+)\>: (.*)$", "<a>: b"),
            (r"^\/w\/(.*)\.js$", "/w/a.js"),
            (r"^[&&~]+$", "&~"),
            (r"^a[^]b$", "a\nb"),
            (r"^\u001b\[0m(?<file>[^:]+):$", "\u{1b}[0ma.c:"),
            (r"^[\]\[]x{y}$", "]x{y}"),
        ] {
            let ours = translated(expression);
            let regexp = Regex::new(&ours).unwrap_or_else(|error| panic!("{expression} as {ours}: {error}"));
            assert!(regexp.is_match(matching), "{expression} as {ours} on {matching}");
        }
    }
}
