//! The client's answer to `pillion/diagnostics/get`, in the tools' words. Pure: Pillion's own diagnostics, which the client
//! shows as well, are left out; what is too much or cannot be read is counted.

use std::path::Path;

use serde_json::Value;

use super::uri;
use crate::problem::Severity;
use crate::protocol::DiagnosticsResult;
use crate::workspace::editor::{EditorDiagnostics, EditorProblem};

/// Diagnostics of one answer.
const MOST: usize = 1_000;
/// Characters of a message; more is cut.
const MESSAGE: usize = 4_000;

/// Reads an answer; `of` is the file or folder that is wanted.
pub(super) fn read(answer: DiagnosticsResult, of: Option<&Path>) -> EditorDiagnostics {
    let (mut problems, mut omitted) = (Vec::new(), 0);
    for file in answer.diagnostics {
        let path = uri::to_path(&file.uri).filter(|path| of.is_none_or(|of| path.starts_with(of)));
        let Some(path) = path else { continue };
        for diagnostic in file.diagnostics.iter().filter(|diagnostic| diagnostic["source"] != "pillion") {
            match problem(&path, diagnostic) {
                Some(problem) if problems.len() < MOST => problems.push(problem),
                _ => omitted += 1,
            }
        }
    }
    EditorDiagnostics::Found { problems, omitted }
}

fn problem(path: &Path, diagnostic: &Value) -> Option<EditorProblem> {
    let start = &diagnostic["range"]["start"];
    let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number + 1).ok());
    let code = &diagnostic["code"];
    Some(EditorProblem {
        path: path.to_owned(),
        line: number(&start["line"])?,
        column: number(&start["character"])?,
        // LSP leaves it to the client to interpret one that is not given: an error is not overlooked.
        severity: match diagnostic["severity"].as_u64() {
            Some(2) => Severity::Warning,
            Some(3) => Severity::Information,
            Some(4) => Severity::Hint,
            _ => Severity::Error,
        },
        message: diagnostic["message"].as_str()?.chars().take(MESSAGE).collect(),
        source: diagnostic["source"].as_str().map(str::to_owned),
        code: code.as_str().map(str::to_owned).or_else(|| code.as_i64().map(|code| code.to_string())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(diagnostics: Value) -> EditorDiagnostics {
        let answer = json!({"diagnostics": [{"uri": "file:///w/a%20b.rs", "diagnostics": diagnostics}]});
        read(serde_json::from_value(answer).unwrap(), Some(Path::new("/w")))
    }

    #[test]
    fn an_answer_is_read_without_our_own() {
        let range = json!({"start": {"line": 4, "character": 8}, "end": {"line": 4, "character": 9}});
        let found = answer(json!([
            {"range": range, "severity": 2, "message": "unused", "source": "rust-analyzer", "code": "unused_variables"},
            {"range": range, "message": "ours", "source": "pillion"},
            {"range": range, "message": "no severity", "code": 2304},
            {"message": "no range"},
            7,
        ]));
        let problem = |severity, message: &str, source: Option<&str>, code: &str| EditorProblem {
            path: "/w/a b.rs".into(),
            line: 5,
            column: 9,
            severity,
            message: message.into(),
            source: source.map(str::to_owned),
            code: Some(code.into()),
        };
        let expected = vec![
            problem(Severity::Warning, "unused", Some("rust-analyzer"), "unused_variables"),
            problem(Severity::Error, "no severity", None, "2304"),
        ];
        assert_eq!(found, EditorDiagnostics::Found { problems: expected, omitted: 2 });
    }

    #[test]
    fn too_many_are_counted_and_other_files_left_out() {
        let one = json!({"range": {"start": {"line": 0, "character": 0}}, "message": "x".repeat(5_000)});
        let EditorDiagnostics::Found { problems, omitted } = answer(Value::Array(vec![one; 1_200])) else { panic!() };
        assert_eq!((problems.len(), omitted, problems[0].message.len()), (1_000, 200, 4_000));
        let far = json!({"diagnostics": [{"uri": "file:///else/a.rs", "diagnostics": [{}]}, {"uri": "untitled:1"}]});
        let found = read(serde_json::from_value(far).unwrap(), Some(Path::new("/w")));
        assert_eq!(found, EditorDiagnostics::Found { problems: Vec::new(), omitted: 0 });
    }
}
