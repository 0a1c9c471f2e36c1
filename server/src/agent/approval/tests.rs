//! The table of verdicts, rules, and what must hold for every command line.

use proptest::prelude::*;

use super::*;

fn ground() -> Ground {
    Ground {
        folders: vec!["/w".into()],
        roots: vec!["/w".into(), "/second".into()],
        readable: vec!["/state/runs/t1/1/output".into()],
        home: "/people/me".into(),
        links: vec![("/w/out".into(), "/etc".into()), ("/w/in/secret".into(), "/w/.env".into())],
    }
}

/// `allow:bash(x)`, `deny:…`, `ask:…`, separated by ` ; `; `-` for none.
fn said(rules: &str) -> Vec<Said> {
    let rules = rules.split(" ; ").map(str::trim).filter(|rule| !matches!(*rule, "" | "-"));
    let parse = |text: &str| {
        let (decision, rule) = text.split_once(':').expect("a decision");
        let decision = match decision {
            "allow" => Decision::Allow,
            "ask" => Decision::Ask,
            "deny" => Decision::Deny,
            other => panic!("{other} is no decision"),
        };
        let rule = Rule::parse(rule).unwrap_or_else(|why| panic!("{text}: {why}"));
        Said { decision, rule, place: None, script: None }
    };
    rules.map(parse).collect()
}

fn verdict(mode: &str, rules: &str, command: &str) -> Verdict {
    let said = said(rules);
    let said: Vec<&Said> = said.iter().collect();
    judge_command(Mode::parse(mode).expect("a mode"), &said, command, &ground())
}

/// In one word, as the table has it: `allow`, `deny`, `always` (also in `auto`), `ask`, or `ask: RULES`, what "always" would save.
fn word(mode: &str, rules: &str, command: &str) -> String {
    match verdict(mode, rules, command) {
        Verdict::Allow => "allow".to_owned(),
        Verdict::Refuse(_) => "deny".to_owned(),
        Verdict::Ask(asking) => {
            let always = matches!(verdict("auto", rules, command), Verdict::Ask(_));
            match asking.offers.first() {
                _ if always => "always".to_owned(),
                Some(offer) => format!("ask: {}", offer.label.replace('`', "")),
                None => "ask".to_owned(),
            }
        }
    }
}

