//! The matchers that VS Code and its well-known extensions give a name, as definitions in the same JSON. The expressions are
//! written for the tools' documented output.

/// Names without `$`, and their definitions. Tools that the engine knows on its own are listed too: a task that names them
/// gets what it asks for.
const NAMED: &[(&str, &str)] = &[
    (
        "tsc",
        r#"{"owner": "typescript", "source": "ts", "fileLocation": ["relative", "${cwd}"], "pattern":
            {"regexp": "^(\\S.*?)[(:](\\d+)[,:](\\d+)\\)?(?::| -)\\s+(error|warning|info)\\s+(TS\\d+)\\s*:\\s*(.*)$",
             "file": 1, "line": 2, "column": 3, "severity": 4, "code": 5, "message": 6}}"#,
    ),
    (
        "tsc-watch",
        r#"{"base": "$tsc", "background": {
            "beginsPattern": "(?:Starting compilation in watch mode|Starting incremental compilation)\\.\\.\\.",
            "endsPattern": "(?:Compilation complete|Found \\d+ errors?)\\. Watching for file changes\\."}}"#,
    ),
    (
        "gulp-tsc",
        r#"{"owner": "typescript", "source": "ts", "pattern":
            {"regexp": "^(\\S.*?)\\((\\d+(?:,\\d+){0,3})\\): (\\d+) (.*)$",
             "file": 1, "location": 2, "code": 3, "message": 4}}"#,
    ),
    (
        "gcc",
        r#"{"owner": "cpptools", "source": "gcc", "fileLocation": ["autoDetect", "${cwd}"], "pattern":
            {"regexp": "^(.*?):(\\d+):(\\d*):?\\s+(?:fatal\\s+)?(warning|error):\\s+(.*)$",
             "file": 1, "line": 2, "column": 3, "severity": 4, "message": 5}}"#,
    ),
    (
        "eslint-compact",
        r#"{"owner": "eslint", "source": "eslint", "fileLocation": "absolute", "pattern":
            {"regexp": "^(.+): line (\\d+), col (\\d+), (Error|Warning|Info) - (.+?)(?: \\(([^()]+)\\))?$",
             "file": 1, "line": 2, "column": 3, "severity": 4, "message": 5, "code": 6}}"#,
    ),
    (
        "eslint-stylish",
        r#"{"owner": "eslint", "source": "eslint", "fileLocation": "absolute", "pattern": [
            {"regexp": "^((?:[A-Za-z]:)?[./\\\\]*[^\\s:][^:]*)$", "kind": "location", "file": 1},
            {"regexp": "^\\s+(\\d+):(\\d+)\\s+(error|warning|info)\\s+(.+?)(?:\\s\\s+(\\S+))?$",
             "line": 1, "column": 2, "severity": 3, "message": 4, "code": 5, "loop": true}]}"#,
    ),
    (
        "go",
        r#"{"owner": "go", "source": "go", "fileLocation": ["relative", "${workspaceFolder}"], "pattern":
            {"regexp": "^(?:[^:]*: )?((?:[A-Za-z]:)?[^:]*):(\\d+)(?::(\\d+))?: (.*)$",
             "file": 1, "line": 2, "column": 3, "message": 4}}"#,
    ),
    (
        "jshint",
        r#"{"owner": "jshint", "source": "jshint", "fileLocation": "absolute", "pattern":
            {"regexp": "^(.*): line (\\d+), col (\\d+), (.+?)(?: \\((\\w)(\\d+)\\))?$",
             "file": 1, "line": 2, "column": 3, "message": 4, "severity": 5, "code": 6}}"#,
    ),
    (
        "jshint-stylish",
        r#"{"owner": "jshint", "source": "jshint", "fileLocation": "absolute", "pattern": [
            {"regexp": "^(\\S.*)$", "file": 1},
            {"regexp": "^\\s+line\\s+(\\d+)\\s+col\\s+(\\d+)\\s+(.+?)(?:\\s+\\((\\w)(\\d+)\\))?$",
             "line": 1, "column": 2, "message": 3, "severity": 4, "code": 5, "loop": true}]}"#,
    ),
    (
        "lessCompile",
        r#"{"owner": "less", "source": "less", "fileLocation": "absolute", "pattern":
            {"regexp": "^\\s*(.*) in file (.*) line no\\. (\\d+)$", "message": 1, "file": 2, "line": 3}}"#,
    ),
    (
        "msCompile",
        r#"{"owner": "msCompile", "source": "cpp", "fileLocation": "absolute", "pattern":
            {"regexp": "^(?:\\s*\\d+>)?(\\S.*?)\\(([\\d,]+)\\)\\s*:\\s+(?:fatal +)?(error|warning|info)\\s+(\\w+\\d+)\\s*:\\s*(.*)$",
             "kind": "location", "file": 1, "location": 2, "severity": 3, "code": 4, "message": 5}}"#,
    ),
    (
        "node-sass",
        r#"{"owner": "node-sass", "source": "node-sass", "fileLocation": "absolute", "pattern": [
            {"regexp": "^\\{$"},
            {"regexp": "\\s*\"status\":\\s\\d+,"},
            {"regexp": "\\s*\"file\":\\s\"(.*)\",", "file": 1},
            {"regexp": "\\s*\"line\":\\s(\\d+),", "line": 1},
            {"regexp": "\\s*\"column\":\\s(\\d+),", "column": 1},
            {"regexp": "\\s*\"message\":\\s\"(.*)\",", "message": 1}]}"#,
    ),
];

/// The definition of `$name`.
pub(super) fn named(name: &str) -> Option<&'static str> {
    let name = match name.strip_prefix('$').unwrap_or(name) {
        // As VS Code's page about tasks spells it.
        "lessc" => "lessCompile",
        other => other,
    };
    NAMED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, definition)| *definition)
}

/// All names, as they are written.
pub(super) fn names() -> String {
    NAMED.iter().map(|(name, _)| format!("${name}")).collect::<Vec<_>>().join(", ")
}
