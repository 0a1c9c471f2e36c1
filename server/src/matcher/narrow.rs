//! A command that runs only some of its tests: the same command with what its runner needs for that. Pure text; a command
//! that is no plain call of a known runner cannot be narrowed, and nothing is guessed.

mod cargo;
mod go;
mod script;

pub use script::{Script, script};

/// The same command for these tests alone. `runner` is the tool that reported them
/// ([`crate::problem::Problem::tool`]), `tests` are their ids, `script` is what a package manager's call runs, where that is
/// known. `None` where that cannot be said with certainty.
pub fn narrowed(command: &str, runner: &str, tests: &[&str], script: Option<&Script>) -> Option<String> {
    let line = Line::read(command)?;
    let call = Call { line: &line, tests };
    let program = runner.split([' ', ':']).next()?;
    if line.position(program).is_none() {
        match script {
            _ if !script::is_called(&line) => return None,
            Some(script) => return script::through(&line, runner, tests, script),
            None => {}
        }
    }
    match runner {
        "cargo test" => cargo::test(&call),
        "cargo nextest" | "nextest" => cargo::nextest(&call),
        "pytest" => call.with_ids("pytest", PYTEST_VALUES),
        // Below another folder the ids mean something else.
        "unittest" if line.words.iter().any(|word| word.text == "discover") => None,
        "unittest" => call.with_ids("unittest", &["-k"]),
        "node:test" => call.node(),
        "jest" | "vitest" => {
            let files = files(tests).map(|file| quoted(&file)).collect::<Vec<_>>().join(" ");
            if tests.iter().any(|id| file(id) == Some(id)) {
                // A file that did not load is run whole: the names of its tests are not known.
                return call.appended(&files);
            }
            let names = format!("-t {}", quoted(&one_of(tests, &full_name)));
            call.appended(&if files.is_empty() { names } else { format!("{files} {names}") })
        }
        "mocha" => call.appended(&format!("-g {}", quoted(&one_of(tests, &full_name)))),
        "go test" => go::test(&call),
        "rspec" => call.with_ids("rspec", &["-f", "-o", "-e", "-t", "-I", "-r", "-O"]),
        "phpunit" => {
            let name = |id: &str| regex::escape(id.rsplit("::").next().unwrap_or(id));
            call.appended(&format!("--filter {}", quoted(&format!("/::({})$/", join(tests, "|", name)))))
        }
        _ => None,
    }
}

/// True for a command that runs a package manager's script, of which [`script()`] may know the text.
pub fn calls_a_script(command: &str) -> bool {
    runner(command).is_none() && Line::read(command).is_some_and(|line| script::is_called(&line))
}

/// The runner that a command calls itself, by the word that it is known by.
pub fn runner(command: &str) -> Option<&'static str> {
    let line = Line::read(command)?;
    let words: Vec<&str> = line.words.iter().map(|word| word.text.rsplit('/').next().unwrap_or(&word.text)).collect();
    let after = |first: &str, second: &str| {
        words.iter().position(|word| *word == first).is_some_and(|at| words[at + 1..].contains(&second))
    };
    Some(match () {
        () if after("cargo", "nextest") => "cargo nextest",
        () if after("cargo", "test") || after("cargo", "t") => "cargo test",
        () if after("go", "test") => "go test",
        () if after("node", "--test") => "node:test",
        () => *["pytest", "unittest", "jest", "vitest", "mocha", "rspec", "phpunit"]
            .iter()
            .find(|name| words.contains(name))?,
    })
}

/// Options of pytest whose value is a word of its own.
const PYTEST_VALUES: &[&str] = &[
    "-k",
    "-m",
    "-p",
    "-c",
    "-n",
    "-o",
    "-W",
    "-r",
    "--maxfail",
    "--rootdir",
    "--deselect",
    "--ignore",
    "--cov",
    "--tb",
];

/// The folder in which the command runs, where a text begins with it as shells write it.
fn here(text: &str) -> Option<&str> {
    let found =
        ["$(pwd)", "${PWD}", "$PWD"].into_iter().find_map(|it| text.get(..it.len()).filter(|start| *start == it))?;
    let goes_on = |next: char| next.is_ascii_alphanumeric() || next == '_';
    (found != "$PWD" || !text[found.len()..].starts_with(goes_on)).then_some(found)
}

/// A word of the last simple command, and where it stands.
struct Word {
    text: String,
    start: usize,
    end: usize,
}

