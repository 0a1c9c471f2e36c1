//! The grammar of commands: lists, pipelines, compound commands, functions, redirections, here-documents. `words` reads
//! what they are made of.

use super::{Assignment, Document, MOST_PARTS, Parsed, Parser, Part, Piece, Redirection, Word, unexpected};

/// Words that end a list of commands, where one may begin.
const ENDS: &[&str] = &["then", "else", "elif", "fi", "do", "done", "esac", "}"];

/// Words that begin a compound command.
const BEGINS: &[&str] =
    &["if", "while", "until", "for", "case", "select", "function", "coproc", "{", "[[", "!", "time"];

/// A number as it stands, or one that the shell gives.
fn is_number(word: &Word) -> bool {
    match &word.pieces[..] {
        [Piece::Text(text)] => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()),
        [Piece::Variable(name)] => matches!(name.as_str(), "?" | "#"),
        _ => false,
    }
}

impl Parser<'_> {
    /// Commands up to what cannot begin one.
    pub(super) fn list(&mut self) -> Parsed<()> {
        loop {
            self.newlines()?;
            if self.at_end_of_list() {
                return Ok(());
            }
            let from = self.script.parts.len();
            self.and_or()?;
            self.blanks()?;
            match self.peek() {
                Some('\n') => self.script.is_straight = false,
                Some(';') if !self.follows(";;") && !self.follows(";&") => {
                    self.at += 1;
                    self.blanks()?;
                    self.script.is_straight &= self.peek().is_none();
                }
                Some('&') => {
                    self.at += 1;
                    self.script.parts[from..].iter_mut().for_each(|part| part.is_outer = false);
                    self.script.is_straight = false;
                }
                _ => return Ok(()),
            }
        }
    }

    fn at_end_of_list(&self) -> bool {
        match self.peek() {
            None | Some(')') => true,
            Some(';') => self.follows(";;") || self.follows(";&"),
            _ => self.keyword().is_some_and(|word| ENDS.contains(&word.as_str())),
        }
    }

    fn and_or(&mut self) -> Parsed<()> {
        loop {
            self.pipeline()?;
            self.blanks()?;
            if self.eat("||") {
                self.script.is_straight = false;
            } else if !self.eat("&&") {
                return Ok(());
            }
            self.newlines()?;
        }
    }

    fn pipeline(&mut self) -> Parsed<()> {
        if self.eat_keyword("time")? {
            self.eat_keyword("-p")?;
        }
        let mut negated = false;
        while self.eat_keyword("!")? {
            negated = true;
        }
        // The next command runs when this one has failed.
        self.script.is_straight &= !negated;
        let from = self.script.parts.len();
        let mut is_first = true;
        loop {
            let start = self.script.parts.len();
            self.command()?;
            if !is_first {
                self.script.parts[start..].iter_mut().for_each(|part| part.is_piped = true);
            }
            self.blanks()?;
            if self.follows("||") || !(self.eat("|&") || self.eat("|")) {
                break;
            }
            is_first = false;
            self.newlines()?;
        }
        if !is_first {
            self.script.parts[from..].iter_mut().for_each(|part| part.is_outer = false);
        }
        Ok(())
    }

    fn command(&mut self) -> Parsed<()> {
        self.blanks()?;
        let keyword = self.keyword().filter(|word| BEGINS.contains(&word.as_str()));
        let is_compound = self.peek() == Some('(') || keyword.is_some();
        match (self.peek(), keyword.as_deref()) {
            (None, _) => return Err("a command is missing at its end".into()),
            (Some(char @ (';' | '&' | '|' | ')' | '\n')), _) => return Err(unexpected(char)),
            (Some('('), _) => self.nested(Self::parenthesised)?,
            (_, Some("coproc")) => return Err("a coprocess".into()),
            (_, Some("!" | "time")) => return Err("a `!` or `time` in the middle of a pipeline".into()),
            (_, Some("function")) => return self.nested(Self::function_keyword),
            (_, Some("[[")) => self.nested(Self::test)?,
            (_, Some(keyword)) => {
                self.eat_keyword(keyword)?;
                self.nested(|parser| parser.compound(keyword))?;
            }
            _ => return self.simple(),
        }
        if is_compound {
            self.redirections_after()?;
        }
        Ok(())
    }

    /// A command after its keyword.
    fn compound(&mut self, keyword: &str) -> Parsed<()> {
        match keyword {
            "{" => {
                self.list()?;
                self.expect_keyword("}")
            }
            "if" => {
                self.list()?;
                self.expect_keyword("then")?;
                self.list()?;
                while self.eat_keyword("elif")? {
                    self.list()?;
                    self.expect_keyword("then")?;
                    self.list()?;
                }
                if self.eat_keyword("else")? {
                    self.list()?;
                }
                self.expect_keyword("fi")
            }
            "while" | "until" => {
                self.list()?;
                self.loop_body()
            }
            "for" | "select" => self.for_loop(),
            "case" => self.case(),
            other => Err(format!("`{other}` where no command begins")),
        }
    }

    fn loop_body(&mut self) -> Parsed<()> {
        self.newlines()?;
        self.expect_keyword("do")?;
        self.list()?;
        self.expect_keyword("done")
    }

    fn for_loop(&mut self) -> Parsed<()> {
        self.blanks()?;
        if self.eat("((") {
            self.arithmetic("))")?;
        } else {
            let name = self.word()?;
            if !name.literal().is_some_and(is_name) {
                return Err("a loop over something that is no name".into());
            }
            self.newlines()?;
            if self.eat_keyword("in")? {
                while !matches!(self.after_blanks()?, None | Some(';' | '\n')) {
                    self.word()?;
                }
            }
        }
        self.blanks()?;
        if self.peek() == Some(';') {
            self.at += 1;
        }
        self.loop_body()
    }

    fn case(&mut self) -> Parsed<()> {
        self.blanks()?;
        self.word()?;
        self.newlines()?;
        self.expect_keyword("in")?;
        loop {
            self.newlines()?;
            if self.eat_keyword("esac")? {
                return Ok(());
            }
            self.eat("(");
            loop {
                self.blanks()?;
                self.word()?;
                self.blanks()?;
                if !self.eat("|") {
                    break;
                }
            }
            if !self.eat(")") {
                return Err("a pattern of `case` without `)`".into());
            }
            self.list()?;
            let _ = self.eat(";;&") || self.eat(";;") || self.eat(";&");
        }
    }

    fn parenthesised(&mut self) -> Parsed<()> {
        if self.eat("((") {
            return self.arithmetic("))");
        }
        self.eat("(");
        self.list()?;
        if self.eat(")") { Ok(()) } else { Err("an open `(`".into()) }
    }

    fn function_keyword(&mut self) -> Parsed<()> {
        self.eat_keyword("function")?;
        self.blanks()?;
        let name = self.word()?;
        self.blanks()?;
        if self.eat("(") {
            self.blanks()?;
            if !self.eat(")") {
                return Err("a function with something in its parentheses".into());
            }
        }
        self.function_body(&name)
    }

    fn function_body(&mut self, name: &Word) -> Parsed<()> {
        let name = name.literal().ok_or("a function whose name is not known")?;
        self.script.functions.push(name.to_owned());
        self.newlines()?;
        let keyword = self.keyword().filter(|word| BEGINS.contains(&word.as_str()));
        if self.peek() != Some('(') && keyword.is_none() {
            return Err("a function without a body".into());
        }
        self.nested(Self::command)
    }

    /// `[[ … ]]`: what is in it is not judged further than for what it expands.
    fn test(&mut self) -> Parsed<()> {
        self.eat_keyword("[[")?;
        let mut before = Word::default();
        loop {
            match self.after_blanks()? {
                None => return Err("an open `[[`".into()),
                Some('\n') => self.at += 1,
                Some('&' | '|' | '(' | ')' | '<' | '>') => {
                    if self.follows("<(") || self.follows(">(") {
                        self.word()?;
                    } else {
                        self.at += 1;
                    }
                }
                _ => {
                    let word = self.word()?;
                    match word.raw.as_str() {
                        "]]" => break,
                        "-v" => self.hide("computes with words, which can run commands"),
                        "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" => {
                            self.blanks()?;
                            let after = self.word()?;
                            if !is_number(&before) || !is_number(&after) {
                                self.hide("computes with words, which can run commands");
                            }
                        }
                        "=~" => {
                            self.blanks()?;
                            self.pattern()?;
                        }
                        _ => {}
                    }
                    before = word;
                }
            }
        }
        self.add(Part { words: vec![Word::plain("[["), Word::plain("]]")], ..Part::default() })
    }

    pub(super) fn hide(&mut self, what: &'static str) {
        if !self.script.hidden.contains(&what) {
            self.script.hidden.push(what);
        }
    }

    fn add(&mut self, mut part: Part) -> Parsed<()> {
        if self.script.parts.len() >= MOST_PARTS {
            return Err(format!("it is more than {MOST_PARTS} commands"));
        }
        part.is_outer = self.inner == 0;
        self.script.parts.push(part);
        Ok(())
    }

    fn simple(&mut self) -> Parsed<()> {
        let mut part = Part::default();
        // Here-documents of this command wait for its place among the parts.
        let mut documents = Vec::new();
        loop {
            match self.after_blanks()? {
                None | Some(';' | '|' | ')' | '\n') => break,
                Some('&') if !self.follows("&>") => break,
                Some('(') => {
                    let [name] = &part.words[..] else { return Err(unexpected('(')) };
                    if !part.assignments.is_empty() || !part.redirections.is_empty() {
                        return Err(unexpected('('));
                    }
                    let name = name.clone();
                    self.at += 1;
                    self.blanks()?;
                    if !self.eat(")") {
                        return Err(unexpected('('));
                    }
                    return self.function_body(&name);
                }
                _ if self.at_redirection() => self.redirection(&mut part, &mut documents)?,
                _ if part.words.is_empty() => match self.assignment()? {
                    Some(set) => part.assignments.push(set),
                    None => part.words.push(self.word()?),
                },
                _ => part.words.push(self.word()?),
            }
        }
        let at = self.script.parts.len();
        self.documents.extend(documents.into_iter().map(|document| Document { part: at, ..document }));
        self.add(part)
    }

    /// `NAME=VALUE`, `NAME+=VALUE`, `NAME=(…)`, when that follows.
    fn assignment(&mut self) -> Parsed<Option<Assignment>> {
        let name: String =
            self.text[self.at..].iter().take_while(|char| char.is_ascii_alphanumeric() || **char == '_').collect();
        if !is_name(&name) {
            return Ok(None);
        }
        let after = name.len();
        let operator = match (self.peek_at(after), self.peek_at(after + 1)) {
            (Some('='), _) => 1,
            (Some('+'), Some('=')) => 2,
            (Some('['), _) => return Err("an assignment to an element of a list".into()),
            _ => return Ok(None),
        };
        self.at += after + operator;
        let start = self.at;
        if self.eat("(") {
            loop {
                self.newlines()?;
                if self.eat(")") {
                    break;
                }
                if self.peek() == Some('[') {
                    return Err("an assignment to an element of a list".into());
                }
                self.word()?;
            }
            // `x=(a)b` is one word to the shell.
            if !matches!(self.peek(), None | Some(' ' | '\t' | '\n' | ';' | '&' | '|' | ')')) {
                return Err("a list with something after it".into());
            }
            let value = Word { raw: self.raw(start), pieces: vec![Piece::Variable(name.clone())] };
            return Ok(Some(Assignment { name, value }));
        }
        let value = match self.peek() {
            None | Some(' ' | '\t' | '\n' | ';' | '&' | '|' | ')') => Word::default(),
            _ => self.word()?,
        };
        Ok(Some(Assignment { name, value }))
    }

    fn at_redirection(&self) -> bool {
        let digits = self.text[self.at..].iter().take_while(|char| char.is_ascii_digit()).count();
        match self.peek_at(digits) {
            Some('<' | '>') => digits > 0 || self.peek_at(1) != Some('('),
            Some('&') => digits == 0 && self.peek_at(1) == Some('>'),
            _ => false,
        }
    }

    fn redirection(&mut self, part: &mut Part, documents: &mut Vec<Document>) -> Parsed<()> {
        while self.peek().is_some_and(|char| char.is_ascii_digit()) {
            self.at += 1;
        }
        if self.eat("<<<") {
            self.blanks()?;
            let text = self.word()?;
            part.redirections.push(Redirection::Text(text));
            return Ok(());
        }
        if self.eat("<<") {
            let is_indented = self.eat("-");
            self.blanks()?;
            let word = self.word()?;
            // What is expanded anywhere else is the text itself here.
            let is_plain = word.pieces.iter().all(|piece| matches!(piece, Piece::Text(_)));
            let delimiter = word.literal().filter(|delimiter| is_plain && !delimiter.is_empty());
            let delimiter = delimiter.ok_or("a here-document whose end is not known")?.to_owned();
            let is_quoted = word.raw != delimiter;
            self.announced += 1;
            documents.push(Document { part: 0, delimiter, is_quoted, is_indented });
            return Ok(());
        }
        const WRITES: [&str; 6] = ["&>>", "&>", ">>", ">|", "<>", ">"];
        let duplicates = self.eat(">&") || self.eat("<&");
        let writes = duplicates || WRITES.iter().any(|operator| self.eat(operator));
        if !writes {
            self.eat("<");
        }
        if matches!(self.after_blanks()?, None | Some('\n' | ';' | '&' | '|' | ')' | '(')) {
            return Err("a redirection without a target".into());
        }
        let target = self.word()?;
        let is_number = target.literal().is_some_and(|text| {
            let digits = text.strip_suffix('-').unwrap_or(text);
            !text.is_empty() && digits.chars().all(|char| char.is_ascii_digit())
        });
        match (duplicates && is_number, writes) {
            (true, _) => {}
            (false, true) => part.redirections.push(Redirection::Write(target)),
            (false, false) => part.redirections.push(Redirection::Read(target)),
        }
        Ok(())
    }

    /// The redirections of a compound command are a part without words.
    fn redirections_after(&mut self) -> Parsed<()> {
        let (mut part, mut documents) = (Part::default(), Vec::new());
        self.blanks()?;
        while self.at_redirection() {
            self.redirection(&mut part, &mut documents)?;
            self.blanks()?;
        }
        if part == Part::default() && documents.is_empty() {
            return Ok(());
        }
        // Whatever is in it may read what comes in here.
        if !documents.is_empty() || part.redirections.iter().any(|to| matches!(to, Redirection::Text(_))) {
            return Err("a here-document for a whole group of commands".into());
        }
        self.add(part)
    }

    /// Blanks, continued lines and a comment.
    pub(super) fn blanks(&mut self) -> Parsed<()> {
        loop {
            match self.peek() {
                Some(' ' | '\t') => self.at += 1,
                Some('\\') if self.peek_at(1) == Some('\n') => self.at += 2,
                // What came before was an operator or a blank: a word has taken its own `#`.
                Some('#') => {
                    while self.peek().is_some_and(|char| char != '\n') {
                        self.at += 1;
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    fn after_blanks(&mut self) -> Parsed<Option<char>> {
        self.blanks()?;
        Ok(self.peek())
    }

    /// The same, and ends of lines with the here-documents that begin there.
    fn newlines(&mut self) -> Parsed<()> {
        loop {
            self.blanks()?;
            if self.peek() != Some('\n') {
                return Ok(());
            }
            self.at += 1;
            for document in std::mem::take(&mut self.documents) {
                self.document(&document)?;
            }
        }
    }

    fn document(&mut self, document: &Document) -> Parsed<()> {
        self.announced = self.announced.saturating_sub(1);
        let mut body = String::new();
        loop {
            if self.at >= self.text.len() {
                return Err("a here-document without its end".into());
            }
            let start = self.at;
            while self.peek().is_some_and(|char| char != '\n') {
                self.at += 1;
            }
            let mut line = self.raw(start);
            self.at += 1;
            if document.is_indented {
                line = line.trim_start_matches('\t').to_owned();
            }
            if line == document.delimiter {
                break;
            }
            // A line that goes on in the next one may hide the end, or be it.
            if !document.is_quoted && line.ends_with('\\') {
                return Err("a continued line in a here-document".into());
            }
            body += &line;
            body.push('\n');
        }
        self.at = self.at.min(self.text.len());
        let word = if document.is_quoted { Word::plain(&body) } else { self.expanded(&body)? };
        if let Some(part) = self.script.parts.get_mut(document.part) {
            part.redirections.push(Redirection::Text(word));
        }
        Ok(())
    }

    /// The plain word that comes next, for keywords: letters and the marks that are keywords, with an end after them.
    fn keyword(&self) -> Option<String> {
        let word: String = self.text[self.at.min(self.text.len())..]
            .iter()
            .take(10)
            .take_while(|char| char.is_ascii_lowercase() || matches!(char, '{' | '}' | '[' | ']' | '!' | '-'))
            .collect();
        let end = self.peek_at(word.chars().count());
        let ends = matches!(end, None | Some(' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>'));
        (ends && !word.is_empty()).then_some(word)
    }

    fn eat_keyword(&mut self, keyword: &str) -> Parsed<bool> {
        self.blanks()?;
        let found = self.keyword().is_some_and(|word| word == keyword);
        if found {
            self.at += keyword.chars().count();
        }
        Ok(found)
    }

    fn expect_keyword(&mut self, keyword: &str) -> Parsed<()> {
        if self.eat_keyword(keyword)? { Ok(()) } else { Err(format!("a `{keyword}` is missing")) }
    }
}

/// True for what can be the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|char: char| char.is_ascii_digit())
        && text.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}
