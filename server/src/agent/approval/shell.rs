//! The shell's grammar: a command line taken apart into its simple commands, each with its words, its assignments and its
//! redirections, those of substitutions and here-documents among them. It expands nothing, judges nothing and knows no
//! program.
//!
//! Invariants: what it understands, it understands as bash does; everything else is an error, never a guess. It neither
//! panics nor recurses deeper than [`DEPTH`], and its time grows with the length of the text.

mod commands;
mod words;

/// The most bytes of a command line.
const LONGEST: usize = 64 * 1024;

/// How deep commands may nest, substitutions and compound commands together.
const DEPTH: usize = 24;

/// The most simple commands of a line.
const MOST_PARTS: usize = 2_000;

/// A command line, taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// Every simple command that may run, in the order of the text.
    pub parts: Vec<Part>,
    /// The names of functions that it defines; their commands are among `parts`.
    pub functions: Vec<String>,
    /// What can run code that does not stand in the text, each as the end of "it …".
    pub hidden: Vec<&'static str>,
    /// Nothing but `&&` joins its commands, so that each runs only when all before it have succeeded.
    pub is_straight: bool,
}

/// One simple command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    pub assignments: Vec<Assignment>,
    /// The program and its arguments; empty for assignments or redirections alone.
    pub words: Vec<Word>,
    pub redirections: Vec<Redirection>,
    /// Its standard input is another command's output.
    pub is_piped: bool,
    /// It runs in the shell of the line itself: not in a substitution, a subshell, a pipeline, a loop, a branch or the
    /// background.
    pub is_outer: bool,
}

/// `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    pub name: String,
    pub value: Word,
}

/// Where a redirection leads.
#[derive(Clone, Debug, PartialEq)]
pub enum Redirection {
    /// `<`.
    Read(Word),
    /// `>`, `>>`, `>|`, `&>`, `<>`.
    Write(Word),
    /// Text of the command line itself: a here-document or a here-string.
    Text(Word),
}

/// A word as it was written, and what it is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Word {
    pub raw: String,
    pub pieces: Vec<Piece>,
}

/// A piece of a word.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Text that stays as it is, quotes taken off.
    Text(String),
    /// An unquoted `*`, `?` or `[`.
    Glob(char),
    /// An unquoted `~` at the word's beginning, with the name after it.
    Home(String),
    /// `$NAME`, `${NAME…}`.
    Variable(String),
    /// `$(…)`, backquotes, `<(…)`: its commands are among the script's parts.
    Substitution,
    /// `$((…))`.
    Arithmetic,
    /// `{a,b}`.
    Braces,
}

impl Word {
    /// The text, when nothing in it is expanded.
    pub fn literal(&self) -> Option<&str> {
        match &self.pieces[..] {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text, with `placeholder` for everything that is expanded but the marks of globs.
    pub fn text(&self, placeholder: &str) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Glob(mark) => text.push(*mark),
                Piece::Home(name) => {
                    text.push('~');
                    text.push_str(name);
                }
                _ => text.push_str(placeholder),
            }
        }
        text
    }

    /// A word that says just this.
    pub fn plain(text: &str) -> Self {
        Self { raw: quoted(text), pieces: vec![Piece::Text(text.to_owned())] }
    }

    fn push(&mut self, char: char) {
        match self.pieces.last_mut() {
            Some(Piece::Text(text)) => text.push(char),
            _ => self.pieces.push(Piece::Text(char.into())),
        }
    }

    /// Quotes make a word of nothing.
    fn quote(&mut self) {
        if !matches!(self.pieces.last(), Some(Piece::Text(_))) {
            self.pieces.push(Piece::Text(String::new()));
        }
    }
}

/// A word as the shell needs it.
pub fn quoted(text: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "_-./:=@%+,^".contains(char);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Takes a command line apart. The error says what is not understood, as the end of "it cannot be understood: …".
pub fn parse(text: &str) -> Result<Script, String> {
    if text.len() > LONGEST {
        return Err(format!("it is longer than {} KiB", LONGEST / 1024));
    }
    if let Some(char) = text.chars().find(|char| is_deceiving(*char)) {
        return Err(deceives(char));
    }
    let mut script = Script { is_straight: true, ..Script::default() };
    Parser::new(text, 0, &mut script).script()?;
    Ok(script)
}

/// Characters that make a text look other than it is, wherever they stand: controls, marks that turn its direction.
fn is_deceiving(char: char) -> bool {
    (char.is_control() && !matches!(char, '\n' | '\t'))
        || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters that outside of quotes are taken for nothing, for a blank or for an operator, and are none to the shell.
fn is_taken_for_another(char: char) -> bool {
    (char.is_whitespace() && !char.is_ascii())
        || matches!(char, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2065}' | '\u{feff}')
        || matches!(char, '\u{37e}' | '；' | '｜' | '＆' | '＜' | '＞' | '（' | '）' | '＄' | '｀' | '＃')
}

fn deceives(char: char) -> String {
    format!("it holds the character U+{:04X}, which is not seen as what it is", u32::from(char))
}

/// Reads one text; the commands go into the script.
struct Parser<'a> {
    text: Vec<char>,
    at: usize,
    depth: usize,
    script: &'a mut Script,
    /// Here-documents whose text comes after the end of this line.
    documents: Vec<Document>,
    /// How many here-documents have been announced whose text has not been read.
    announced: usize,
    /// More than 0 where the commands that are read run in a place of their own.
    inner: usize,
}

/// A here-document that was announced.
struct Document {
    part: usize,
    delimiter: String,
    /// Nothing in it is expanded.
    is_quoted: bool,
    /// `<<-`: tabs at the beginning of lines do not count.
    is_indented: bool,
}

type Parsed<T> = Result<T, String>;

impl<'a> Parser<'a> {
    fn new(text: &str, depth: usize, script: &'a mut Script) -> Self {
        Self { text: text.chars().collect(), at: 0, depth, script, documents: Vec::new(), announced: 0, inner: depth }
    }

    fn script(&mut self) -> Parsed<()> {
        self.list()?;
        match self.peek() {
            None if self.documents.is_empty() => Ok(()),
            None => Err("a here-document has no text".into()),
            Some(char) => Err(unexpected(char)),
        }
    }

    /// Goes one level deeper for `read`.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEPTH {
            return Err("it nests too deeply".into());
        }
        self.depth += 1;
        self.inner += 1;
        let read = read(self);
        self.depth -= 1;
        self.inner -= 1;
        read
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn peek_at(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn take(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at += 1;
        Some(char)
    }

    fn follows(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, char)| self.peek_at(ahead) == Some(char))
    }

    /// Takes the text when it follows.
    fn eat(&mut self, text: &str) -> bool {
        let follows = self.follows(text);
        if follows {
            self.at += text.chars().count();
        }
        follows
    }

    fn raw(&self, from: usize) -> String {
        self.text[from..self.at].iter().collect()
    }
}

fn unexpected(char: char) -> String {
    match char {
        '\n' => "an unexpected end of a line".into(),
        char => format!("an unexpected `{char}`"),
    }
}
