//! Rules: what a person (or, tightening only, a repository) has said about calls beforehand. `TOOL(PATTERN)`: parsing,
//! writing, matching. It decides nothing.
//!
//! - `bash(cargo test *)`: the command `cargo test`, alone or with more words. A `*` as the last word stands for any more
//!   words, elsewhere for one; within a word for any characters. Quotes take its meaning away. One command, no operators:
//!   each part of a command line is judged alone.
//! - `edit(src/**)`, `read(~/.ssh/**)`: paths. A pattern without `/` is a name at any depth; one with is anchored at the
//!   workspace's folders, `~/` at the person's home, `/` at the root. `*` stays within a folder, `**` does not.
//!   `edit(workspace)`: everything in the workspace.
//! - `bash`, `edit`, `read` alone: every call of that kind.

use std::fmt;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

use super::paths::{Concern, Ground, is_guarded, is_secret};
use super::shell::{self, Piece, Word, quoted};

/// The longest rule, in bytes.
const LONGEST: usize = 2_000;

/// What kind of call a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Commands: `bash`, `background_run`.
    Bash,
    /// Tools that change files.
    Edit,
    /// Tools that read files or look for them.
    Read,
}

impl Tool {
    const ALL: [(Self, &'static str); 3] = [(Self::Bash, "bash"), (Self::Edit, "edit"), (Self::Read, "read")];

    fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(tool, _)| *tool == self).map_or("", |(_, name)| name)
    }
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    pub tool: Tool,
    pattern: Pattern,
}

#[derive(Clone, Debug)]
enum Pattern {
    Any,
    /// Words, each a pattern of its own; with `more`, any further words.
    Command {
        words: Vec<Vec<Bit>>,
        more: bool,
    },
    Workspace,
    Path {
        text: String,
        glob: Box<GlobMatcher>,
    },
}

/// A piece of a word in a pattern.
#[derive(Clone, Debug, PartialEq)]
enum Bit {
    Text(String),
    Any,
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Rule {}

/// How a rule covers a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cover {
    /// The first word that only a `*` stands for; the number of words when the rule names them all.
    pub named: usize,
}

impl Rule {
    /// The rule for exactly these words; with `more`, for more words after them as well.
    pub fn command(words: &[&str], more: bool) -> Self {
        let words = words.iter().map(|word| vec![Bit::Text((*word).to_owned())]).collect();
        Self { tool: Tool::Bash, pattern: Pattern::Command { words, more } }
    }

    /// Edits of files in the workspace.
    pub fn edits() -> Self {
        Self { tool: Tool::Edit, pattern: Pattern::Workspace }
    }

    /// True for one that stands for one command and no further words: what those mean depends on the folder.
    pub fn is_exact(&self) -> bool {
        matches!(self.pattern, Pattern::Command { more: false, .. })
    }

