//! The grammar of words: quotes, expansions, substitutions. What a substitution runs goes into the script's parts.

use super::{Parsed, Parser, Part, Piece, Redirection, Word, deceives, is_taken_for_another, unexpected};

/// Characters that end a word.
fn ends_word(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>')
}

impl Parser<'_> {
    /// One word. An error where none begins.
    pub(super) fn word(&mut self) -> Parsed<Word> {
        self.read_word(ends_word)
    }

    /// The right side of `=~`: parentheses and bars are its own.
    pub(super) fn pattern(&mut self) -> Parsed<Word> {
        self.read_word(|char| matches!(char, ' ' | '\t' | '\n' | ';' | '&' | '<' | '>'))
    }

    fn read_word(&mut self, ends: fn(char) -> bool) -> Parsed<Word> {
        let start = self.at;
        let mut word = Word::default();
        while let Some(char) = self.peek() {
            match char {
                '<' | '>' if self.peek_at(1) == Some('(') => {
                    self.at += 2;
                    self.substitution()?;
                    word.pieces.push(Piece::Substitution);
                }
                char if ends(char) => break,
                '\\' => {
                    self.at += 1;
                    match self.take() {
                        Some('\n') => return Err("a word that goes on in the next line".into()),
                        Some(escaped) => word.push(escaped),
                        None => return Err("a `\\` at its end".into()),
                    }
                }
                '\'' => {
                    self.at += 1;
                    word.quote();
                    loop {
                        match self.take() {
                            Some('\'') => break,
                            Some(char) => word.push(char),
                            None => return Err("an unbalanced quote".into()),
                        }
                    }
                }
                '"' => {
                    self.at += 1;
                    self.double_quoted(&mut word)?;
                }
                '`' => self.backquoted(false, &mut word)?,
                '$' => self.dollar(false, &mut word)?,
                '*' | '?' | '[' => {
                    self.at += 1;
                    word.pieces.push(Piece::Glob(char));
                }
                '{' => {
                    self.at += 1;
                    // `{}` is a word of its own, for `find` and `xargs`.
                    if self.peek() == Some('}') {
                        self.at += 1;
                        word.push('{');
                        word.push('}');
                    } else {
                        word.pieces.push(Piece::Braces);
                    }
                }
                '~' if self.at == start => {
                    self.at += 1;
                    let from = self.at;
                    let part_of_name =
                        |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '+' | '.');
                    while self.peek().is_some_and(part_of_name) {
                        self.at += 1;
                    }
                    let name = self.raw(from);
                    word.pieces.push(Piece::Home(name));
                }
                char if is_taken_for_another(char) => return Err(deceives(char)),
                char => {
                    self.at += 1;
                    word.push(char);
                }
            }
        }
        word.raw = self.raw(start);
        if word.raw == "[" {
            word.pieces = vec![Piece::Text("[".into())];
        }
        if word.raw.is_empty() {
            return Err(self.peek().map_or_else(|| "it ends too early".into(), unexpected));
        }
        if self.announced > 0 && word.raw.contains('\n') {
            return Err("a word of several lines beside a here-document".into());
        }
        Ok(word)
    }

    /// After the opening quote, up to the closing one.
    fn double_quoted(&mut self, word: &mut Word) -> Parsed<()> {
        word.quote();
        while let Some(char) = self.peek() {
            match char {
                '"' => {
                    self.at += 1;
                    return Ok(());
                }
                '\\' => self.escaped(&['$', '`', '"', '\\'], word)?,
                '`' => self.backquoted(true, word)?,
                '$' => self.dollar(true, word)?,
                char => {
                    self.at += 1;
                    word.push(char);
                }
            }
        }
        Err("an unbalanced quote".into())
    }

    /// A `\` where only some characters can be escaped.
    fn escaped(&mut self, which: &[char], word: &mut Word) -> Parsed<()> {
        self.at += 1;
        match self.peek() {
            None => return Err("a `\\` at its end".into()),
            Some('\n') => self.at += 1,
            Some(char) if which.contains(&char) => {
                self.at += 1;
                word.push(char);
            }
            Some(_) => word.push('\\'),
        }
        Ok(())
    }

    /// The text of a here-document whose end is not quoted.
    pub(super) fn expanded(&mut self, text: &str) -> Parsed<Word> {
        let mut word = Word { raw: text.to_owned(), pieces: Vec::new() };
        let mut inside = Parser::new(text, self.depth, self.script);
        inside.inner = self.inner + 1;
        while let Some(char) = inside.peek() {
            match char {
                '\\' => inside.escaped(&['$', '`', '\\'], &mut word)?,
                '`' => inside.backquoted(false, &mut word)?,
                '$' => inside.dollar(true, &mut word)?,
                char => {
                    inside.at += 1;
                    word.push(char);
                }
            }
        }
        Ok(word)
    }

    fn dollar(&mut self, in_quotes: bool, word: &mut Word) -> Parsed<()> {
        self.at += 1;
        match self.peek() {
            Some('(') if self.peek_at(1) == Some('(') => {
                self.at += 2;
                self.nested(|parser| parser.arithmetic("))"))?;
                word.pieces.push(Piece::Arithmetic);
            }
            Some('(') => {
                self.at += 1;
                let before = self.script.parts.len();
                self.substitution()?;
                // `"$(cat <<'EOF' …)"`: a text of several lines, written so.
                match self.script.parts.get(before..) {
                    Some([part]) if in_quotes && printed(part).is_some() => {
                        printed(part).unwrap_or_default().chars().for_each(|char| word.push(char));
                    }
                    _ => word.pieces.push(Piece::Substitution),
                }
            }
            Some('{') => {
                self.at += 1;
                let name = self.nested(|parser| parser.parameter(in_quotes))?;
                word.pieces.push(Piece::Variable(name));
            }
            Some('[') => return Err("the old arithmetic `$[`".into()),
            Some('\'') if !in_quotes => {
                self.at += 1;
                word.quote();
                self.ansi_quoted(word)?;
            }
            // A text to be translated.
            Some('"') if !in_quotes => {
                self.at += 1;
                self.double_quoted(word)?;
            }
            Some(char) if char.is_ascii_alphabetic() || char == '_' => {
                let from = self.at;
                while self.peek().is_some_and(|char| char.is_ascii_alphanumeric() || char == '_') {
                    self.at += 1;
                }
                let name = self.raw(from);
                word.pieces.push(Piece::Variable(name));
            }
            Some(char) if char.is_ascii_digit() || "@*#?-$!".contains(char) => {
                self.at += 1;
                word.pieces.push(Piece::Variable(char.into()));
            }
            _ => word.push('$'),
        }
        Ok(())
    }

    /// After `(`: commands up to `)`.
    fn substitution(&mut self) -> Parsed<()> {
        let (from, announced) = (self.at, std::mem::take(&mut self.announced));
        let documents = std::mem::take(&mut self.documents);
        self.nested(Self::list)?;
        if !self.eat(")") {
            return Err(self.peek().map_or_else(|| "an open `$(`".into(), unexpected));
        }
        if self.announced > 0 {
            return Err("a here-document has no text".into());
        }
        if !documents.is_empty() && self.raw(from).contains('\n') {
            return Err("commands of several lines beside a here-document".into());
        }
        (self.announced, self.documents) = (announced, documents);
        Ok(())
    }

    /// A command in backquotes: its text is unescaped once, and then a script of its own.
    fn backquoted(&mut self, in_quotes: bool, word: &mut Word) -> Parsed<()> {
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.take() {
                None => return Err("an unbalanced backquote".into()),
                Some('`') => break,
                Some('\\') => match self.take() {
                    Some(char @ ('$' | '`' | '\\')) => text.push(char),
                    Some('"') if in_quotes => text.push('"'),
                    Some(char) => text.extend(['\\', char]),
                    None => return Err("an unbalanced backquote".into()),
                },
                Some(char) => text.push(char),
            }
        }
        word.pieces.push(Piece::Substitution);
        self.nested(|parser| {
            let mut inside = Parser::new(&text, parser.depth, parser.script);
            inside.inner = parser.inner;
            inside.script()
        })
    }

    /// After `${`, up to `}`: the name of the variable.
    fn parameter(&mut self, in_quotes: bool) -> Parsed<String> {
        if matches!(self.peek(), None | Some(' ' | '\t' | '\n' | '|')) {
            return Err("commands in `${`".into());
        }
        if self.peek() == Some('!') {
            self.hide("reads a variable whose name is not known");
            self.at += 1;
        } else if self.peek() == Some('#') && self.peek_at(1) != Some('}') {
            self.at += 1;
        }
        let from = self.at;
        while self.peek().is_some_and(|char| char.is_ascii_alphanumeric() || char == '_') {
            self.at += 1;
        }
        if self.at == from && self.peek().is_some_and(|char| "@*#?-$!".contains(char)) {
            self.at += 1;
        }
        let name = self.raw(from);
        let operator = self.at;
        if self.peek() == Some('@') && !name.is_empty() {
            self.hide("can run what a variable holds");
        }
        let mut rest = Word::default();
        loop {
            match self.peek() {
                None => return Err("an open `${`".into()),
                Some('}') => break,
                Some('\'') if in_quotes => return Err("a quote in a quoted `${`".into()),
                Some('\'') => {
                    self.at += 1;
                    loop {
                        match self.take() {
                            Some('\'') => break,
                            Some(_) => {}
                            None => return Err("an unbalanced quote".into()),
                        }
                    }
                }
                Some('"') => {
                    self.at += 1;
                    self.double_quoted(&mut rest)?;
                }
                Some('\\') => {
                    self.at += 1;
                    if self.take().is_none() {
                        return Err("an open `${`".into());
                    }
                }
                Some('`') => self.backquoted(in_quotes, &mut rest)?,
                Some('$') => self.dollar(in_quotes, &mut rest)?,
                Some('<' | '>') if self.peek_at(1) == Some('(') => return Err("`<(` in `${`".into()),
                Some(_) => self.at += 1,
            }
        }
        let operation: String = self.text[operator..self.at].iter().collect();
        self.at += 1;
        // A place in a list or in a text is computed.
        let computes = match operation.strip_prefix(':') {
            Some(place) => !place.starts_with(['-', '=', '?', '+']) && !is_number(place),
            None => operation.starts_with('[') && !matches!(operation.as_str(), "[@]" | "[*]") && !is_index(&operation),
        };
        if computes {
            self.hide("computes with words, which can run commands");
        }
        Ok(name)
    }

    /// After its opening, up to `end`. A word in it may hold a command in the variable's value.
    pub(super) fn arithmetic(&mut self, end: &str) -> Parsed<()> {
        let mut rest = Word::default();
        let mut open = 0;
        loop {
            match self.peek() {
                None => return Err("an open `((`".into()),
                Some(')') if open == 0 => {
                    if self.eat(end) {
                        break;
                    }
                    return Err("`((` that is no arithmetic".into());
                }
                Some('(') => {
                    self.at += 1;
                    open += 1;
                }
                Some(')') => {
                    self.at += 1;
                    open -= 1;
                }
                Some('$') => {
                    // The shell counts parentheses and quotes over all of it to see whether it is arithmetic.
                    let from = self.at;
                    self.dollar(true, &mut rest)?;
                    if !is_plain_substitution(&self.raw(from)) {
                        return Err("a substitution in arithmetic that is not plain".into());
                    }
                }
                Some('<' | '>') if self.peek_at(1) == Some('(') => return Err("a substitution in arithmetic".into()),
                Some('\'' | '"' | '\\' | '[' | '`') => return Err("quotes or brackets in arithmetic".into()),
                Some(char) => {
                    if char.is_alphabetic() || char == '_' {
                        self.hide("computes with words, which can run commands");
                    }
                    self.at += 1;
                }
            }
        }
        // What is expanded is computed too.
        if !rest.pieces.is_empty() {
            self.hide("computes with words, which can run commands");
        }
        Ok(())
    }

    /// After `$'`.
    fn ansi_quoted(&mut self, word: &mut Word) -> Parsed<()> {
        loop {
            let char = match self.take() {
                None => return Err("an unbalanced quote".into()),
                Some('\'') => return Ok(()),
                Some('\\') => match self.take() {
                    None => return Err("an unbalanced quote".into()),
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some(char @ ('\\' | '\'' | '"' | '?')) => char,
                    Some('e' | 'E') => '\u{1b}',
                    // Codes may be the parts of a character, or the end of the text.
                    Some(_) => return Err("a character by its code".into()),
                },
                Some(char) => char,
            };
            word.push(char);
        }
    }
}

/// What a command prints, where it prints nothing but a text of the line itself.
fn printed(part: &Part) -> Option<String> {
    let is_cat = matches!(&part.words[..], [only] if only.literal() == Some("cat")) && part.assignments.is_empty();
    match &part.redirections[..] {
        [Redirection::Text(text)] if is_cat => text.literal().map(|text| text.trim_end_matches('\n').to_owned()),
        _ => None,
    }
}

/// One in which parentheses stand in pairs and nothing hides them.
fn is_plain_substitution(text: &str) -> bool {
    let mut open = 0_i32;
    let paired = text.chars().all(|char| {
        open += i32::from(char == '(') - i32::from(char == ')');
        open >= 0 && !"'\"\\`#\n<".contains(char)
    });
    paired && open == 0 && !text.contains(";;")
}

/// `1`, `-1`, `1:2`.
fn is_number(text: &str) -> bool {
    text.chars().all(|char| char.is_ascii_digit() || matches!(char, ' ' | ':' | '-'))
}

/// `[12]` and what comes after it.
fn is_index(text: &str) -> bool {
    let inside = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    inside.is_some_and(|(index, _)| index.chars().all(|char| char.is_ascii_digit()) || matches!(index, "@" | "*"))
}
