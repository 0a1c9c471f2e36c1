//! What a command line tells about its output: which programs run, in which folders, and in which containers. A reader of
//! words, not a shell: what it does not understand it passes over. Follows scripts of package.json and recipes of a
//! Makefile, and wrappers (`command/wrappers`) to the program that they run.

mod scripts;
mod words;
mod wrappers;

use std::path::{Path, PathBuf};

use super::Files;
use super::compose::Compose;
use super::container::Containers;
use crate::workspace::roots::normal;
use words::parts;
use wrappers::{behind, wrapped};

/// How deep scripts may call each other.
const MAX_DEPTH: u32 = 6;
/// Simple commands that are looked at, of all scripts.
const MAX_COMMANDS: usize = 500;

/// What was read off a command line.
#[derive(Clone, Debug, Default)]
pub(super) struct Command {
    /// Base names of the programs, wrappers included, in order.
    pub(super) programs: Vec<String>,
    /// All words of all parts.
    words: Vec<String>,
    /// Folders that parts of the command run in, the most specific first; the last one is the folder it starts in.
    pub(super) folders: Vec<PathBuf>,
    pub(super) containers: Containers,
}

/// Programs that list other text, where a line like a compiler's is somebody else's news or no news at all.
const LISTERS: &[&str] =
    &["grep", "egrep", "fgrep", "rg", "ag", "ack", "git", "ls", "find", "fd", "tree", "diff", "journalctl", "wc"];

/// Programs whose words are command lines.
const RUNS_LINES: &[&str] = &["concurrently", "conc", "watchexec", "nodemon", "entr"];

/// What is asked while a command line is read.
struct Reader<'a> {
    files: &'a dyn Files,
    root: &'a Path,
}

impl Command {
    pub(super) fn read(line: &str, cwd: &Path, root: &Path, files: &dyn Files) -> Self {
        let mut command = Self::default();
        let (cwd, root) = (normal(cwd), normal(root));
        command.containers.devcontainer(files, &root);
        command.take(line, &cwd, 0, &Reader { files, root: &root });
        command.folders.push(cwd);
        command
    }

    fn take(&mut self, line: &str, cwd: &Path, depth: u32, reader: &Reader<'_>) {
        let mut here = cwd.to_owned();
        for words in parts(line) {
            if depth > MAX_DEPTH || self.programs.len() >= MAX_COMMANDS {
                return;
            }
            self.words.extend(words.iter().cloned());
            self.simple(&words, &mut here, depth, reader);
        }
    }

    /// One simple command, and what it runs.
    fn simple(&mut self, words: &[String], here: &mut PathBuf, depth: u32, reader: &Reader<'_>) {
        let mut rest = behind(words, &[], 0);
        // Each turn takes a word at least.
        while let [program, arguments @ ..] = rest {
            let program = program.rsplit('/').next().unwrap_or(program).to_owned();
            if matches!(program.as_str(), "cd" | "pushd") {
                if let Some(folder) = arguments.iter().find(|word| !word.starts_with('-')) {
                    *here = normal(&here.join(folder));
                    self.enter(here.clone());
                }
                return;
            }
            if matches!(program.as_str(), "bash" | "sh" | "zsh" | "dash") {
                let script = arguments.iter().position(|word| word.starts_with('-') && word.ends_with('c'));
                if let Some(script) = script.and_then(|at| arguments.get(at + 1)) {
                    return self.take(script, here, depth + 1, reader);
                }
            }
            let folder = self.folder_option(&program, arguments, here);
            if let Some(command) = self.container(&program, arguments, here, reader) {
                rest = command;
                continue;
            }
            if let Some(command) = wrapped(&program, arguments) {
                if command.len() < arguments.len() || !arguments.is_empty() {
                    self.words.extend(command.first().cloned());
                }
                rest = command;
                continue;
            }
            if program.starts_with("python")
                && let Some(at) = arguments.iter().position(|word| word == "-m")
            {
                self.programs.push(program);
                rest = &arguments[at + 1..];
                continue;
            }
            if RUNS_LINES.contains(&program.as_str()) {
                for line in arguments.iter().filter(|word| word.contains(' ')) {
                    self.take(line, here, depth + 1, reader);
                }
            }
            self.scripts(&program, arguments, &folder, depth, reader);
            self.programs.push(program);
            return;
        }
    }

    fn enter(&mut self, folder: PathBuf) {
        if self.folders.len() < 100 {
            self.folders.insert(0, folder);
        }
    }