    /// Reads a rule. The error says what is wrong and how a rule looks.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let shape = "a rule looks like `bash(cargo test *)`, `edit(src/**)` or `read(~/notes/**)`";
        if text.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} bytes; {shape}"));
        }
        let (name, inside) = match text.split_once('(') {
            None => (text, None),
            Some((name, rest)) => {
                let inside =
                    rest.strip_suffix(')').ok_or_else(|| format!("`{text}` does not end with `)`; {shape}"))?;
                (name.trim_end(), Some(inside.trim()))
            }
        };
        let tool = Tool::ALL.iter().find(|(_, known)| *known == name).map(|(tool, _)| *tool);
        let tool = tool.ok_or_else(|| format!("`{name}` is none of `bash`, `edit` and `read`; {shape}"))?;
        let pattern = match (tool, inside) {
            (_, None | Some("*")) => Pattern::Any,
            (_, Some("")) => return Err(format!("there is nothing between the parentheses of `{text}`; {shape}")),
            (Tool::Bash, Some(inside)) => command(inside).map_err(|why| format!("`{text}`: {why}"))?,
            (_, Some("workspace")) => Pattern::Workspace,
            (_, Some(inside)) => path(inside).map_err(|why| format!("`{text}`: {why}"))?,
        };
        Ok(Self { tool, pattern })
    }

    /// Whether the rule stands for these words. What is expanded in them only a `*` stands for.
    pub fn covers(&self, words: &[Word]) -> Option<Cover> {
        self.matches(words, false)
    }

    /// Whether it stands for them, or for what they may become when they are expanded.
    pub fn may_cover(&self, words: &[Word]) -> bool {
        self.matches(words, true).is_some()
    }

    fn matches(&self, words: &[Word], with_unknown: bool) -> Option<Cover> {
        match &self.pattern {
            _ if self.tool != Tool::Bash => None,
            Pattern::Any => Some(Cover { named: 0 }),
            Pattern::Command { words: wanted, more } => {
                let enough = if *more { words.len() >= wanted.len() } else { words.len() == wanted.len() };
                let same = |(wanted, word): (&Vec<Bit>, &Word)| {
                    let unknown = word.literal().is_none();
                    (unknown && with_unknown) || glob(wanted, &word.text("\u{fffd}"))
                };
                (enough && wanted.iter().zip(words).all(same)).then(|| {
                    let plain = |bits: &Vec<Bit>| bits.iter().all(|bit| matches!(bit, Bit::Text(_)));
                    Cover { named: wanted.iter().take_while(|bits| plain(bits)).count() }
                })
            }
            _ => None,
        }
    }

    /// Whether the rule stands for a path.
    pub fn covers_path(&self, tool: Tool, path: &Path, ground: &Ground) -> bool {
        if self.tool != tool {
            return false;
        }
        match &self.pattern {
            Pattern::Any => true,
            Pattern::Workspace => ground.holds(path),
            Pattern::Path { text, glob } => {
                let below = |folder: &Path| path.strip_prefix(folder).is_ok_and(|rest| glob.is_match(rest));
                match text {
                    _ if text.starts_with("~/") => below(&ground.home),
                    _ if text.starts_with('/') => glob.is_match(path),
                    _ if !text.contains('/') => path.file_name().is_some_and(|name| glob.is_match(Path::new(name))),
                    _ => ground.roots.iter().any(|root| below(root)),
                }
            }
            Pattern::Command { .. } => false,
        }
    }

    /// Whether the rule names what is of concern itself, and does not only happen to cover it.
    pub fn names(&self, concern: Concern) -> bool {
        let Pattern::Path { text, .. } = &self.pattern else { return false };
        match concern {
            Concern::Outside => text.starts_with(['~', '/']),
            Concern::Secret => is_secret(Path::new(text)),
            Concern::Guarded => is_guarded(Path::new(text)) || is_guarded(Path::new(text.trim_end_matches("/**"))),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tool = self.tool.as_str();
        match &self.pattern {
            Pattern::Any => f.write_str(tool),
            Pattern::Workspace => write!(f, "{tool}(workspace)"),
            Pattern::Path { text, .. } => write!(f, "{tool}({text})"),
            Pattern::Command { words, more } => {
                let word = |bits: &Vec<Bit>| {
                    let bit = |bit: &Bit| match bit {
                        Bit::Text(text) => quoted(text),
                        Bit::Any => "*".to_owned(),
                    };
                    if bits.is_empty() { "''".to_owned() } else { bits.iter().map(bit).collect::<String>() }
                };
                let mut words: Vec<String> = words.iter().map(word).collect();
                words.extend(more.then(|| "*".to_owned()));
                write!(f, "{tool}({})", words.join(" "))
            }
        }
    }
}

