//! `glob` and `grep`.

use std::time::{Duration, SystemTime};

use super::*;
use crate::tool::input::{Glob, Grep};

fn glob(pattern: &str, path: Option<&str>) -> FileCall {
    FileCall::Glob(Glob { pattern: pattern.into(), path: path.map(Into::into) })
}

fn grep(pattern: &str) -> Grep {
    Grep { pattern: pattern.into(), path: None, glob: None, ignore_case: None, context: None, limit: None }
}

fn tree() -> Case {
    let case = Case::new();
    let files = [
        (".gitignore", "target/\n*.log\n"),
        ("src/main.rs", "fn main() {\n    login();\n}\n"),
        ("src/auth/login.rs", "pub fn login() {}\r\n// LOGIN\r\n"),
        ("web/login.ts", "login()\n"),
        ("target/debug/login.rs", "login\n"),
        ("debug.log", "login\n"),
        (".github/ci.yml", "login\n"),
        (".git/config", "login\n"),
    ];
    for (n, (name, text)) in files.iter().enumerate() {
        case.file(name, text);
        let file = std::fs::File::options().append(true).open(case.path(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + n as u64)).unwrap();
    }
    case.file("bin", b"login\0login\n");
    case
}

#[tokio::test]
async fn files_are_found_by_name_newest_first() {
    let mut case = tree();
    let table = [
        (glob("*.rs", None), "src/auth/login.rs\nsrc/main.rs\n"),
        (glob("**/*.rs", None), "src/auth/login.rs\nsrc/main.rs\n"),
        (glob("src/*.rs", None), "src/main.rs\n"),
        (glob("**/login.{rs,ts}", None), "web/login.ts\nsrc/auth/login.rs\n"),
        (glob("*", Some("src/auth")), "src/auth/login.rs\n"),
        (glob("auth/*", Some("src")), "src/auth/login.rs\n"),
        (glob("target/**/*.rs", None), "target/debug/login.rs\n"),
        (glob(".github/*", None), ".github/ci.yml\n"),
        (glob(".git*", None), ".gitignore\n"),
        (glob(&format!("{}/src/*.rs", case.root().display()), None), "src/main.rs\n"),
    ];
    for (call, expected) in table {
        assert_eq!(case.text(call.clone()).await, expected, "{call:?}");
    }
    assert!(case.text(glob("*.py", None)).await.starts_with("No file matches."));
    assert_eq!(case.text(glob("none/*", None)).await, "error: There is no folder none.");
    assert!(case.text(glob("a{", None)).await.starts_with("error: The pattern \"a{\" is not understood"));
    case.max_result = 20;
    let told = case.text(glob("*.rs", None)).await;
    let (cut, file) = told.split_once("read_file ").unwrap();
    assert_eq!(cut, "src/auth/login.rs\n(1 file left out, the oldest: narrow the pattern, or ");
    let (path, rest) = file.split_once(' ').unwrap();
    assert_eq!(rest, "with offset 2; it is the whole result)\n");
    assert_eq!(std::fs::read_to_string(path).unwrap(), "src/auth/login.rs\nsrc/main.rs\n");
}

#[tokio::test]
async fn lines_are_found_by_content() {
    let mut case = tree();
    let login = "src/auth/login.rs:1:pub fn login() {}\nsrc/main.rs:2:    login();\nweb/login.ts:1:login()\n";
    let path = |path: &str| Some(path.to_owned());
    let table = [
        (grep("login"), login),
        (grep(r"^login\(\)$"), "web/login.ts:1:login()\n"),
        (Grep { ignore_case: Some(true), glob: path("*.rs"), ..grep("// login$") }, "src/auth/login.rs:2:// LOGIN\n"),
        (Grep { glob: path("src/*.rs"), ..grep("login") }, "src/main.rs:2:    login();\n"),
        (Grep { path: path("web"), ..grep("login") }, "web/login.ts:1:login()\n"),
        (Grep { path: path("debug.log"), ..grep("login") }, "debug.log:1:login\n"),
        (Grep { path: path(".github"), ..grep("login") }, ".github/ci.yml:1:login\n"),
        (
            Grep { path: path("src/main.rs"), context: Some(1), ..grep("login") },
            "src/main.rs-1-fn main() {\nsrc/main.rs:2:    login();\nsrc/main.rs-3-}\n",
        ),
        (
            Grep { path: path("src"), ..grep(r"main\(\) \{\n\s+login") },
            "src/main.rs:1:fn main() {\nsrc/main.rs:2:    login();\n",
        ),
        (
            Grep { limit: Some(1), ..grep("login") },
            "src/auth/login.rs:1:pub fn login() {}\n(1 of 3 hits in 3 files shown: narrow the pattern or the path, or raise \
             `limit`)\n",
        ),
    ];
    for (call, expected) in table {
        assert_eq!(case.text(FileCall::Grep(call.clone())).await, expected, "{call:?}");
    }
    assert!(case.text(FileCall::Grep(grep("nowhere"))).await.starts_with("Nothing matches."));
    assert!(
        case.text(FileCall::Grep(grep("(?=x)"))).await.starts_with("error: The regular expression is not understood")
    );
    let none = Grep { path: path("src/mian.rs"), ..grep("x") };
    assert_eq!(case.text(FileCall::Grep(none)).await, "error: There is no file src/mian.rs. Is src/main.rs meant?");
    case.file("text.md", "login [x](y)\n");
    assert_eq!(case.text(FileCall::Grep(grep(r"\[x\]\(y\)"))).await, "text.md:1:login [x](y)\n");
    let output = case.run(FileCall::Grep(grep("login"))).await.unwrap();
    assert_eq!(output.locations[1], Location { path: case.path("src/main.rs"), line: Some(2) });
}

