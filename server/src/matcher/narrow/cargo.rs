//! `cargo test` and `cargo nextest run` for some of their tests. Ids that say a program (`api::http tests::adds`) choose it too.

use super::{Call, join, quoted};

/// Options that choose packages and programs; those with a value of its own word.
const WITH_VALUE: &[&str] = &["-p", "--package", "--exclude", "--bin", "--test", "--example", "--bench"];
const ALONE: &[&str] =
    &["--workspace", "--all", "--lib", "--bins", "--tests", "--doc", "--examples", "--benches", "--all-targets"];

/// The program and the test of an id.
fn parts(id: &str) -> (Option<&str>, &str) {
    let named = |(program, _): &(&str, &str)| {
        let is_name = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | ':' | '/');
        // The name of a doc-test begins with a path: `src/lib.rs - f (line 3)`.
        !program.is_empty() && program.chars().all(is_name)
    };
    id.split_once(' ').filter(named).map_or((None, id), |(program, test)| (Some(program), test))
}

/// What `cargo test` needs to run a program alone, as nextest names it.
fn choice(program: &str) -> (&str, Option<String>) {
    let Some((package, target)) = program.split_once("::") else { return (program, Some("--lib".to_owned())) };
    let option = match target.split_once('/') {
        _ if target == "doc" => "--doc".to_owned(),
        Some((kind @ ("bin" | "bench" | "example"), name)) => format!("--{kind} {}", quoted(name)),
        _ => format!("--test {}", quoted(target)),
    };
    (package, Some(option))
}

/// `cargo test … -- --exact a b`: the names of tests are the test binary's own words.
pub(super) fn test(call: &Call<'_>) -> Option<String> {
    call.line.position("cargo")?;
    let parts: Vec<_> = call.tests.iter().map(|id| parts(id)).collect();
    let names: Vec<&str> = parts.iter().map(|(_, name)| *name).collect();
    let words = format!("--exact {}", join(&names, " ", quoted));
    let programs: Option<Vec<&str>> = parts.iter().map(|(program, _)| *program).collect();
    let command = match programs {
        Some(programs) => chosen(call, &programs)?,
        None => call.line.command.to_owned(),
    };
    // Behind `--` stand the test binary's words, of which the command may have some.
    Some(match call.line.words.iter().find(|word| word.text == "--") {
        Some(dashes) => {
            let rest = &call.line.command[dashes.end..];
            let head = command.strip_suffix(rest).unwrap_or(&command);
            format!("{head} {words}{rest}")
        }
        None => format!("{command} -- {words}"),
    })
}

/// The same command for these programs alone, instead of those that it chooses.
fn chosen(call: &Call<'_>, programs: &[&str]) -> Option<String> {
    let words = &call.line.words;
    let verb = words.iter().position(|word| matches!(word.text.as_str(), "test" | "t"))?;
    let mut kept = call.line.command[..words[verb].end].to_owned();
    let (mut packages, mut targets): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
    for (package, target) in programs.iter().map(|program| choice(program)) {
        if !packages.contains(&package) {
            packages.push(package);
        }
        targets.extend(target.filter(|target| !targets.contains(target)));
    }
    // Cargo runs doc-tests alone or with everything.
    if targets.len() > 1 && targets.iter().any(|target| target == "--doc") {
        targets.clear();
    }
    kept.extend(packages.iter().map(|package| format!(" -p {}", quoted(package))));
    kept.extend(targets.iter().map(|target| format!(" {target}")));
    let mut is_value = false;
    for word in &words[verb + 1..] {
        let text = word.text.as_str();
        if text == "--" {
            kept.push_str(" --");
            kept.push_str(&call.line.command[word.end..]);
            return Some(kept);
        }
        if std::mem::take(&mut is_value) || ALONE.contains(&text) {
            continue;
        }
        let name = text.split('=').next().unwrap_or(text);
        if WITH_VALUE.contains(&name) || text.starts_with("-p") {
            is_value = WITH_VALUE.contains(&text);
            continue;
        }
        kept.push(' ');
        kept.push_str(&call.line.command[word.start..word.end]);
    }
    Some(kept)
}

/// `cargo nextest run -E 'test(=a)'`, with the program where the id says it.
pub(super) fn nextest(call: &Call<'_>) -> Option<String> {
    let filter = |id: &str| match parts(id) {
        (Some(program), test) => format!("(binary_id(={program}) & test(={test}))"),
        (None, test) => format!("test(={test})"),
    };
    call.appended(&format!("-E {}", quoted(&join(call.tests, " + ", filter))))
}