#[test]
fn the_table() {
    let table = include_str!("tests/commands.txt");
    let mut wrong = Vec::new();
    let (mut rows, mut mode, mut rules) = (0, "ask", "-");
    for (at, line) in table.lines().enumerate() {
        if let Some(set) = line.strip_prefix("== ") {
            (mode, rules) = set.split_once(' ').unwrap_or((set, "-"));
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (expected, command) = line.split_once(" | ").unwrap_or_else(|| panic!("line {}: {line}", at + 1));
        rows += 1;
        let command =
            command.replace("\\n", "\n").replace("\\r", "\r").replace("\\0", "\0").replace("\\u200b", "\u{200b}");
        let found = word(mode, rules.trim(), &command);
        if found != expected.trim() {
            wrong.push(format!("{}: {mode} {rules} {command:?}: {found}, and not {}", at + 1, expected.trim()));
        }
    }
    assert!(rows >= 150, "{rows} rows");
    assert!(wrong.is_empty(), "{} of {rows} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn rules_are_read_as_they_are_written() {
    for text in [
        "bash",
        "bash(cargo test *)",
        "bash(cargo test)",
        "bash(git push origin *)",
        "bash(npm run test:*)",
        "bash(echo '*')",
        "bash(RUST_LOG=debug cargo run)",
        "bash(git commit -m 'a b')",
        "edit",
        "edit(workspace)",
        "edit(src/**)",
        "read(~/.ssh/**)",
        "read(*.pem)",
        "read(/etc/hosts)",
        "edit(docs/)",
    ] {
        let rule = Rule::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        assert_eq!(rule.to_string(), text);
    }
    for (text, why) in [
        ("", "none of"),
        ("cargo test", "none of"),
        ("shell(x)", "none of"),
        ("bash(cargo test", "does not end"),
        ("bash()", "nothing between"),
        ("bash(* test)", "name it"),
        ("bash(car*o test)", "name it"),
        ("bash(a && b)", "more than one command"),
        ("bash(a > b)", "without operators"),
        ("bash(a $X)", "without operators"),
        ("bash(a \"b)", "unbalanced quote"),
        ("read(../x)", "leads out"),
        ("read(a[)", "unclosed"),
    ] {
        let error = Rule::parse(text).expect_err(text);
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn rules_cover_what_they_say() {
    let covers = |rule: &str, command: &str| {
        let script = shell::parse(command).expect("a command");
        Rule::parse(rule).expect("a rule").covers(&script.parts[0].words).is_some()
    };
    for (rule, command, expected) in [
        ("bash(cargo test *)", "cargo test", true),
        ("bash(cargo test *)", "cargo test a b", true),
        ("bash(cargo test *)", "cargo testing", false),
        ("bash(cargo test *)", "cargo 'test' a", true),
        ("bash(cargo test)", "cargo test a", false),
        ("bash(cargo * --all)", "cargo test --all", true),
        ("bash(cargo * --all)", "cargo test x --all", false),
        ("bash(npm run test:*)", "npm run test:unit", true),
        ("bash(npm run test:*)", "npm run build", false),
        ("bash(echo '*')", "echo a", false),
        ("bash(cat a*b*c)", "cat aXbYbZc", true),
        ("bash(cat a*b*c)", "cat aXc", false),
        ("bash(cat $'a')", "cat a", true),
    ] {
        assert_eq!(covers(rule, command), expected, "{rule} {command}");
    }
    let covers = |rule: &str, path: &str| {
        let rule = Rule::parse(rule).expect("a rule");
        rule.covers_path(rule.tool, Path::new(path), &ground())
    };
    for (rule, path, expected) in [
        ("edit(workspace)", "/w/a", true),
        ("edit(workspace)", "/second/a", true),
        ("edit(workspace)", "/x/a", false),
        ("edit(src/**)", "/w/src/a/b.rs", true),
        ("edit(src/**)", "/second/src/a.rs", true),
        ("edit(src/**)", "/w/lib/src/a.rs", false),
        ("edit(src/*)", "/w/src/a/b.rs", false),
        ("edit(docs/)", "/w/docs/a/b.md", true),
        ("read(*.pem)", "/w/a/b.pem", true),
        ("read(~/notes/**)", "/people/me/notes/a", true),
        ("read(~/notes/**)", "/people/you/notes/a", false),
        ("read(/etc/*)", "/etc/hosts", true),
        ("read(/etc/*)", "/w/etc/hosts", false),
        ("read", "/anything", true),
    ] {
        assert_eq!(covers(rule, path), expected, "{rule} {path}");
    }
}

#[test]
fn a_question_says_why() {
    for (mode, rules, command, expected) in [
        ("ask", "-", "make", None),
        ("ask", "-", "cat a > /etc/hosts", Some("It writes outside the workspace: /etc/hosts.")),
        ("ask", "-", "echo \"a", Some("It cannot be understood: an unbalanced quote.")),
        ("ask", "-", "ls && make", Some("It runs `make`.")),
        ("ask", "-", "LD_PRELOAD=x make", Some("It sets `LD_PRELOAD`, which may change what runs.")),
        ("auto", "-", "git push -f", Some("It overwrites or removes what is on the server.")),
        ("auto", "ask:bash(make *)", "make x", Some("A rule asks about it: `bash(make *)`.")),
    ] {
        let Verdict::Ask(asking) = verdict(mode, rules, command) else { panic!("{command} is asked about") };
        assert_eq!(asking.reason.as_deref(), expected, "{command}");
    }
    let Verdict::Refuse(why) = verdict("ask", "deny:bash(make *)", "make x") else { panic!("denied") };
    assert!(why.contains("`bash(make *)`"), "{why}");
}

#[test]
fn an_unknown_mode_is_answered_with_the_list() {
    let error = Mode::parse("yolo").expect_err("no such mode");
    assert!(error.contains("ask, accept_edits, plan, auto"), "{error}");
}

/// How strict a verdict is.
fn strictness(command: &str, rules: &str) -> u8 {
    match verdict("ask", rules, command) {
        Verdict::Allow => 0,
        Verdict::Ask(_) => 1,
        Verdict::Refuse(_) => 2,
    }
}

/// A line of the table that can have something after it.
fn rows() -> Vec<&'static str> {
    let rows = include_str!("tests/commands.txt").lines().filter(|line| !line.starts_with(['#', '=']));
    rows.filter_map(|row| row.split_once(" | "))
        .map(|(_, command)| command)
        .filter(|it| !it.contains(['\\', '#']))
        // What is half a command alone may be a whole one with what follows.
        .filter(|it| shell::parse(it).is_ok())
        .collect()
}

const PIECES: &[&str] = &[
    "rm", " ", "-rf", "/", "$(", ")", "`", "'", "\"", "\\", "\n", ";", "&&", "||", "|", "&", "<<EOF", "EOF", "<", ">",
    "(", "{", "}", "((", "))", "[[", "]]", "if", "then", "fi", "for", "in", "do", "done", "case", "esac", ";;", "x",
    "=", "$", "${", "a:-", "*", "~", "<(", "$'", "#", "ls", "cat", "é", "\0", "xargs", "sh", "-c", "find", "-exec",
    "\\;", "env", "function", "f()", "!", "time",
];

proptest! {
    #[test]
    fn nothing_panics(text in "\\PC{0,80}", pieces in proptest::collection::vec(0..PIECES.len(), 0..60)) {
        let pieced: String = pieces.iter().map(|at| PIECES[*at]).collect();
        for text in [text, pieced] {
            for rules in ["-", "allow:bash ; deny:bash(rm *) ; ask:bash(ls *)"] {
                verdict("ask", rules, &text);
            }
        }
    }

    #[test]
    fn another_part_never_makes_a_command_more_allowed(
        first in 0..1000_usize,
        second in 0..1000_usize,
        operator in proptest::sample::select(vec![" && ", " || ", " ; ", " | ", " & ", "\n"]),
    ) {
        let rows = rows();
        let (first, second) = (rows[first % rows.len()], rows[second % rows.len()]);
        for rules in ["-", "allow:bash(cargo test *)", "allow:bash ; deny:bash(git push *)"] {
            let both = strictness(&format!("{first}{operator}{second}"), rules);
            prop_assert!(both >= strictness(first, rules), "{first}{operator}{second}, {rules}");
            // What comes after a change of folder is about other files.
            if !first.contains("cd ") {
                prop_assert!(both >= strictness(second, rules), "{first}{operator}{second}, {rules}");
            }
        }
    }
}

#[test]
fn nesting_and_length_are_bounded() {
    for (open, close) in [
        ("$(", ")"),
        ("(", ")"),
        ("{ ", "; }"),
        ("if ", "; then ls; fi"),
        ("`", "`"),
        ("\"$(", ")\""),
        ("${x:-", "}"),
        ("$((", "))"),
        ("f() { ", "; }"),
        ("while ", "; do ls; done"),
        ("case x in a) ", ";; esac"),
        ("sh -c ", ""),
        ("env ", ""),
        ("eval ", ""),
        ("<(", ")"),
        ("[[ (", ") ]]"),
        ("xargs ", ""),
        ("! ", ""),
        ("a=(", ")"),
        ("cat <<E\n", "\nE\n"),
    ] {
        for times in [1, 10, 100, 10_000] {
            let text = format!("{}ls{}", open.repeat(times), close.repeat(times));
            let verdict = verdict("ask", "allow:bash(ls *) ; deny:bash(rm *)", &text);
            assert!(times < 100 || open == "! " || verdict != Verdict::Allow, "{open} {times} times");
        }
    }
}

#[test]
fn what_is_too_long_to_judge_is_asked_about_in_every_mode() {
    let rule = "allow:bash(*)";
    for text in [
        "a b;".repeat(16_000),
        "env ".repeat(16_000),
        "echo $(a b c) ".repeat(4_500),
        "cat x|".repeat(10_000) + "cat",
        "sudo -u x nice env A=1 b;".repeat(2_500),
        "find . -exec a {} \\; ".repeat(3_000),
        format!("find . {}", "-exec a {} \\; ".repeat(30)),
        "timeout 1 ".repeat(6_000),
    ] {
        let head = &text[..20];
        assert_eq!(word("auto", rule, &text), "always", "{head}… of {} bytes", text.len());
    }
}