fn command(text: &str) -> Result<Pattern, String> {
    let wanted = "write one command without operators, redirections and expansions";
    let script = shell::parse(text).map_err(|why| format!("{why}; {wanted}"))?;
    let [part] = &script.parts[..] else { return Err(format!("it is more than one command; {wanted}")) };
    if !part.redirections.is_empty() || part.words.is_empty() || !script.functions.is_empty() {
        return Err(wanted.to_owned());
    }
    let set = part.assignments.iter().map(|set| {
        let value = set.value.literal().ok_or_else(|| wanted.to_owned())?;
        Ok(vec![Bit::Text(format!("{}={value}", set.name))])
    });
    let mut words = set.collect::<Result<Vec<Vec<Bit>>, String>>()?;
    for word in &part.words {
        let bit = |piece: &Piece| match piece {
            Piece::Text(text) => Ok(Bit::Text(text.clone())),
            Piece::Glob('*') => Ok(Bit::Any),
            Piece::Glob(mark) => Ok(Bit::Text((*mark).into())),
            _ => Err(wanted.to_owned()),
        };
        let mut bits: Vec<Bit> = Vec::new();
        for piece in &word.pieces {
            match (bits.last_mut(), bit(piece)?) {
                (Some(Bit::Text(before)), Bit::Text(text)) => before.push_str(&text),
                (Some(Bit::Any), Bit::Any) => {}
                (_, bit) => bits.push(bit),
            }
        }
        words.push(bits);
    }
    let any = |word: &Vec<Bit>| word[..] == [Bit::Any];
    let more = words.last().is_some_and(any);
    if more {
        words.pop();
    }
    if words.first().is_none_or(|program| program.contains(&Bit::Any)) {
        return Err("a `*` cannot stand for the program; name it".into());
    }
    Ok(Pattern::Command { words, more })
}

fn path(text: &str) -> Result<Pattern, String> {
    let wanted = "write a path with `*` and `**`, from the workspace's folder, `~/` or `/`";
    if text.split('/').any(|part| part == "..") {
        return Err(format!("`..` leads out of where the pattern is anchored; {wanted}"));
    }
    let text = text.strip_prefix("./").unwrap_or(text);
    let bare = text.strip_prefix("~/").unwrap_or(text);
    // A folder is everything in it.
    let bare = if bare.ends_with('/') { format!("{bare}**") } else { bare.to_owned() };
    let glob = GlobBuilder::new(&bare).literal_separator(true).backslash_escape(true).build();
    let glob = glob.map_err(|error| format!("{}; {wanted}", error.kind()))?.compile_matcher();
    Ok(Pattern::Path { text: text.to_owned(), glob: Box::new(glob) })
}

/// Whether a text is what the bits say; `Any` is any characters. Texts never stand side by side, so that the first place
/// where one fits is as good as any later one.
fn glob(bits: &[Bit], text: &str) -> bool {
    match bits {
        [] => text.is_empty(),
        [Bit::Any] => true,
        [Bit::Any, Bit::Text(end)] => text.ends_with(end.as_str()),
        [Bit::Any, Bit::Text(next), rest @ ..] => {
            text.find(next.as_str()).is_some_and(|at| glob(rest, &text[at + next.len()..]))
        }
        [Bit::Any, rest @ ..] => glob(rest, text),
        [Bit::Text(start), rest @ ..] => text.strip_prefix(start.as_str()).is_some_and(|text| glob(rest, text)),
    }
}

/// What a rule decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allow,
    Ask,
    Deny,
}

impl Decision {
    /// The word for it in settings and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// A rule, what it decides and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub decision: Decision,
    pub rule: Rule,
    /// The file and the line; `None` for one that "always" saved.
    pub place: Option<String>,
    /// What the project's script was when it was allowed: the rule holds as long as it is that.
    pub script: Option<String>,
}

impl Said {
    /// One that a person saved with "always".
    pub fn saved(rule: Rule, script: Option<String>) -> Self {
        Self { decision: Decision::Allow, rule, place: None, script }
    }

    /// For a person: the rule and its place.
    pub fn described(&self) -> String {
        match &self.place {
            Some(place) => format!("`{}` ({place})", self.rule),
            None => format!("`{}`", self.rule),
        }
    }
}
