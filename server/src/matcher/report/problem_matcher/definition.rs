//! Reads a definition from JSON, and says what is wrong with it.

use regex::Regex;
use serde_json::Value;

use super::expression::translated;
use super::named::{named, names};
use crate::problem::{Applies, Severity};

/// Patterns of one matcher.
const MAX_PATTERNS: usize = 20;
/// Bytes of one expression.
const MAX_REGEXP: usize = 4096;
/// Folders that `search` includes or excludes.
const MAX_FOLDERS: usize = 50;
/// How deep a `base` may name another.
const MAX_BASES: usize = 5;

/// A matcher of lines, ready to run.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Who the problems are said to come from.
    pub(super) source: String,
    pub(super) severity: Severity,
    pub(super) location: Location,
    pub(super) patterns: Vec<Pattern>,
    /// Lines that begin and end a cycle of a watching task.
    pub(super) begins: Option<Regex>,
    pub(super) ends: Option<Regex>,
    pub(super) applies: Applies,
}

/// How printed paths are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Location {
    Absolute,
    /// From this folder, with `${workspaceFolder}` and `${cwd}` unreplaced.
    Relative(String),
    /// As it is, else from the folder, else by a search of the workspace.
    AutoDetect(String),
    /// Anywhere below one of these folders, and below none of those.
    Search {
        include: Vec<String>,
        exclude: Vec<String>,
    },
}

/// One line's expression and what its groups are; 0 is the whole match.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) regexp: Regex,
    /// `kind: file`: a problem of the file, without a line.
    pub(super) whole_file: bool,
    pub(super) file: Option<usize>,
    pub(super) location: Option<usize>,
    pub(super) line: Option<usize>,
    pub(super) column: Option<usize>,
    pub(super) end_line: Option<usize>,
    pub(super) end_column: Option<usize>,
    pub(super) severity: Option<usize>,
    pub(super) code: Option<usize>,
    pub(super) message: Option<usize>,
    pub(super) repeats: bool,
}

/// Why a definition cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("problem matcher: `{field}` {what}; {remedy}")]
pub struct Error {
    /// The field, for instance `pattern[1].regexp`.
    pub field: String,
    pub what: String,
    pub remedy: String,
}

