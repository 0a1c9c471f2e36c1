//! Scripts that a command names and a file of the project holds: those of package.json and the recipes of a Makefile. Best
//! effort: what is computed when it runs is not known here.

use std::path::Path;

use crate::matcher::Files;

/// Lines of a Makefile's target and of what it needs that are read.
const MAX_LINES: usize = 200;

/// The script of that name in the `package.json` of `folder`.
pub(super) fn of_package(files: &dyn Files, folder: &Path, name: &str) -> Option<String> {
    let text = files.read(&folder.join("package.json"))?;
    let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(manifest.get("scripts")?.get(name)?.as_str()?.to_owned())
}

/// What `make TARGET` would run in `folder`, one command a line: what the target needs first. The first target where none
/// is named.
pub(super) fn of_makefile(files: &dyn Files, folder: &Path, target: Option<&str>) -> Vec<String> {
    let names = ["GNUmakefile", "makefile", "Makefile"];
    let Some(text) = names.iter().find_map(|name| files.read(&folder.join(name))) else { return Vec::new() };
    let text = text.replace("\\\n", " ");
    let first = || text.lines().find_map(|line| targets(line).filter(|(names, _)| !names.starts_with('.')));
    let Some(target) = target.map(str::to_owned).or_else(|| Some(first()?.0.split(' ').next()?.to_owned())) else {
        return Vec::new();
    };
    let (mut commands, mut wanted, mut seen) = (Vec::new(), vec![target], Vec::new());
    while let Some(target) = wanted.pop() {
        if seen.contains(&target) || seen.len() > 50 {
            continue;
        }
        let mut here = false;
        for line in text.lines() {
            if let Some(recipe) = line.strip_prefix('\t') {
                if here && commands.len() < MAX_LINES {
                    commands.push(expand(recipe.trim_start_matches(['@', '-', '+']), &text));
                }
            } else if let Some((names, needs)) = targets(line) {
                here = names.split_whitespace().any(|name| name == target);
                if here {
                    wanted.extend(needs.split_whitespace().map(str::to_owned));
                }
            } else if !line.trim().is_empty() && !line.starts_with('#') {
                here = false;
            }
        }
        seen.push(target);
    }
    commands
}

/// Names and needs of `a b: c d`.
fn targets(line: &str) -> Option<(&str, &str)> {
    if line.starts_with(['\t', '#', ' ']) {
        return None;
    }
    let (names, needs) = line.split_once(':')?;
    let is_assignment = needs.starts_with('=') || needs.starts_with(":=") || names.contains('=');
    (!is_assignment).then(|| (names.trim(), needs.trim_start_matches(':').split(';').next().unwrap_or_default()))
}

/// `$(NAME)` replaced where the file sets it plainly.
fn expand(recipe: &str, text: &str) -> String {
    let mut out = String::new();
    let mut rest = recipe;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let closed = match after.chars().next() {
            Some('(') => after[1..].split_once(')'),
            Some('{') => after[1..].split_once('}'),
            _ => None,
        };
        let Some((name, after)) = closed else {
            rest = after.strip_prefix('$').unwrap_or(after);
            continue;
        };
        let value = text.lines().find_map(|line| {
            let (known, value) = line.split_once('=')?;
            (known.trim_end_matches([':', '?', ' ']) == name).then(|| value.trim())
        });
        match value {
            Some(value) if !value.contains('$') => out.push_str(value),
            _ if name == "MAKE" => out.push_str("make"),
            _ => {}
        }
        rest = after;
    }
    out + rest
}
