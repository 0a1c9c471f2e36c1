//! A shell script cut into its simple commands, each a list of unquoted words. It judges nothing and expands nothing:
//! `$x` stays as it is written, redirections and here-documents are left out, and the commands inside `$(…)`, backquotes
//! and `<(…)` are commands of the list like all others. Broken quoting ends at the script's end and never fails.

/// How deep substitutions may nest before the rest is ignored.
const DEPTH: usize = 8;

/// Words that come before a command or stand for none.
const KEYWORDS: &[&str] =
    &["if", "then", "elif", "else", "do", "while", "until", "!", "{", "}", "fi", "done", "esac", "coproc"];

/// Words whose simple command runs nothing itself (`for x in a b`, `case $x in`).
const HEADERS: &[&str] = &["for", "select", "case", "function", "[[", "[", "test", "in"];

/// The simple commands of a script, in order.
pub(super) fn simple_commands(script: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    collect(script, 0, &mut commands);
    commands
}

/// True when the script sends a command of its own into the background (`server &`).
pub(super) fn sends_away(script: &str) -> bool {
    let mut commands = Vec::new();
    let mut reader = Reader::new(script, 0, &mut commands);
    reader.read();
    reader.sent_away
}

fn collect(script: &str, depth: usize, commands: &mut Vec<Vec<String>>) {
    if depth < DEPTH {
        Reader::new(script, depth, commands).read();
    }
}

/// What the next word is.
#[derive(PartialEq)]
enum Next {
    Word,
    /// The target of a redirection: left out.
    Target,
    /// The delimiter of a here-document.
    Delimiter,
}

struct Reader<'a> {
    text: Vec<char>,
    at: usize,
    depth: usize,
    commands: &'a mut Vec<Vec<String>>,
    words: Vec<String>,
    word: Option<String>,
    next: Next,
    sent_away: bool,
}

impl<'a> Reader<'a> {
    fn new(script: &str, depth: usize, commands: &'a mut Vec<Vec<String>>) -> Self {
        Self {
            text: script.chars().collect(),
            at: 0,
            depth,
            commands,
            words: Vec::new(),
            word: None,
            next: Next::Word,
            sent_away: false,
        }
    }

    fn read(&mut self) {
        let mut delimiters = Vec::new();
        while let Some(char) = self.take() {
            match char {
                '\n' => {
                    self.end_word(&mut delimiters);
                    self.end_command();
                    self.skip_documents(&mut delimiters);
                }
                ' ' | '\t' | '\r' => self.end_word(&mut delimiters),
                '#' if self.word.is_none() => self.skip_while(|char| char != '\n'),
                '&' if self.peek() == Some('>') => self.end_word(&mut delimiters),
                ';' | '|' | '(' | ')' | '&' => {
                    let before = self.at.checked_sub(2).map(|at| self.text[at]);
                    self.sent_away |= char == '&' && self.peek() != Some('&') && !matches!(before, Some('&' | '|'));
                    self.end_word(&mut delimiters);
                    self.end_command();
                }
                '<' | '>' if self.peek() == Some('(') => {
                    self.at += 1;
                    self.nested(')');
                }
                '<' | '>' => self.redirection(char, &mut delimiters),
                _ => self.part(char),
            }
        }
        self.end_word(&mut delimiters);
        self.end_command();
    }

    /// A piece of a word: quoted, substituted or plain.
    fn part(&mut self, char: char) {
        match char {
            '\\' => match self.take() {
                Some('\n') | None => {}
                Some(escaped) => self.push(escaped),
            },
            '\'' => {
                self.word.get_or_insert_default();
                while let Some(char) = self.take().filter(|&char| char != '\'') {
                    self.push(char);
                }
            }
            '"' => self.double_quoted(),
            '`' => self.nested('`'),
            '$' if self.peek() == Some('(') => {
                self.at += 1;
                self.nested(')');
            }
            char => self.push(char),
        }
    }

    fn double_quoted(&mut self) {
        self.word.get_or_insert_default();
        while let Some(char) = self.take() {
            match char {
                '"' => return,
                '\\' if matches!(self.peek(), Some('"' | '\\' | '$' | '`')) => {
                    let escaped = self.take().unwrap_or_default();
                    self.push(escaped);
                }
                '`' => self.nested('`'),
                '$' if self.peek() == Some('(') => {
                    self.at += 1;
                    self.nested(')');
                }
                char => self.push(char),
            }
        }
    }