    /// What a package manager's script and a Makefile's target run.
    fn scripts(&mut self, program: &str, arguments: &[String], folder: &Path, depth: u32, reader: &Reader<'_>) {
        match program {
            "npm" | "pnpm" | "yarn" | "bun" => {
                let plain =
                    behind(arguments, &["--prefix", "-C", "--dir", "--cwd", "-w", "--workspace", "-F", "--filter"], 0);
                let name = match plain {
                    [run, name, ..] if run == "run" || run == "run-script" => name.as_str(),
                    [word, ..] if program != "bun" && (word == "t" || word == "tst") => "test",
                    [word, ..] => word.as_str(),
                    [] => return,
                };
                for script in [format!("pre{name}"), name.to_owned(), format!("post{name}")] {
                    if let Some(script) = scripts::of_package(reader.files, folder, &script) {
                        self.take(&script, folder, depth + 1, reader);
                    }
                }
            }
            "make" | "gmake" => {
                let plain = behind(arguments, &["-C", "--directory", "-f", "-j", "-o", "-I"], 0);
                let target = plain.iter().find(|word| !word.contains('=') && !word.starts_with('-'));
                let target = target.filter(|word| word.bytes().any(|byte| !byte.is_ascii_digit()));
                for recipe in scripts::of_makefile(reader.files, folder, target.map(String::as_str)) {
                    self.take(&recipe, folder, depth + 1, reader);
                }
            }
            _ => {}
        }
    }