fn error(field: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Error {
    Error { field: field.into(), what: what.into(), remedy: remedy.into() }
}

/// Reads one definition: an object of VS Code's `problemMatcher` schema, or the name of a known matcher (`"$tsc"`).
///
/// # Errors
///
/// Says the field, what is wrong with it and what to write instead.
pub fn parse(json: &Value) -> Result<Definition, Error> {
    read(json, MAX_BASES)
}

fn read(json: &Value, bases: usize) -> Result<Definition, Error> {
    let object = match json {
        Value::String(name) => return by_name(name, "problemMatcher", bases),
        Value::Object(object) => object,
        _ => {
            return Err(error(
                "problemMatcher",
                "is no object and no name",
                "give an object with `pattern`, or a name",
            ));
        }
    };
    let base = match object.get("base") {
        None => None,
        Some(Value::String(name)) => Some(by_name(name, "base", bases)?),
        Some(_) => return Err(error("base", "is no text", "name a matcher, for instance \"$tsc\"")),
    };
    let text = |name: &str| match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(error(name, "is no text", "write it in quotes")),
    };
    let patterns = match (object.get("pattern"), &base) {
        (Some(pattern), _) => patterns(pattern)?,
        (None, Some(base)) => base.patterns.clone(),
        (None, None) => return Err(error("pattern", "is missing", "give `pattern` with `regexp`, or a `base`")),
    };
    let severity = match text("severity")?.as_deref() {
        None => base.as_ref().map_or(Severity::Error, |base| base.severity),
        Some(word) => severity(word)
            .ok_or_else(|| error("severity", format!("is `{word}`"), "write \"error\", \"warning\" or \"info\""))?,
    };
    let location = match object.get("fileLocation") {
        None => {
            base.as_ref().map_or_else(|| Location::Relative("${workspaceFolder}".to_owned()), |it| it.location.clone())
        }
        Some(value) => location(value)?,
    };
    let source = match (text("source")?, text("owner")?, &base) {
        (Some(source), ..) | (None, Some(source), _) => source,
        (None, None, Some(base)) => base.source.clone(),
        (None, None, None) => "task".to_owned(),
    };
    let applies = match text("applyTo")?.as_deref() {
        // A known matcher is this server's own: it says whatever no editor says.
        None => base.as_ref().map_or(Applies::All, |base| base.applies),
        Some("allDocuments") => Applies::All,
        Some("openDocuments") => Applies::Open,
        Some("closedDocuments") => Applies::Closed,
        Some(other) => {
            let remedy = "write \"allDocuments\", \"openDocuments\" or \"closedDocuments\"";
            return Err(error("applyTo", format!("is `{other}`"), remedy));
        }
    };
    let (begins, ends) = match object.get("background").or_else(|| object.get("watching")) {
        None => match (text("watchedTaskBeginsRegExp")?, text("watchedTaskEndsRegExp")?) {
            // As old task files write it.
            (Some(begins), Some(ends)) => (
                Some(expression(&begins, "watchedTaskBeginsRegExp")?),
                Some(expression(&ends, "watchedTaskEndsRegExp")?),
            ),
            _ => base.map_or((None, None), |base| (base.begins, base.ends)),
        },
        Some(Value::Object(background)) => {
            let side = |name: &str| {
                let field = format!("background.{name}");
                match background.get(name) {
                    None => Ok(None),
                    Some(Value::String(text)) => expression(text, &field).map(Some),
                    Some(Value::Object(pattern)) => match pattern.get("regexp") {
                        Some(Value::String(text)) => expression(text, &format!("{field}.regexp")).map(Some),
                        _ => Err(error(format!("{field}.regexp"), "is missing", "give the expression in quotes")),
                    },
                    Some(_) => Err(error(field, "is no text", "give an expression, or an object with `regexp`")),
                }
            };
            (side("beginsPattern")?, side("endsPattern")?)
        }
        Some(_) => return Err(error("background", "is no object", "give `beginsPattern` and `endsPattern` in it")),
    };
    Ok(Definition { source, severity, location, patterns, begins, ends, applies })
}

fn by_name(name: &str, field: &str, bases: usize) -> Result<Definition, Error> {
    let unknown = || error(field, format!("names `{name}`, which is not known"), format!("known are {}", names()));
    let text = named(name).filter(|_| bases > 0).ok_or_else(unknown)?;
    let json: Value = serde_json::from_str(text).map_err(|_| unknown())?;
    read(&json, bases - 1)
}

/// A severity by the words and letters that tools print.
pub(super) fn severity(word: &str) -> Option<Severity> {
    match word.to_ascii_lowercase().as_str() {
        "error" | "e" | "fatal" | "fatal error" => Some(Severity::Error),
        "warning" | "warn" | "w" => Some(Severity::Warning),
        "info" | "information" | "i" | "note" => Some(Severity::Information),
        "hint" => Some(Severity::Hint),
        _ => None,
    }
}

fn location(value: &Value) -> Result<Location, Error> {
    let folder = |value: Option<&Value>| match value {
        None => Ok("${workspaceFolder}".to_owned()),
        Some(Value::String(folder)) => Ok(folder.clone()),
        Some(_) => Err(error("fileLocation[1]", "is no text", "write a folder, for instance \"${workspaceFolder}\"")),
    };
    let (word, second) = match value {
        Value::String(word) => (word.as_str(), None),
        Value::Array(parts) => match parts.first() {
            Some(Value::String(word)) => (word.as_str(), parts.get(1)),
            _ => return Err(error("fileLocation[0]", "is no text", "write \"relative\" or \"absolute\"")),
        },
        _ => return Err(error("fileLocation", "is no text and no list", "write \"relative\" or \"absolute\"")),
    };
    match word {
        "absolute" => Ok(Location::Absolute),
        "relative" => Ok(Location::Relative(folder(second)?)),
        "autoDetect" => Ok(Location::AutoDetect(folder(second)?)),
        "search" => search(second),
        other => Err(error(
            "fileLocation",
            format!("is `{other}`"),
            "write \"absolute\", \"relative\", \"autoDetect\" or \"search\"",
        )),
    }
}

