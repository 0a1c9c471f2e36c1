//! Why a command was not found, or could not be run: which of its programs, and where it was looked for. Asks the disk;
//! knows no task.

use std::path::Path;

use crate::workspace::classify;

/// Names that shells carry out themselves.
const BUILTINS: &[&str] = &[
    ":", ".", "alias", "bg", "cd", "declare", "dirs", "disown", "echo", "eval", "exit", "export", "false", "fg",
    "getopts", "hash", "jobs", "kill", "let", "local", "popd", "printf", "pushd", "pwd", "read", "readonly", "return",
    "set", "shift", "shopt", "source", "test", "times", "trap", "true", "type", "ulimit", "umask", "unalias", "unset",
    "wait", "command",
];

/// Why a command ended with the code by which shells say that a program was not found (127) or could not be run (126).
/// `env` is the command's own environment. Reads folders of its PATH.
pub fn explain(code: i32, command: &str, env: &[(String, String)]) -> Option<String> {
    match code {
        126 => explain_126(command, env),
        127 => explain_127(command, env),
        _ => None,
    }
}

/// The program that is there and is none.
fn explain_126(command: &str, env: &[(String, String)]) -> Option<String> {
    let cwd = env.iter().find(|(name, _)| name == "PWD").map_or("/", |(_, value)| value);
    let (program, path) = classify::programs(command)
        .into_iter()
        .filter(|program| program.contains('/'))
        .map(|program| (Path::new(cwd).join(&program), program))
        .find(|(path, _)| path.exists() && !is_program(path))
        .map(|(path, program)| (program, path))?;
    if path.is_dir() {
        return Some(format!("`{program}` is a folder, not a program."));
    }
    Some(format!("`{program}` may not be executed: run `chmod +x {program}`, or name its interpreter."))
}

/// Why a command ended with 127: which of its programs is missing, and where it was looked for. `None` when all are there
/// (then something that it ran itself is missing). `env` is the command's own environment.
fn explain_127(command: &str, env: &[(String, String)]) -> Option<String> {
    let variable = |name: &str| env.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let cwd = Path::new(variable("PWD").unwrap_or("/"));
    let path: Vec<&str> = variable("PATH").unwrap_or_default().split(':').filter(|dir| !dir.is_empty()).collect();
    let missing = classify::programs(command).into_iter().find(|program| {
        let known = BUILTINS.contains(&program.as_str()) || program.contains(['$', '*', '~']) || program.is_empty();
        let folders = if program.contains('/') { vec![""] } else { path.clone() };
        !known && !folders.iter().any(|dir| is_program(&cwd.join(dir).join(program)))
    })?;
    if missing.contains('/') {
        return Some(format!("`{missing}` is no program: looked for {}.", cwd.join(&missing).display()));
    }
    let looked =
        if path.is_empty() { "PATH is empty".to_owned() } else { format!("looked in {} (PATH)", path.join(", ")) };
    let nearby = ["node_modules/.bin", ".venv/bin", "venv/bin"].iter().map(|dir| format!("{dir}/{missing}"));
    let nearby = nearby.into_iter().find(|near| is_program(&cwd.join(near)));
    let hint = nearby.map(|near| format!(" It is there as `{near}`.")).unwrap_or_default();
    Some(format!("`{missing}` was not found: {looked}.{hint}"))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_missing_program_is_named_with_the_places() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("node_modules/.bin")).unwrap();
        std::fs::copy("/bin/sh", dir.path().join("node_modules/.bin/jest")).unwrap();
        let env = variables(&[("PATH", "/usr/bin:/bin"), ("PWD", &dir.path().display().to_string())]);
        let here = dir.path().display();
        for (command, expected) in [
            (
                "cd x && nosuchtool --all",
                Some("`nosuchtool` was not found: looked in /usr/bin, /bin (PATH).".to_owned()),
            ),
            (
                "jest",
                Some(
                    "`jest` was not found: looked in /usr/bin, /bin (PATH). It is there as `node_modules/.bin/jest`."
                        .to_owned(),
                ),
            ),
            ("A=1 env ./gone.sh", Some(format!("`./gone.sh` is no program: looked for {here}/./gone.sh."))),
            ("sh -c 'ls' | cat", None),
            ("$TOOL x; echo y", None),
        ] {
            assert_eq!(explain_127(command, &env), expected, "{command}");
        }
        assert_eq!(explain_127("x", &[]).unwrap(), "`x` was not found: PATH is empty.");
    }

    #[test]
    fn what_may_not_be_executed_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("run.sh"), "echo").unwrap();
        std::fs::create_dir(dir.path().join("bin")).unwrap();
        let env = variables(&[("PWD", &dir.path().display().to_string())]);
        for (command, expected) in [
            ("true; ./run.sh x", "`./run.sh` may not be executed: run `chmod +x ./run.sh`, or name its interpreter."),
            ("./bin", "`./bin` is a folder, not a program."),
        ] {
            assert_eq!(explain(126, command, &env).as_deref(), Some(expected), "{command}");
        }
        assert_eq!(explain(126, "/bin/sh -c 'exit 126'", &env), None);
        assert_eq!(explain(1, "./run.sh", &env), None);
    }
}