    /// `docker run … IMAGE COMMAND`, `docker compose run … SERVICE COMMAND` and their kin: notes the mounts, and gives the
    /// command inside.
    fn container<'w>(
        &mut self,
        program: &str,
        arguments: &'w [String],
        here: &mut PathBuf,
        reader: &Reader<'_>,
    ) -> Option<&'w [String]> {
        const WITH_VALUE: &[&str] = &[
            "-v",
            "--volume",
            "--mount",
            "-w",
            "--workdir",
            "-e",
            "--env",
            "--env-file",
            "-u",
            "--user",
            "-p",
            "--publish",
            "--name",
            "--network",
            "--net",
            "--entrypoint",
            "-l",
            "--label",
            "--platform",
            "-m",
            "--memory",
            "--cpus",
            "-h",
            "--hostname",
            "--add-host",
            "--gpus",
            "--pull",
            "--index",
        ];
        const COMPOSE: &[&str] =
            &["-f", "--file", "-p", "--project-name", "--profile", "--env-file", "--project-directory"];
        let (words, compose) = match (program, arguments) {
            ("docker" | "podman" | "nerdctl", [compose, rest @ ..]) if compose == "compose" => (rest, true),
            ("docker-compose" | "podman-compose", rest) => (rest, true),
            ("docker" | "podman" | "nerdctl", [container, rest @ ..]) if container == "container" => (rest, false),
            ("docker" | "podman" | "nerdctl", rest) => (rest, false),
            _ => return None,
        };
        if compose {
            let named = words.windows(2).filter(|pair| matches!(pair[0].as_str(), "-f" | "--file"));
            let named: Vec<PathBuf> = named.map(|pair| normal(&here.join(&pair[1]))).collect();
            if named.iter().any(|file| reader.files.is_file(file)) {
                self.containers.compose(&Compose::read(reader.files, &named));
            } else {
                self.containers.find_compose(reader.files, here, reader.root);
            }
            self.containers.inside = true;
        }
        let words = behind(words, COMPOSE, 0);
        let [verb, options @ ..] = words else { return None };
        if !matches!(verb.as_str(), "run" | "exec") {
            return None;
        }
        self.containers.inside = true;
        let rest = behind(options, WITH_VALUE, 0);
        let service = rest.first().filter(|_| compose).map(String::as_str);
        let options = &options[..options.len() - rest.len()];
        let mut working = None;
        for (at, word) in options.iter().enumerate() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value)),
                _ => (word.as_str(), options.get(at + 1).map(String::as_str)),
            };
            match (name, value) {
                ("-v" | "--volume", Some(value)) => self.containers.volume(value, here, service),
                ("--mount", Some(value)) => self.containers.mount(value, here),
                ("-w" | "--workdir", Some(value)) => working = Some(PathBuf::from(value)),
                _ => {}
            }
        }
        let usual = || self.containers.working.iter().find(|(name, _)| Some(name.as_str()) == service);
        if let Some(working) = working.or_else(|| usual().map(|(_, folder)| folder.clone()))
            && let Some(outside) = self.containers.outside(&working, service)
        {
            *here = outside.clone();
            self.enter(outside);
        }
        Some(rest.get(1..).unwrap_or_default())
    }

    /// The folder in which a program works: `here`, or what its options name.
    fn folder_option(&mut self, program: &str, arguments: &[String], here: &Path) -> PathBuf {
        let options: &[&str] = match program {
            "make" | "gmake" | "ninja" => &["-C", "--directory"],
            "cargo" => &["-C", "--manifest-path"],
            "npm" | "pnpm" | "yarn" | "bun" => &["--prefix", "-C", "--dir", "--cwd"],
            "cmake" => &["--build"],
            "uv" | "poetry" => &["--directory", "--project", "-C"],
            "go" => &["-C"],
            "terraform" | "tofu" => &["-chdir"],
            _ => return here.to_owned(),
        };
        let mut last = here.to_owned();
        let mut arguments = arguments.iter();
        while let Some(word) = arguments.next() {
            let value = match word.split_once('=') {
                Some((name, value)) if options.contains(&name) => Some(value),
                _ if options.contains(&word.as_str()) => arguments.next().map(String::as_str),
                _ => None,
            };
            if let Some(value) = value {
                let mut folder = normal(&here.join(value));
                if folder.extension().is_some_and(|extension| extension == "toml") {
                    folder.pop();
                }
                self.enter(folder.clone());
                last = folder;
            }
        }
        last
    }

    /// All words of all its parts.
    pub(super) fn words(&self) -> &[String] {
        &self.words
    }

    /// True when a word of the command is, or is a path to, `name`.
    pub(super) fn mentions(&self, name: &str) -> bool {
        self.words.iter().any(|word| word == name || word.rsplit('/').next() == Some(name))
    }

    /// True when a program's name starts so, for instance `python3.11`.
    pub(super) fn runs(&self, prefix: &str) -> bool {
        self.programs.iter().any(|program| program.starts_with(prefix))
    }

    /// True when the command only lists text: there is nothing to match.
    pub(super) fn only_lists(&self) -> bool {
        !self.programs.is_empty() && self.programs.iter().all(|program| LISTERS.contains(&program.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::tree::Tree;

    const FILES: Tree = Tree(&[
        ("/w/package.json", r#"{"scripts": {"test": "cd web && jest --ci", "ci": "npm run test"}}"#),
        ("/w/web/package.json", r#"{"scripts": {"lint": "eslint ."}}"#),
        (
            "/w/Makefile",
            "PY = python3\n\nall: unit\n\nunit: lib\n\t@$(PY) -m pytest \\\n\t  -q\n\nlib:\n\t$(MAKE) -C native\n",
        ),
        ("/w/native/Makefile", "x:\n\tgcc -c x.c\n"),
        ("/w/compose.yaml", "services:\n  api:\n    working_dir: /app\n    volumes:\n      - ./api:/app\n"),
    ]);

    fn read(line: &str) -> Command {
        Command::read(line, Path::new("/w"), Path::new("/w"), &FILES)
    }

    #[test]
    fn reads() {
        for (line, programs, first_folder) in [
            ("cargo test", "cargo", "/w"),
            ("cd 'a b' && pytest -q 2>&1 | tail -5", "pytest 1 tail", "/w/a b"),
            ("RUST_LOG=x sudo -u me make -C lib", "make", "/w/lib"),
            ("cargo test --manifest-path=crates/a/Cargo.toml", "cargo", "/w/crates/a"),
            ("bash -lc 'cd x; ls'", "ls", "/w/x"),
            ("(cd ../v && ./run.sh)", "run.sh", "/v"),
            ("env X=1 time timeout -k 5 60 npx jest -t a", "jest", "/w"),
            ("uv run --with x python -m pytest", "python pytest", "/w"),
            ("poetry run mypy .", "mypy", "/w"),
            ("bundle exec rspec", "rspec", "/w"),
            ("npm test", "jest npm", "/w/web"),
            ("npm run ci", "jest npm npm", "/w/web"),
            ("npm --prefix web run lint", "eslint npm", "/w/web"),
            ("make", "python3 pytest gcc make make", "/w/native"),
            ("docker run --rm -v $PWD/api:/srv -w /srv image pytest -q", "pytest", "/w/api"),
            ("docker compose run --rm -e A=1 api pytest", "pytest", "/w/api"),
            ("docker exec -it box sh -c 'cargo test'", "cargo", "/w"),
        ] {
            let command = read(line);
            assert_eq!(command.programs.join(" "), programs, "{line}");
            assert_eq!(command.folders[0], Path::new(first_folder), "{line}");
        }
        assert!(read("git diff | grep error").only_lists());
        assert!(!read("make 2>&1 | grep error").only_lists());
        assert!(read(".venv/bin/pytest").mentions("pytest"));
        assert!(read("npm test").mentions("jest"));
    }
}