/// A command line whose last simple command is a plain one.
struct Line<'a> {
    command: &'a str,
    words: Vec<Word>,
    /// The folders that the commands before it go into, one after the other.
    folders: Vec<String>,
}

impl<'a> Line<'a> {
    /// `None` where the end of the command is more than words: a pipe, a redirection, something that is put in.
    fn read(command: &'a str) -> Option<Self> {
        let mut words: Vec<Word> = Vec::new();
        let mut folders = Vec::new();
        let mut enter = |words: &mut Vec<Word>, last: Option<Word>| {
            words.extend(last);
            if let [cd, folder] = words.as_slice()
                && cd.text == "cd"
            {
                folders.push(folder.text.clone());
            }
            words.clear();
        };
        let mut word: Option<Word> = None;
        let mut quote = None;
        let mut chars = command.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            let end = at + char.len_utf8();
            match (quote, char) {
                (Some(open), _) if char == open => quote = None,
                // Where it runs is no matter here: a folder that is mounted, for instance.
                (None | Some('"'), '$') if here(&command[at..]).is_some() => {
                    let here = here(&command[at..]).unwrap_or_default();
                    word.get_or_insert(Word { text: String::new(), start: at, end }).text.push_str(here);
                    while chars.next_if(|(next, _)| *next < at + here.len()).is_some() {}
                    if let Some(word) = &mut word {
                        word.end = at + here.len();
                    }
                    continue;
                }
                (Some('"'), '$' | '`' | '\\') => return None,
                (Some(_), _) => word.as_mut()?.text.push(char),
                (None, '\'' | '"') => {
                    quote = Some(char);
                    word.get_or_insert(Word { text: String::new(), start: at, end });
                }
                (None, ' ' | '\t' | '\n') => words.extend(word.take()),
                (None, '&') if chars.next_if(|(_, next)| *next == '&').is_some() => {
                    enter(&mut words, word.take());
                    continue;
                }
                (None, ';') => {
                    enter(&mut words, word.take());
                    continue;
                }
                (None, '|' | '&' | '<' | '>' | '(' | ')' | '`' | '$' | '\\' | '#' | '{' | '}') => return None,
                (None, _) => {
                    word.get_or_insert(Word { text: String::new(), start: at, end }).text.push(char);
                }
            }
            if let Some(word) = &mut word {
                word.end = end;
            }
        }
        words.extend(word);
        (quote.is_none() && !words.is_empty()).then_some(Self { command: command.trim_end(), words, folders })
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.words.iter().position(|word| word.text.rsplit('/').next() == Some(name))
    }
}

struct Call<'a> {
    line: &'a Line<'a>,
    tests: &'a [&'a str],
}

impl Call<'_> {
    fn ids(&self) -> String {
        join(self.tests, " ", quoted)
    }

    /// At the end, through the script of a package manager too. What stands behind `--` already stays in front of it.
    fn appended(&self, words: &str) -> Option<String> {
        let npm = self.line.position("npm").is_some() && !self.line.words.iter().any(|word| word.text == "--");
        Some(format!("{}{} {words}", self.line.command, if npm { " --" } else { "" }))
    }

    /// The runner's own words and options stay; the paths that it was given make room for the tests.
    fn with_ids(&self, runner: &str, with_value: &[&str]) -> Option<String> {
        let Some(at) = self.line.position(runner) else {
            // A script runs it.
            return self.appended(&self.ids());
        };
        let mut kept = self.line.command[..self.line.words[at].end].to_owned();
        let mut is_value = false;
        for word in &self.line.words[at + 1..] {
            if is_value || word.text.starts_with('-') {
                kept.push(' ');
                kept.push_str(&self.line.command[word.start..word.end]);
            }
            is_value = with_value.contains(&word.text.as_str());
        }
        Some(format!("{kept} {}", self.ids()))
    }

    /// `node --test --test-name-pattern='^(?:math )?adds$' …`: Node 20 compares each test's own name, later ones the names
    /// of its suites before it as well. Where in an id the own name begins is not to be seen.
    fn node(&self) -> Option<String> {
        let name = |id: &str| {
            let mut words = id.split(' ').map(regex::escape);
            let first = words.next().unwrap_or_default();
            let any_end = words.fold(first, |before, word| format!("(?:{before} )?{word}"));
            format!("--test-name-pattern={}", quoted(&format!("^{any_end}$")))
        };
        let names = join(self.tests, " ", name);
        let at = self.line.position("--test")?;
        // Behind a file Node hears no option any more.
        if self.line.words[at..].iter().all(|word| word.text.starts_with('-')) {
            return self.appended(&names);
        }
        let (before, after) = self.line.command.split_at(self.line.words[at].end);
        Some(format!("{before} {names}{after}"))
    }
}