/// `{"include": ["${workspaceFolder}/src"], "exclude": […]}`; each may be one text.
fn search(value: Option<&Value>) -> Result<Location, Error> {
    let folders = |name: &str| {
        let field = || format!("fileLocation[1].{name}");
        let is_text = |value: &Value| {
            value
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| error(field(), "is no text", "write a folder, or a list of them"))
        };
        match value.and_then(|value| value.get(name)) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(all)) => all.iter().take(MAX_FOLDERS).map(is_text).collect(),
            Some(one) => Ok(vec![is_text(one)?]),
        }
    };
    if value.is_some_and(|value| !value.is_object()) {
        return Err(error("fileLocation[1]", "is no object", "write {\"include\": [\"${workspaceFolder}\"]}"));
    }
    let (mut include, exclude) = (folders("include")?, folders("exclude")?);
    if include.is_empty() {
        include.push("${workspaceFolder}".to_owned());
    }
    Ok(Location::Search { include, exclude })
}

fn patterns(value: &Value) -> Result<Vec<Pattern>, Error> {
    match value {
        Value::String(name) => Ok(by_name(name, "pattern", 1)?.patterns),
        Value::Object(_) => {
            let mut pattern = pattern(value, "pattern")?;
            pattern.defaults();
            if pattern.repeats {
                return Err(error("pattern.loop", "is true in a single pattern", "leave it out, or give a list"));
            }
            complete(std::slice::from_ref(&pattern))?;
            Ok(vec![pattern])
        }
        Value::Array(values) if values.is_empty() || values.len() > MAX_PATTERNS => {
            Err(error("pattern", format!("has {} entries", values.len()), format!("give 1 to {MAX_PATTERNS}")))
        }
        Value::Array(values) => {
            let numbered = values.iter().enumerate();
            let mut all: Vec<_> =
                numbered.map(|(at, value)| pattern(value, &format!("pattern[{at}]"))).collect::<Result<_, _>>()?;
            let last = all.len() - 1;
            if let Some(at) = all[..last].iter().position(|pattern| pattern.repeats) {
                return Err(error(format!("pattern[{at}].loop"), "is true", "only the last pattern may loop"));
            }
            if let [only] = all.as_mut_slice() {
                only.defaults();
            }
            complete(&all)?;
            Ok(all)
        }
        _ => Err(error("pattern", "is no object, list or name", "give an object with `regexp`")),
    }
}

/// Together the patterns say a file, a place in it unless the file is meant, and a message.
fn complete(all: &[Pattern]) -> Result<(), Error> {
    let any = |what: fn(&Pattern) -> bool| all.iter().any(what);
    if !any(|pattern| pattern.file.is_some()) {
        return Err(error("pattern.file", "is missing", "give the number of the group that holds the file"));
    }
    if !any(|pattern| pattern.message.is_some()) {
        return Err(error("pattern.message", "is missing", "give the number of the group that holds the message"));
    }
    if !any(|pattern| pattern.whole_file || pattern.line.is_some() || pattern.location.is_some()) {
        return Err(error("pattern.line", "is missing", "give `line` or `location`, or `\"kind\": \"file\"`"));
    }
    Ok(())
}

fn expression(text: &str, field: &str) -> Result<Regex, Error> {
    if text.len() > MAX_REGEXP {
        return Err(error(field, format!("has {} bytes", text.len()), format!("keep it below {MAX_REGEXP}")));
    }
    Regex::new(&translated(text)).map_err(|cause| {
        let cause = cause.to_string();
        let cause = cause.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let remedy =
            "look-around (`(?=`, `(?!`, `(?<=`) and back-references (`\\1`) are not supported: write it without";
        error(field, format!("does not compile ({cause})"), remedy)
    })
}

