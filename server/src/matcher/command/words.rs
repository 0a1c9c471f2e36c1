//! A command line as words: a reader, not a shell. Knows no program.

/// The simple commands of a line, as words without their quotes.
pub(super) fn parts(line: &str) -> Vec<Vec<String>> {
    let mut parts = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (_, '\\') => word.get_or_insert_default().extend(characters.next()),
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() && c != '\n' => close(&mut parts, word.take()),
            (None, '&' | '|' | ';' | '\n' | '(' | ')' | '{' | '}') => {
                close(&mut parts, word.take());
                parts.push(Vec::new());
            }
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    close(&mut parts, word);
    parts.retain(|part| !part.is_empty());
    parts
}

fn close(parts: &mut [Vec<String>], word: Option<String>) {
    if let (Some(part), Some(word)) = (parts.last_mut(), word) {
        part.push(word);
    }
}