/// The parts of `src/sum.test.js > math > adds` behind the file.
fn names(id: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = id.split(" > ").collect();
    if file(id).is_some() {
        parts.remove(0);
    }
    parts
}

/// The file that an id begins with, or is.
fn file(id: &str) -> Option<&str> {
    let first = id.split(" > ").next()?;
    let extension = first.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_source = matches!(extension, "js" | "ts" | "jsx" | "tsx" | "mjs" | "mts" | "cjs" | "cts");
    (is_source && (first != id || !first.contains(' '))).then_some(first)
}

fn files(tests: &[&str]) -> impl Iterator<Item = String> {
    let mut files: Vec<String> = tests.iter().filter_map(|id| file(id)).map(str::to_owned).collect();
    files.sort();
    files.dedup();
    files.into_iter()
}

/// The names of the suites and the test in one, as the runners of this family compare it. What stands between them in an
/// id may stand in a name too.
fn full_name(id: &str) -> String {
    names(id).into_iter().map(regex::escape).collect::<Vec<_>>().join(" (> )?")
}

fn one_of(tests: &[&str], name: &dyn Fn(&str) -> String) -> String {
    match tests {
        [one] => format!("^{}$", name(one)),
        _ => format!("^({})$", join(tests, "|", name)),
    }
}