    /// The inside of a substitution, up to its end, is a script of its own.
    fn nested(&mut self, end: char) {
        let start = self.at;
        let mut open = 0;
        while let Some(char) = self.take() {
            match char {
                '\\' => self.at += 1,
                '\'' | '"' if end == ')' => self.skip_past(char),
                '(' if end == ')' => open += 1,
                _ if char == end && open == 0 => break,
                ')' if end == ')' => open -= 1,
                _ => {}
            }
        }
        let stop = self.at.min(self.text.len()).saturating_sub(1).max(start);
        let inside: String = self.text[start..stop].iter().collect();
        self.push('$');
        // `$((1 + 2))` computes and runs nothing.
        if !inside.starts_with('(') {
            collect(&inside, self.depth + 1, self.commands);
        }
    }

    fn redirection(&mut self, first: char, delimiters: &mut Vec<String>) {
        if self.word.as_ref().is_some_and(|word| word.chars().all(|char| char.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word(delimiters);
        let start = self.at;
        self.skip_while(|char| matches!(char, '<' | '>' | '&' | '|' | '-'));
        let here = first == '<' && self.at > start && self.text[start] == '<' && self.text.get(start + 1) != Some(&'<');
        self.next = if here { Next::Delimiter } else { Next::Target };
    }

    fn skip_documents(&mut self, delimiters: &mut Vec<String>) {
        for delimiter in delimiters.drain(..) {
            while self.at < self.text.len() {
                let start = self.at;
                self.skip_while(|char| char != '\n');
                let line: String = self.text[start..self.at].iter().collect();
                self.at += 1;
                if line.trim() == delimiter {
                    break;
                }
            }
        }
    }

    fn end_word(&mut self, delimiters: &mut Vec<String>) {
        let Some(word) = self.word.take() else { return };
        match std::mem::replace(&mut self.next, Next::Word) {
            Next::Word => self.words.push(word),
            Next::Target => {}
            Next::Delimiter => delimiters.push(word),
        }
    }

    fn end_command(&mut self) {
        self.next = Next::Word;
        let words = std::mem::take(&mut self.words);
        let keywords = words.iter().take_while(|word| KEYWORDS.contains(&word.as_str())).count();
        let words: Vec<String> = words.into_iter().skip(keywords).collect();
        if words.first().is_some_and(|first| !HEADERS.contains(&first.as_str())) {
            self.commands.push(words);
        }
    }

    fn push(&mut self, char: char) {
        self.word.get_or_insert_default().push(char);
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let char = self.peek();
        self.at += 1;
        char
    }

    fn skip_while(&mut self, wanted: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
    }

    fn skip_past(&mut self, end: char) {
        self.skip_while(|char| char != end);
        self.at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::simple_commands;

    #[test]
    fn scripts_are_cut_into_commands() {
        for (script, expected) in [
            ("cargo test", "cargo·test"),
            ("cd a && npm test; ls", "cd·a | npm·test | ls"),
            ("a|b|&c & d", "a | b | c | d"),
            ("echo \"npm install\" 'a b' c\\ d", "echo·npm install·a b·c d"),
            ("cargo test > out.txt 2>&1", "cargo·test"),
            ("cargo test &> out.txt", "cargo·test"),
            ("cat <<EOF\nnpm install\nEOF\nls", "cat | ls"),
            ("cat <<< npm; ls", "cat | ls"),
            ("echo $(npm test -- \"a)\") x", "npm·test·--·a) | echo·$·x"),
            ("echo \"now: `date -u`\"", "date·-u | echo·now: $"),
            ("diff <(make a) b", "make·a | diff·$·b"),
            ("if make; then ls; fi # make test", "make | ls"),
            ("for x in a b; do npm test; done", "npm·test"),
            ("(cd a; make) || { echo no; }", "cd·a | make | echo·no"),
            ("echo $((1 + 2))", "echo·$"),
            ("echo ${HOME} \"unclosed npm", "echo·${HOME}·unclosed npm"),
            ("a \\\n  b", "a·b"),
            ("", ""),
        ] {
            let got: Vec<String> = simple_commands(script).iter().map(|words| words.join("·")).collect();
            assert_eq!(got.join(" | "), expected, "{script}");
        }
    }
}
