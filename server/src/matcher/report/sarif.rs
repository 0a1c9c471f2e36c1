//! SARIF 2.1.0 in a command's output: `ruff --output-format sarif`, `eslint -f sarif`, `clippy-sarif`, gcc's
//! `-fdiagnostics-format=sarif-stderr`. One document, over many lines or on one: told when it is whole. Source:
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use super::sarif_log::{ArtifactLocation, Log, Message, Outcome, PhysicalLocation, Region, Rule, Run};
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem, related};
use crate::problem::{Place, Severity};

/// Bytes of a document.
const MAX_DOCUMENT: usize = 16 << 20;
/// Lines in which it shows that it is SARIF.
const MAX_HEAD: usize = 6;
/// Places beside the first that are told on.
const MAX_RELATED: usize = 8;
/// Folders that are defined by other folders.
const MAX_BASES: usize = 8;

pub(super) const FORMAT: Format = Format {
    name: "sarif",
    rank: Rank::Structured,
    gate: always,
    starts: &[
        r#"\{?[ ]*"\$schema"[ ]*:[ ]*"[^"]*sarif"#,
        r#"\{?[ ]*"version"[ ]*:[ ]*"2\.1\.0""#,
        r#"\{[ ]*"runs"[ ]*:[ ]*\["#,
    ],
    inside: &[],
    new: |_| Box::new(Sarif::default()),
};

#[derive(Default)]
struct Sarif {
    document: Option<Document>,
}

/// A document while it is read.
#[derive(Default)]
struct Document {
    text: String,
    lines: usize,
    /// Its words are those of SARIF: until then it is anybody's JSON.
    sure: bool,
    /// Open braces and brackets.
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Document {
    /// Adds a line; true when the document is whole with it.
    fn add(&mut self, line: &str) -> bool {
        self.lines += 1;
        self.sure |= self.lines <= MAX_HEAD && (line.contains("\"runs\"") || line.contains("sarif"));
        for (at, byte) in line.bytes().enumerate() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        self.text.push_str(&line[..=at]);
                        return true;
                    }
                }
                _ => {}
            }
        }
        self.text.push_str(line);
        self.text.push('\n');
        false
    }
}

impl Run {
    /// A result's rule: in the tool itself, or in the extension that the result names.
    fn rule(&self, outcome: &Outcome) -> Option<&Rule> {
        let extension = at(&self.tool.extensions, outcome.rule.tool_component.index);
        let rules = &extension.unwrap_or(&self.tool.driver).rules;
        let index = outcome.rule_index.or(outcome.rule.index);
        let named = |id: &str| rules.iter().find(|rule| !id.is_empty() && rule.id == id);
        // `CA1000/1` is a part of the rule `CA1000`.
        let outer = |id: &'_ str| id.rsplit_once('/').map(|(outer, _)| outer.to_owned());
        let id = if outcome.rule_id.is_empty() { &outcome.rule.id } else { &outcome.rule_id };
        at(rules, index).or_else(|| named(id)).or_else(|| named(&outer(id)?))
    }

    /// The path of a file, relative or absolute.
    fn path(&self, location: &ArtifactLocation) -> Option<String> {
        let listed = at(&self.artifacts, location.index).map(|artifact| &artifact.location);
        let location = if location.uri.is_empty() { listed? } else { location };
        let (mut uri, mut base) = (location.uri.clone(), location.uri_base_id.as_str());
        for _ in 0..MAX_BASES {
            let Some(folder) = self.original_uri_base_ids.get(base).filter(|_| !is_absolute(&uri)) else { break };
            if !folder.uri.is_empty() {
                uri = format!("{}/{uri}", folder.uri.trim_end_matches('/'));
            }
            base = &folder.uri_base_id;
        }
        let path = match uri.strip_prefix("file:") {
            // `file:///w/a`, `file://localhost/w/a`, `file:/w/a`.
            Some(rest) => match rest.strip_prefix("//") {
                Some(rest) => &rest[rest.find('/')?..],
                None => rest,
            },
            None if uri.contains("://") => return None,
            None => &uri,
        };
        Some(percent_decoded(path)).filter(|path| !path.is_empty())
    }