fn join(tests: &[&str], between: &str, word: impl Fn(&str) -> String) -> String {
    tests.iter().map(|id| word(id)).collect::<Vec<_>>().join(between)
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "_-./:,@%+=".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_runs_some_of_its_tests() {
        for (command, tool, tests, expected) in [
            ("cargo test", "cargo test", "auth::expires", "cargo test -- --exact auth::expires"),
            (
                "cargo test -p api -- --nocapture",
                "cargo test",
                "a::b|c",
                "cargo test -p api -- --exact a::b c --nocapture",
            ),
            (
                "cd api && cargo test",
                "cargo test",
                "src/lib.rs - f (line 3)",
                "cd api && cargo test -- --exact 'src/lib.rs - f (line 3)'",
            ),
            (
                "cargo nextest run",
                "cargo nextest",
                "api::auth expires|b",
                "cargo nextest run -E '(binary_id(=api::auth) & test(=expires)) + test(=b)'",
            ),
            (
                "pytest -q tests -k 'not slow' x.py",
                "pytest",
                "tests/a.py::test_b[1-2]",
                "pytest -q -k 'not slow' 'tests/a.py::test_b[1-2]'",
            ),
            ("python -m pytest", "pytest", "a.py::t", "python -m pytest a.py::t"),
            (
                "docker run --rm -v $PWD/api:/app -w /app img pytest -q tests",
                "pytest",
                "tests/a.py::t",
                "docker run --rm -v $PWD/api:/app -w /app img pytest -q tests/a.py::t",
            ),
            (
                "docker run -v \"$(pwd):/app\" img pytest",
                "pytest",
                "a.py::t",
                "docker run -v \"$(pwd):/app\" img pytest a.py::t",
            ),
            (
                "npm test",
                "jest",
                "src/sum.test.js > math > adds 1 + 2",
                r"npm test -- src/sum.test.js -t '^math (> )?adds 1 \+ 2$'",
            ),
            ("npx jest", "jest", "test/a.test.ts > math adds", "npx jest test/a.test.ts -t '^math adds$'"),
            (
                "npx vitest run",
                "vitest",
                "a.test.ts > x is y|b.test.ts > x is y",
                "npx vitest run a.test.ts b.test.ts -t '^(x is y|x is y)$'",
            ),
            ("npx vitest run", "vitest", "test/load.test.ts", "npx vitest run test/load.test.ts"),
            ("npm test", "jest", "a.test.js|b.test.js > adds", "npm test -- a.test.js b.test.js"),
            ("yarn test", "vitest", "a > b|a > c", "yarn test -t '^(a (> )?b|a (> )?c)$'"),
            ("node --test src", "node:test", "adds", "node --test --test-name-pattern='^adds$' src"),
            ("node --test", "node:test", "my math adds", "node --test --test-name-pattern='^(?:(?:my )?math )?adds$'"),
            (
                "cargo test --workspace --lib -- --nocapture",
                "cargo test",
                "api::http a::b",
                "cargo test -p api --test http -- --exact a::b --nocapture",
            ),
            (
                "cargo test -p web --all-features",
                "cargo test",
                "api a::b|web a::b",
                "cargo test -p api -p web --lib --all-features -- --exact a::b a::b",
            ),
            (
                "cargo test",
                "cargo test",
                "api::doc src/lib.rs - f (line 3)",
                "cargo test -p api --doc -- --exact 'src/lib.rs - f (line 3)'",
            ),
            (
                "cargo nextest run",
                "nextest",
                "api::bin/tool a::b",
                "cargo nextest run -E '(binary_id(=api::bin/tool) & test(=a::b))'",
            ),
            (
                "go test -count 1 ./... -run 'Test.*'",
                "go test",
                "example.com/shop/cart TestA/one",
                "go test -run '^TestA$/^one$' -count 1 example.com/shop/cart",
            ),
            ("npm test", "go test", "TestA", "-"),
            ("go test ./...", "go test", "TestA/one", "go test -run '^TestA$/^one$' ./..."),
            ("go test -v ./...", "go test", "TestA/one|TestB", "go test -run '^(TestA|TestB)$' -v ./..."),
            ("python -m unittest -v t", "unittest", "t.A.b", "python -m unittest -v t.A.b"),
            ("phpunit", "phpunit", "A::testB", "phpunit --filter '/::(testB)$/'"),
            ("cargo test | tee log", "cargo test", "a", "-"),
            ("make test", "go test", "TestA", "-"),
            ("sh -c \"cargo test $X\"", "cargo test", "a", "-"),
            ("cargo test", "somebody's", "a", "-"),
        ] {
            let tests: Vec<&str> = tests.split('|').collect();
            assert_eq!(narrowed(command, tool, &tests, None).as_deref().unwrap_or("-"), expected, "{command}");
        }
    }

    /// npm, pnpm and bun were seen to pass it on to a real node:test; the rest is what their pages say.
    #[test]
    fn a_script_passes_on_what_its_runner_hears() {
        for (command, text, tool, test, expected) in [
            ("npm test", "node --test", "node:test", "a b", "npm test -- --test-name-pattern='^(?:a )?b$'"),
            (
                "npm run unit -- --test-only",
                "node --test",
                "node:test",
                "b",
                "npm run unit -- --test-only --test-name-pattern='^b$'",
            ),
            ("pnpm test", "tsc && node --test", "node:test", "b", "pnpm test --test-name-pattern='^b$'"),
            (
                "CI=1 npm test",
                "node --test test/",
                "node:test",
                "b",
                "CI=1 node --test --test-name-pattern='^b$' test/",
            ),
            ("npm --prefix web test", "node --test test/", "node:test", "b", "-"),
            ("yarn test", "mocha 'spec/**'", "mocha", "a > b", "yarn test -g '^a (> )?b$'"),
            ("npm test", "vitest run", "vitest", "a.test.ts > b", "npm test -- a.test.ts -t '^b$'"),
            ("npm test", "pytest -q", "pytest", "a.py::b", "npm test -- a.py::b"),
            ("npm test", "pytest -q tests", "pytest", "a.py::b", "pytest -q a.py::b"),
            ("npm test", "cargo test", "cargo test", "a::b", "npm test -- -- --exact a::b"),
            ("npm test", "go test ./...", "go test", "TestA", "go test -run '^TestA$' ./..."),
            ("npm test", "node --test | tap-spec", "node:test", "b", "-"),
            ("npm test", "npm run unit", "node:test", "b", "-"),
        ] {
            let script = Script { text: text.into(), here: !command.contains("--prefix"), hooked: false };
            let found = narrowed(command, tool, &[test], Some(&script));
            assert_eq!(found.as_deref().unwrap_or("-"), expected, "{command}: {text}");
        }
        let hooked = Script { text: "node --test test/".into(), here: true, hooked: true };
        assert_eq!(narrowed("npm test", "node:test", &["b"], Some(&hooked)), None);
    }

    #[test]
    fn a_runner_is_known_by_its_command() {
        for (command, expected) in [
            ("cargo test -p a", "cargo test"),
            ("cargo +nightly nextest run", "cargo nextest"),
            ("cd x; python3 -m pytest -q", "pytest"),
            ("npx vitest run", "vitest"),
            ("npm test", "-"),
            ("echo $(cargo test)", "-"),
        ] {
            assert_eq!(runner(command).unwrap_or("-"), expected, "{command}");
        }
    }
}