#[tokio::test]
async fn long_lines_are_cut_around_the_hit() {
    let mut case = Case::new();
    case.file("min.js", format!("{}needle{}\n", "ü".repeat(1000), "b".repeat(1000)));
    let told = case.text(FileCall::Grep(grep("needle"))).await;
    assert!(told.starts_with("min.js:1:…üü") && told.contains("üneedleb"), "{told}");
    assert!(told.ends_with("b… (1706 more characters)\n"), "{told}");
}

#[tokio::test]
async fn hits_that_are_not_shown_can_be_paged() {
    let mut case = Case::new();
    case.file("a.txt", (1..=300).map(|n| format!("hit {n}\n")).collect::<String>());
    case.file("b.txt", "hit\n");
    let told = case.text(FileCall::Grep(grep("hit"))).await;
    let (shown, rest) = told.rsplit_once('(').unwrap();
    assert_eq!(shown.lines().count(), 200, "{told}");
    let of = "200 of 301 hits in 2 files shown: narrow the pattern or the path, or read_file ";
    let (path, rest) = rest.strip_prefix(of).unwrap().split_once(' ').unwrap();
    assert_eq!(rest, "with offset 201; it is the whole result)\n");
    let path = path.to_owned();
    let next = case.read_part(&path, 201, 1).await;
    assert!(next.starts_with("201\ta.txt:201:hit 201\n"), "{next}");
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().last(), Some("b.txt:1:hit"));
    case.max_result = 100;
    let told = case.text(FileCall::Grep(Grep { limit: Some(20), ..grep("hit") })).await;
    assert!(
        told.contains(" of 301 hits in 2 files shown: narrow") && told.contains("; it is the whole result"),
        "{told}"
    );
}

#[tokio::test]
async fn ignore_files_hold_as_for_version_control() {
    // Files and what they say; then a pattern and what it finds.
    let case = Case::new();
    let files = [
        (".gitignore", "*.log\n!keep.log\n/build/\n"),
        (".ignore", "vendor/\n"),
        (".git/info/exclude", "private.txt\n"),
        ("a.log", "x\n"),
        ("keep.log", "x\n"),
        ("build/out.txt", "x\n"),
        ("sub/build/out.txt", "x\n"),
        ("sub/.gitignore", "local.txt\n!a.log\n"),
        ("sub/local.txt", "x\n"),
        ("sub/a.log", "x\n"),
        ("local.txt", "x\n"),
        ("vendor/lib.txt", "x\n"),
        ("private.txt", "x\n"),
        (".hidden/in.txt", "x\n"),
        // A repository inside of this one has its own rules.
        ("nested/.git/HEAD", "ref: refs/heads/main\n"),
        ("nested/.gitignore", "own.txt\n"),
        ("nested/own.txt", "x\n"),
        ("nested/other.txt", "x\n"),
    ];
    for (name, text) in files {
        case.file(name, text);
    }
    let mut case = case;
    let mut found: Vec<String> = case.text(glob("**/*.{txt,log}", None)).await.lines().map(str::to_owned).collect();
    found.sort();
    let expected = ["keep.log", "local.txt", "nested/other.txt", "sub/a.log", "sub/build/out.txt"];
    assert_eq!(found, expected);
    let told = case.text(FileCall::Grep(grep("^x$"))).await;
    let mut grepped: Vec<&str> = told.lines().map(|line| line.split(':').next().unwrap()).collect();
    grepped.sort_unstable();
    assert_eq!(grepped, expected, "both go by the same rules");
    // What is named is searched.
    let named = [("vendor/*", "vendor/lib.txt\n"), (".hidden/*", ".hidden/in.txt\n"), ("build/*", "build/out.txt\n")];
    for (pattern, expected) in named {
        assert_eq!(case.text(glob(pattern, None)).await, expected, "{pattern}");
    }
}
