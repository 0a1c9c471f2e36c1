//! `go test` for some of its tests. Ids that say a package (`example.com/shop/cart TestAdds`) choose it too.

use super::{Call, join, quoted};

/// Options of `go test` and `go build` whose value may be a word of its own.
const WITH_VALUE: &[&str] = &[
    "run",
    "skip",
    "bench",
    "benchtime",
    "blockprofile",
    "blockprofilerate",
    "count",
    "coverprofile",
    "coverpkg",
    "covermode",
    "cpu",
    "cpuprofile",
    "exec",
    "fuzz",
    "fuzztime",
    "fuzzminimizetime",
    "list",
    "memprofile",
    "memprofilerate",
    "mutexprofile",
    "mutexprofilefraction",
    "o",
    "outputdir",
    "parallel",
    "shuffle",
    "timeout",
    "trace",
    "vet",
    "C",
    "p",
    "asmflags",
    "buildmode",
    "compiler",
    "gccgoflags",
    "gcflags",
    "installsuffix",
    "ldflags",
    "mod",
    "modfile",
    "overlay",
    "pgo",
    "pkgdir",
    "tags",
    "toolexec",
];

/// `go test -run '^TestA$' …`, of the packages that the ids say, where all do.
pub(super) fn test(call: &Call<'_>) -> Option<String> {
    let words = &call.line.words;
    let go = call.line.position("go")?;
    let verb = go + 1 + words[go + 1..].iter().position(|word| word.text == "test")?;
    let packages: Option<Vec<&str>> = call.tests.iter().map(|id| Some(id.split_once(' ')?.0)).collect();
    let mut kept = call.line.command[..words[verb].end].to_owned();
    kept.push_str(&format!(" -run {}", quoted(&pattern(call.tests))));
    let mut rest = words[verb + 1..].iter().peekable();
    while let Some(word) = rest.next() {
        let text = word.text.as_str();
        if matches!(text, "-args" | "--args") {
            kept.push_str(&packages.iter().flatten().map(|it| format!(" {}", quoted(it))).collect::<String>());
            return Some(kept + " " + call.line.command[word.start..].trim_end());
        }
        let option = text.strip_prefix("--").or(text.strip_prefix('-'));
        let mut end = word.end;
        if option.is_some_and(|option| WITH_VALUE.contains(&option)) {
            end = rest.next().map_or(end, |value| value.end);
        }
        // The last `-run` counts, and other packages' tests of that name are others.
        let is_run = option.is_some_and(|option| option == "run" || option.starts_with("run="));
        if is_run || option.is_none() && packages.is_some() {
            continue;
        }
        kept.push(' ');
        kept.push_str(&call.line.command[word.start..end]);
    }
    let mut packages = packages.unwrap_or_default();
    packages.sort_unstable();
    packages.dedup();
    Some(kept + &packages.iter().map(|it| format!(" {}", quoted(it))).collect::<String>())
}

/// `TestA/one` → `^TestA$/^one$`; of several the tests that they belong to.
fn pattern(tests: &[&str]) -> String {
    let own = |id: &str| {
        let name = id.rsplit(' ').next().unwrap_or(id);
        name.rsplit("::").next().unwrap_or(name).to_owned()
    };
    if let [one] = tests {
        return join(&own(one).split('/').collect::<Vec<_>>(), "/", |part| format!("^{}$", regex::escape(part)));
    }
    let mut tops: Vec<String> =
        tests.iter().map(|id| regex::escape(own(id).split('/').next().unwrap_or_default())).collect();
    tops.sort();
    tops.dedup();
    format!("^({})$", tops.join("|"))
}