fn pattern(value: &Value, field: &str) -> Result<Pattern, Error> {
    let inner = |name: &str| format!("{field}.{name}");
    let Value::Object(object) = value else {
        return Err(error(field, "is no object", "give an object with `regexp`"));
    };
    let Some(Value::String(text)) = object.get("regexp") else {
        return Err(error(inner("regexp"), "is missing", "give the expression in quotes"));
    };
    let regexp = expression(text, &inner("regexp"))?;
    let groups = regexp.captures_len() - 1;
    let group = |name: &str| match object.get(name) {
        None => Ok(None),
        Some(value) => {
            let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
            let number = number.ok_or_else(|| error(inner(name), "is no number", "give the number of a group"))?;
            if number > groups {
                let what = format!("is {number}, and the expression has {groups} groups");
                return Err(error(inner(name), what, "count the opening brackets without `?:`"));
            }
            Ok(Some(number))
        }
    };
    let whole_file = match object.get("kind").map(|kind| kind.as_str().unwrap_or_default()) {
        None | Some("location") => false,
        Some("file") => true,
        Some(other) => {
            return Err(error(inner("kind"), format!("is `{other}`"), "write \"location\" or \"file\""));
        }
    };
    let repeats = match object.get("loop") {
        None => false,
        Some(Value::Bool(repeats)) => *repeats,
        Some(_) => return Err(error(inner("loop"), "is no true or false", "write true or leave it out")),
    };
    Ok(Pattern {
        whole_file,
        file: group("file")?,
        location: group("location")?,
        line: group("line")?,
        column: match group("column")? {
            None => group("character")?,
            column => column,
        },
        end_line: group("endLine")?,
        end_column: group("endColumn")?,
        severity: group("severity")?,
        code: group("code")?,
        message: group("message")?,
        repeats,
        regexp,
    })
}

impl Pattern {
    /// What a single pattern means where it does not say it: groups 1 to 3 are file, line and column, the whole match is
    /// the message.
    fn defaults(&mut self) {
        let has = |group: usize| (group < self.regexp.captures_len()).then_some(group);
        self.message = self.message.or(Some(0));
        self.file = self.file.or_else(|| has(1));
        if !self.whole_file && self.location.is_none() && self.line.is_none() {
            self.line = has(2);
            self.column = self.column.or_else(|| has(3));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn known_names() {
        for name in names().split(", ") {
            let read = parse(&json!(name));
            assert!(read.is_ok(), "{name}: {:?}", read.err());
        }
        let watching = parse(&json!("$tsc-watch")).expect("a known name");
        assert!(watching.begins.is_some() && watching.ends.is_some());
        // As VS Code's page about tasks spells them.
        for name in ["$lessc", "$mscompile", "$gulp-tsc"] {
            assert!(parse(&json!(name)).is_ok(), "{name}");
        }
    }

    #[test]
    fn errors_name_field_and_remedy() {
        let good = json!({"regexp": "^(.*):(\\d+): (.*)$", "file": 1, "line": 2, "message": 3});
        assert!(parse(&json!({"pattern": good})).is_ok());
        for (definition, field) in [
            (json!(3), "problemMatcher"),
            (json!("$nobody"), "problemMatcher"),
            (json!({}), "pattern"),
            (json!({"base": "$nobody"}), "base"),
            (json!({"pattern": {}}), "pattern.regexp"),
            (json!({"pattern": {"regexp": "("}}), "pattern.regexp"),
            (json!({"pattern": {"regexp": "a(?=b)"}}), "pattern.regexp"),
            (json!({"pattern": {"regexp": "(a)", "file": 2}}), "pattern.file"),
            (json!({"pattern": {"regexp": "(a)", "loop": true}}), "pattern.line"),
            (json!({"pattern": [{"regexp": "(a)", "file": 1, "loop": true}, good]}), "pattern[0].loop"),
            (json!({"pattern": [{"regexp": "(a)", "file": 1}, {"regexp": "(b)", "line": 1}]}), "pattern.message"),
            (json!({"pattern": good, "severity": "bad"}), "severity"),
            (json!({"pattern": good, "fileLocation": "here"}), "fileLocation"),
            (json!({"pattern": good, "applyTo": "someDocuments"}), "applyTo"),
            (json!({"pattern": good, "fileLocation": ["search", "src"]}), "fileLocation[1]"),
            (json!({"pattern": good, "fileLocation": ["search", {"include": [3]}]}), "fileLocation[1].include"),
            (json!({"pattern": good, "background": {"beginsPattern": "("}}), "background.beginsPattern"),
        ] {
            let error = parse(&definition).expect_err("it cannot be used");
            let named = error.field == field || field == "pattern.line" && error.field == "pattern.loop";
            assert!(named && !error.remedy.is_empty(), "{definition}: {error}");
        }
    }
}