    fn place(&self, location: &PhysicalLocation, scope: &mut Scope) -> Option<Place> {
        let file = scope.own(&self.path(&location.artifact_location)?)?;
        let Region { start_line, start_column, end_line, end_column } = location.region;
        if start_line == 0 {
            return Some(scope.whole(file));
        }
        let utf16 = self.column_kind == "utf16CodeUnits"
            // ESLint counts so and does not say it.
            || self.column_kind.is_empty() && self.tool.driver.name == "ESLint";
        let counted = if utf16 { Column::Utf16 } else { Column::Chars };
        let column = |column: u32| (column > 0).then(|| counted(column));
        let one_line = end_line == 0 || end_line == start_line;
        let end = column(end_column).filter(|_| one_line);
        let mut place = scope.at(file.clone(), start_line, column(start_column), end);
        if !one_line && end_line > start_line && end_column > 0 && place.column.is_some() {
            let last = scope.at(file, end_line, column(end_column), None);
            (place.end_line, place.end_column) = (last.line, last.column);
        }
        Some(place)
    }

    /// The tool's name as its other output has it.
    fn tool(&self) -> String {
        match self.tool.driver.name.trim() {
            "" => "sarif".to_owned(),
            name if name.starts_with("GNU C") => "gcc".to_owned(),
            name if name.contains(' ') => name.chars().take(60).collect(),
            name => name.chars().take(60).collect::<String>().to_lowercase(),
        }
    }

    fn tell(&self, outcome: &Outcome, is_result: bool, scope: &mut Scope) {
        let suppressed = outcome.suppressions.iter().any(|it| matches!(it.status.as_str(), "" | "accepted"));
        if suppressed || outcome.baseline_state == "absent" {
            return;
        }
        let rule = self.rule(outcome);
        let said = rule.and_then(|rule| rule.default_configuration.level.as_deref());
        let level = outcome.level.as_deref().or(said.filter(|_| is_result)).unwrap_or("warning");
        let severity = match (outcome.kind.as_str(), level) {
            ("pass" | "notApplicable", _) => return,
            ("review" | "open" | "informational", _) => Severity::Information,
            (_, "error") => Severity::Error,
            (_, "note") => Severity::Information,
            (_, "none") => Severity::Hint,
            _ => Severity::Warning,
        };
        let mut locations = outcome.locations.iter();
        let Some(place) = locations.next().and_then(|first| self.place(&first.physical_location, scope)) else {
            return;
        };
        let text = outcome.message.text(rule);
        let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let id = [&outcome.rule_id, &outcome.rule.id].into_iter().find(|id| !id.is_empty());
        let id = id.or(rule.map(|rule| &rule.id)).filter(|id| !id.is_empty());
        let first = if first.is_empty() { id.map_or("", String::as_str) } else { first };
        let mut found = problem(&self.tool(), severity, place, first);
        found.detail = Some(text.clone());
        found.code = id.cloned();
        for other in locations.chain(&outcome.related_locations).take(MAX_RELATED) {
            if let Some(place) = self.place(&other.physical_location, scope) {
                let words = other.message.text(rule);
                found.related.push(related(place, if words.is_empty() { "related".to_owned() } else { words }));
            }
        }
        scope.problem(found);
    }
}

impl Message {
    /// The text, or the one of its rule that its id names, with its arguments put in and its links resolved.
    fn text(&self, rule: Option<&Rule>) -> String {
        let mut text =
            [&self.text, &self.markdown].into_iter().find(|text| !text.is_empty()).map_or("", String::as_str);
        if text.is_empty()
            && let Some(known) = rule.and_then(|rule| rule.message_strings.get(&self.id))
        {
            text = &known.text;
        }
        without_links(&filled(text, &self.arguments))
    }
}

/// A text with `{0}` replaced; `{{` is a brace.
fn filled(text: &str, arguments: &[String]) -> String {
    if arguments.is_empty() {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let behind = &rest[at + 1..];
        let argument =
            behind.split_once('}').and_then(|(number, behind)| Some((number.parse::<usize>().ok()?, behind)));
        if let (true, Some((number, behind))) = (rest[at..].starts_with('{'), argument) {
            out.push_str(arguments.get(number).map_or("", String::as_str));
            rest = behind;
        } else {
            out.push_str(&rest[at..=at]);
            rest = behind.strip_prefix(&rest[at..=at]).unwrap_or(behind);
        }
    }
    out + rest
}

/// `[the source](1)` is `the source`: the number is that of a related location.
fn without_links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('[') {
        let link = behind.split_once("](").and_then(|(words, behind)| {
            let (target, behind) = behind.split_once(')')?;
            let is_target =
                target.starts_with("http") || !target.is_empty() && target.bytes().all(|it| it.is_ascii_digit());
            (is_target && !words.contains(['[', ']'])).then_some((words, behind))
        });
        out.push_str(before);
        rest = match link {
            Some((words, behind)) => {
                out.push_str(words);
                behind
            }
            None => {
                out.push('[');
                behind
            }
        };
    }
    out + rest
}

fn at<T>(list: &[T], index: Option<i64>) -> Option<&T> {
    list.get(usize::try_from(index?).ok()?)
}

fn is_absolute(uri: &str) -> bool {
    uri.starts_with('/') || uri.contains("://") || uri.starts_with("file:")
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let Some((&first, rest)) = bytes.split_first() {
        let digits = rest.get(..2).filter(|_| first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                bytes = &rest[2..];
            }
            None => {
                out.push(first);
                bytes = rest;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl Matcher for Sarif {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() && self.document.is_none() {
            return;
        }
        let mut document = self.document.take().unwrap_or_else(|| {
            let mut document = Document::default();
            // Over many lines the brace stood on the line before.
            if !line.trim_start().starts_with('{') {
                document.add("{");
            }
            document
        });
        let whole = document.add(line);
        if document.sure {
            scope.claim();
        }
        if !whole {
            let goes_on = document.text.len() <= MAX_DOCUMENT && (document.sure || document.lines < MAX_HEAD);
            self.document = Some(document).filter(|_| goes_on);
            return;
        }
        let Ok(log) = serde_json::from_str::<Log>(&document.text) else { return };
        for run in &log.runs {
            let results = run.results.iter().flatten();
            let results = results.filter_map(|result| serde_json::from_str(result.get()).ok());
            results.for_each(|result: Outcome| run.tell(&result, true, scope));
            for invocation in &run.invocations {
                let told = invocation.tool_execution_notifications.iter();
                let told = told.chain(&invocation.tool_configuration_notifications);
                told.for_each(|notification| run.tell(notification, false, scope));
            }
        }
    }

    fn wants_all(&self) -> bool {
        self.document.is_some()
    }

    fn reads_documents(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let arguments = ["a".to_owned(), "b".to_owned()];
        for (text, filled_in) in [("use {1} for {0}", "use b for a"), ("{{0}} {2}{x}", "{0} {x}"), ("{", "{")] {
            assert_eq!(filled(text, &arguments), filled_in);
        }
        for (text, plain) in
            [("flows from [this](1) to [that](https://a.b/c).", "flows from this to that."), ("a[0](x) [", "a[0](x) [")]
        {
            assert_eq!(without_links(text), plain);
        }
        assert_eq!(percent_decoded("a%20b%c3%a4%"), "a bä%");
    }

    #[test]
    fn paths() {
        let run: Run = serde_json::from_value(serde_json::json!({
            "originalUriBaseIds": {
                "SRC": { "uri": "src/", "uriBaseId": "ROOT" }, "ROOT": { "uri": "file:///w/" }, "LOOP": { "uriBaseId": "LOOP" }
            },
            "artifacts": [{ "location": { "uri": "a%20b.c", "uriBaseId": "SRC" } }],
        }))
        .unwrap_or_default();
        for (uri, base, index, path) in [
            ("x.c", "SRC", None, Some("/w/src/x.c")),
            ("", "", Some(0), Some("/w/src/a b.c")),
            ("x.c", "LOOP", None, Some("x.c")),
            ("file://localhost/w/x.c", "SRC", None, Some("/w/x.c")),
            ("https://a.b/x.c", "", None, None),
            ("", "", Some(9), None),
        ] {
            let location = ArtifactLocation { uri: uri.to_owned(), uri_base_id: base.to_owned(), index };
            assert_eq!(run.path(&location).as_deref(), path, "{uri}");
        }
    }

    #[test]
    fn documents_end_with_their_last_brace() {
        let mut document = Document::default();
        assert!(!document.add(r#"{ "a": "}", "b": ["\"]}","#));
        assert!(document.add(r#"{}]} rest"#));
        assert_eq!(document.text, "{ \"a\": \"}\", \"b\": [\"\\\"]}\",\n{}]}");
    }
}
