//! Judges a command line: every part of it, whatever runs it. A part is denied by a rule, always asked about, harmless,
//! allowed by a rule, or asked about; the line is what its worst part is.

mod files;

use super::guess::{self, Sources};
use super::harmless;
use super::offer;
use super::paths::{Concern, Ground};
use super::rule::{Decision, Rule, Said};
use super::shell::{self, Assignment, Part, Piece, Redirection, Script, Word};
use super::unwrap::{self, Runs};
use super::{destructive, variables};
use crate::workspace::classify;
use files::has_unknown;
pub(super) use files::paths_in;

/// How deep scripts in scripts and wrappers in wrappers are followed.
const DEPTH: usize = 8;
/// The most parts that are judged, those of inner scripts among them. A person could not judge more either, and judging
/// holds everything else up.
const MOST: usize = 500;
/// The most words of a part.
const MOST_WORDS: usize = 2_000;
/// The most commands that one part runs, as `find` does with each `-exec`.
const MOST_INNER: usize = 20;

/// Why a script that was just fetched is asked about.
const UNSEEN: &str = "It runs a script from the network that nobody has seen.";

/// Why a script that nobody can read is asked about.
const DECODED: &str = "It runs a script that nobody can read before it runs.";

/// What is known of a command line.
#[derive(Debug, Default, PartialEq)]
pub struct Judged {
    /// A rule denies a part: which one.
    pub denied: Option<String>,
    /// Why a person is asked in every mode.
    pub always: Vec<String>,
    /// Why a person is asked where commands are asked about.
    pub reasons: Vec<String>,
    /// It does something that is not known to be reading alone.
    pub acts: bool,
    /// A part needs a person's word.
    pub asks: bool,
    /// What would have to be saved for it not to ask; `None` when nothing can.
    pub rules: Option<Vec<Rule>>,
}

/// Judges a command line in a place, by what has been said.
pub fn judge(command: &str, said: &[&Said], ground: &Ground) -> Judged {
    let mut judge = Judge {
        said,
        ground: ground.clone(),
        found: Judged { rules: Some(Vec::new()), ..Judged::default() },
        functions: Vec::new(),
        set: Vec::new(),
        has_moved: false,
        parts: 0,
        leaves: 0,
        unsaid: Vec::new(),
    };
    judge.script(command, 0, &[]);
    // Of several parts those are named that it is about.
    if judge.leaves > 1 && !judge.unsaid.is_empty() {
        judge.reason(format!("it runs {}", judge.unsaid.join(", ")));
    }
    let found = &mut judge.found;
    if !found.always.is_empty() {
        found.asks = true;
        found.rules = None;
    }
    judge.found
}

struct Judge<'a> {
    said: &'a [&'a Said],
    ground: Ground,
    found: Judged,
    functions: Vec<String>,
    /// Variables that the line sets itself.
    set: Vec<String>,
    /// It went to another folder: a project's script is another one there.
    has_moved: bool,
    parts: usize,
    /// How many programs it runs, and those of them that nothing allows.
    leaves: usize,
    unsaid: Vec<String>,
}

/// Where a command runs.
#[derive(Clone, Copy)]
struct Site<'a> {
    depth: usize,
    is_piped: bool,
    input: Option<&'a Word>,
    /// What comes into the line from elsewhere.
    sources: &'a Sources,
    /// What it was before wrappers were taken off.
    outer: &'a [Vec<Word>],
}

impl Judge<'_> {
    fn script(&mut self, text: &str, depth: usize, outer: &[Vec<Word>]) {
        match shell::parse(text) {
            Err(why) => self.not_understood(text, &why),
            Ok(_) if depth > DEPTH => self.not_understood(text, "it nests too deeply"),
            Ok(script) => self.parts(&script, depth, outer),
        }
    }

    /// What cannot be taken apart is asked about; what can be guessed of it is denied all the same.
    fn not_understood(&mut self, text: &str, why: &str) {
        self.always(format!("it cannot be understood: {why}"));
        self.found.acts = true;
        for (program, args) in classify::runs(text) {
            let words: Vec<Word> = std::iter::once(&program).chain(&args).map(|word| Word::plain(word)).collect();
            self.deny(&words);
            self.always_for(&words);
        }
    }

    fn parts(&mut self, script: &Script, depth: usize, outer: &[Vec<Word>]) {
        for what in &script.hidden {
            self.ask(format!("it {what}"));
        }
        for name in &script.functions {
            self.ask(format!("it defines the function `{name}`"));
            let calls = |part: &&Part| part.words.first().and_then(Word::literal) == Some(name);
            if script.parts.iter().filter(calls).any(|part| part.is_piped) {
                self.always("It starts itself again and again, until the machine stands still.".to_owned());
            }
        }
        self.functions.extend(script.functions.iter().cloned());
        let sources = Sources::of(script);
        for part in &script.parts {
            self.parts += 1;
            if self.parts > MOST {
                return self.always("it cannot be understood: it has too many parts".to_owned());
            }
            self.part(
                part,
                script.is_straight && depth == 0,
                Site { depth, is_piped: part.is_piped, input: None, sources: &sources, outer },
            );
        }
    }

    fn part(&mut self, part: &Part, is_straight: bool, site: Site<'_>) {
        let mut input = None;
        for redirection in &part.redirections {
            match redirection {
                Redirection::Text(text) => {
                    self.shows(std::slice::from_ref(text));
                    input = Some(text);
                }
                Redirection::Read(file) => self.reads(file, false),
                Redirection::Write(file) => self.writes(file),
            }
        }
        // Variables for this command alone, or for all that follow.
        let alone = part.words.is_empty();
        let mut named = Vec::new();
        for Assignment { name, value } in &part.assignments {
            self.shows(std::slice::from_ref(value));
            if alone {
                self.set.push(name.clone());
            }
            let harmless = if alone { variables::may_be_set(name) } else { variables::may_be_given(name) };
            if !harmless && alone {
                self.ask(format!("it sets `{name}`, which may change what runs"));
            } else if !harmless {
                named.push(Word { raw: format!("{name}={}", value.raw), pieces: joined(name, value) });
            }
        }
        if let Some(loop_variable) = part.words.first().and_then(Word::literal)
            && loop_variable == "read"
        {
            self.set.extend(part.words[1..].iter().filter_map(Word::literal).map(str::to_owned));
        }
        if alone {
            return;
        }
        if matches!(part.words[0].literal(), Some("cd" | "pushd")) {
            return self.goes(part, is_straight && part.is_outer);
        }
        // A rule may name the variables too.
        let mut outer = site.outer.to_vec();
        if !part.assignments.is_empty() {
            let set = |set: &Assignment| Word { raw: String::new(), pieces: joined(&set.name, &set.value) };
            outer.push(part.assignments.iter().map(set).chain(part.words.iter().cloned()).collect());
        }
        self.run(&named, &part.words, Site { input, outer: &outer, ..site });
    }

    /// `cd`: what is relative from now on.
    fn goes(&mut self, part: &Part, is_certain: bool) {
        self.deny(&part.words);
        self.asks_by_rule(&part.words);
        let plain: Vec<&Word> =
            part.words[1..].iter().filter(|word| !matches!(word.literal(), Some("--" | "-P" | "-L"))).collect();
        let target = match plain[..] {
            [] => "~".to_owned(),
            [only]
                if only.literal().is_some_and(|text| text != "-")
                    || matches!(only.pieces[..], [Piece::Home(_), ..]) =>
            {
                only.text("\u{fffd}")
            }
            _ => return self.ask("it goes to a folder that is not known".to_owned()),
        };
        let places = self.ground.places(&target);
        self.has_moved |= !is_certain || places != self.ground.folders;
        if let Some(outside) = places.iter().find(|place| !self.ground.holds(place)) {
            self.ask(format!("it goes outside the workspace: {}", outside.display()));
        }
        if is_certain {
            self.ground.folders = places;
        } else {
            self.ground.folders.extend(places);
            self.ground.folders.truncate(16);
        }
    }

    fn run(&mut self, named: &[Word], words: &[Word], site: Site<'_>) {
        self.parts += 1;
        if site.depth > DEPTH || self.parts > MOST || words.len() > MOST_WORDS {
            self.found.acts = true;
            return self.always("it cannot be understood: it is too long, or nests too deeply".to_owned());
        }
        self.deny(words);
        let Some(program) = words.first().and_then(Word::literal).map(str::to_owned) else {
            self.found.acts = true;
            if self.said.iter().any(|said| said.decision == Decision::Deny && said.rule.may_cover(words)) {
                self.always("it may be what a rule denies: its program is not known before it runs".to_owned());
            }
            if let Some(why) = guess::program(words, &self.ground) {
                self.always(format!("its program is not known before it runs, and may be one that destroys. {why}"));
            }
            return self.ask(format!("it runs a program that is not known before it runs: {}", words[0].raw));
        };
        if !program.is_ascii() {
            self.found.acts = true;
            return self.ask(format!("it runs `{program}`, whose name holds unusual characters"));
        }
        self.always_for(words);
        let mut outer = site.outer.to_vec();
        outer.push([named, words].concat());
        let inner = Site { depth: site.depth + 1, input: None, outer: &outer, ..site };
        match unwrap::runs(words, site.input, site.is_piped) {
            Runs::Script(text) => {
                self.asks_by_rule(words);
                self.named(named);
                // Whatever allows the whole: what a rule denies in it is denied.
                return self.script(&text, site.depth + 1, &outer);
            }
            Runs::Commands { commands, assignments, rest } => {
                self.asks_by_rule(words);
                if commands.len() > MOST_INNER {
                    self.found.acts = true;
                    return self.always("it cannot be understood: it runs too many commands".to_owned());
                }
                let mut given = named.to_vec();
                for Assignment { name, value } in &assignments {
                    if !variables::may_be_given(name) {
                        given.push(value.clone());
                    }
                    self.shows(std::slice::from_ref(value));
                }
                let whole = self.is_allowed(&outer);
                if let Some(rest) = rest.filter(|_| !whole) {
                    self.leaf(&[], &rest, site);
                }
                for command in &commands {
                    self.run(&given, command, inner);
                }
                return;
            }
            Runs::Unknown(what) => {
                self.found.acts = true;
                self.asks_by_rule(words);
                if site.sources.fetches {
                    self.always(UNSEEN.to_owned());
                } else if site.sources.decodes {
                    self.always(DECODED.to_owned());
                } else {
                    self.ask(format!("it {what}"));
                }
                self.texts(words, site);
                return;
            }
            Runs::Itself => {}
        }
        if unwrap::ELSEWHERE.contains(&program.as_str()) || guess::runs_words(words) {
            self.carried(words, site);
        }
        if guess::runs_texts(words)
            && harmless::reads(words, site.is_piped).is_none()
            && let Some(why) = guess::in_texts(words, &self.ground)
        {
            self.always(why);
        }
        // `source <(curl …)`, `python <(curl …)`.
        let code = site.sources.fetches
            && (words[1..].iter().any(|word| word.pieces.contains(&Piece::Substitution))
                || site.is_piped
                || words.len() == 1)
            && is_interpreter(&program);
        // Or the file that it was written to.
        let file = if is_interpreter(&program) {
            words[1..].iter().filter_map(Word::literal).find(|word| !word.starts_with('-'))
        } else {
            Some(program.as_str()).filter(|program| program.contains('/'))
        };
        let is_fetched = file.is_some_and(|file| site.sources.has_fetched(file));
        if code || is_fetched {
            self.always(UNSEEN.to_owned());
        }
        self.leaf(named, words, site);
    }

    /// A program that is run as it stands.
    fn leaf(&mut self, named: &[Word], words: &[Word], site: Site<'_>) {
        let mut views = site.outer.to_vec();
        views.push([named, words].concat());
        self.leaves += 1;
        if self.asks_by_rule(words) {
            self.found.acts |= harmless::reads(words, site.is_piped).is_none();
            return;
        }
        if named.is_empty()
            && let Some(reads) = harmless::reads(words, site.is_piped)
        {
            let is_test = matches!(words[0].literal(), Some("[" | "test"));
            let (rules, before) = (self.found.rules.clone(), (self.found.asks, self.found.reasons.len()));
            self.shows(&words[1..]);
            for file in reads.names.iter().filter(|_| !is_test) {
                self.reads(file, true);
            }
            for file in &reads.files {
                self.reads(file, false);
            }
            if let Some(why) = reads.but {
                self.ask(format!("it {why}"));
            }
            if reads.everything.iter().any(|place| self.ground.places(place).iter().any(|at| self.ground.is_root(at))) {
                self.ask("it searches every file of the folder, hidden ones and secrets too".to_owned());
            }
            // A rule may name just this.
            if self.found.asks && !before.0 && self.is_exactly_allowed(&views) {
                self.found.asks = before.0;
                self.found.reasons.truncate(before.1);
                self.found.rules = rules;
            }
            return;
        }
        self.found.acts = true;
        self.touches(words);
        if self.is_allowed(&views) {
            return;
        }
        self.found.asks = true;
        let text = format!("`{}`", words.iter().map(|word| word.raw.as_str()).collect::<Vec<_>>().join(" "));
        if !self.unsaid.contains(&text) && self.unsaid.len() < 8 {
            self.unsaid.push(text);
        }
        self.named(named);
        let concerns = self.concerns(words, 1);
        for (concern, place) in &concerns {
            self.reason(format!("it names {}", concern.about(place)));
        }
        let secret = concerns.iter().any(|(concern, _)| matches!(concern, Concern::Secret | Concern::Guarded));
        let elsewhere = self.has_moved && offer::runs_scripts(words);
        match offer::rule(words).filter(|_| named.is_empty() && !secret && !elsewhere && !self.is_function(words)) {
            // In another folder the same words are about other files.
            Some(rule) if self.has_moved && (rule.is_exact() || !concerns.is_empty()) => self.found.rules = None,
            // A prefix would not stand for these words.
            Some(rule) if concerns.is_empty() => self.offers(rule),
            Some(_) => match words.iter().map(Word::literal).collect::<Option<Vec<&str>>>() {
                Some(words) => self.offers(Rule::command(&words, false)),
                None => self.found.rules = None,
            },
            None => self.found.rules = None,
        }
    }

    fn offers(&mut self, rule: Rule) {
        if let Some(rules) = &mut self.found.rules
            && !rules.contains(&rule)
        {
            rules.push(rule);
        }
    }

    fn is_function(&self, words: &[Word]) -> bool {
        words[0].literal().is_some_and(|name| self.functions.iter().any(|function| function == name))
    }

    /// Variables that change what a program does.
    fn named(&mut self, named: &[Word]) {
        for word in named {
            let name = word.text("…");
            let name = name.split('=').next().unwrap_or_default();
            self.ask(format!("it sets `{name}`, which may change what runs"));
        }
    }

    /// Whether a rule allows the command, under any of the names that it goes by.
    fn is_allowed(&self, views: &[Vec<Word>]) -> bool {
        views.iter().any(|words| {
            !self.is_function(words)
                && self.allows().any(|said| {
                    said.rule.covers(words).is_some_and(|cover| {
                        // The program is named by the rule, or everything is allowed.
                        let (_, more) = words.split_at(cover.named.clamp(1, words.len().max(1)));
                        let is_program = |word: &Word| word.literal().is_some_and(|word| !word.contains('='));
                        let at = words.iter().position(is_program).unwrap_or_default();
                        let program = words.get(at).and_then(Word::literal).unwrap_or_default();
                        let args = words.get(at + 1..).unwrap_or_default();
                        more.iter().all(|word| !has_unknown(word))
                            && !offer::beyond(program, args, more)
                            && self.concerns(words, words.len() - more.len()).is_empty()
                    })
                })
        })
    }

    /// Whether a rule names every word of it.
    fn is_exactly_allowed(&self, views: &[Vec<Word>]) -> bool {
        views.iter().any(|words| {
            self.allows().any(|said| said.rule.covers(words).is_some_and(|cover| cover.named >= words.len()))
        })
    }

    fn allows(&self) -> impl Iterator<Item = &&Said> {
        // In another folder a script is another one, and so is what a file's name stands for.
        let holds = |said: &&&Said| !self.has_moved || (said.script.is_none() && !said.rule.is_exact());
        self.said.iter().filter(|said| said.decision == Decision::Allow).filter(holds)
    }

    /// Rules that deny hold for every name of a command, as far as that can be seen.
    fn deny(&mut self, words: &[Word]) {
        let views = views(words);
        let denies = |said: &&&Said| {
            said.decision == Decision::Deny && views.iter().any(|words| said.rule.covers(words).is_some())
        };
        if let Some(said) = self.said.iter().find(denies) {
            self.found.denied.get_or_insert(said.described());
            return;
        }
        let may = |said: &&&Said| {
            said.decision == Decision::Deny
                && views
                    .iter()
                    .any(|words| words.len() > 1 && words[0].literal().is_some() && said.rule.may_cover(words))
        };
        if let Some(said) = self.said.iter().find(may) {
            let about = said.described();
            self.always(format!("it may be what a rule denies: {about}"));
        }
    }

    fn asks_by_rule(&mut self, words: &[Word]) -> bool {
        let views = views(words);
        let asks =
            |said: &&&Said| said.decision == Decision::Ask && views.iter().any(|words| said.rule.may_cover(words));
        let found = self.said.iter().find(asks).map(|said| said.described());
        let is = found.is_some();
        if let Some(about) = found {
            self.always(format!("a rule asks about it: {about}"));
        }
        is
    }

    fn always_for(&mut self, words: &[Word]) {
        if let Some(why) = destructive::why(words, &self.ground) {
            self.found.acts = true;
            self.always(why);
        }
    }

    /// A command that another program runs elsewhere: no rule for it holds, but what destroys destroys there too.
    fn carried(&mut self, words: &[Word], site: Site<'_>) {
        for at in 1..words.len().min(40) {
            let inner = &words[at..];
            if inner[0].literal().is_some_and(|text| text.contains([' ', ';', '|', '&'])) {
                let text = inner[0].literal().unwrap_or_default().to_owned();
                for part in shell::parse(&text).map(|script| script.parts).unwrap_or_default() {
                    self.deny(&part.words);
                    self.always_for(&part.words);
                }
            } else {
                self.deny(inner);
                self.always_for(inner);
                if site.sources.fetches && site.is_piped && inner[0].literal().is_some_and(is_interpreter) {
                    self.always(UNSEEN.to_owned());
                }
            }
        }
    }

    /// A script that is not known before it runs: what destroys is looked for in the texts that may be it.
    fn texts(&mut self, words: &[Word], site: Site<'_>) {
        for text in &site.sources.texts {
            for part in shell::parse(text).map(|script| script.parts).unwrap_or_default() {
                self.deny(&part.words);
                self.always_for(&part.words);
            }
        }
        if let Some(why) = guess::in_texts(words, &self.ground) {
            self.always(why);
        }
    }

    /// Words whose values a person or a model gets to see: variables that hold keys are not among them.
    fn shows(&mut self, words: &[Word]) {
        for word in words {
            for piece in &word.pieces {
                let hidden = match piece {
                    Piece::Variable(name) if !variables::may_be_shown(name) && !self.set.contains(name) => name,
                    _ => continue,
                };
                let text = format!("it shows the variable `{hidden}`");
                self.ask(text);
            }
        }
    }

    fn always(&mut self, why: String) {
        self.found.asks = true;
        self.found.rules = None;
        if !self.found.always.contains(&why) {
            self.found.always.push(why);
        }
    }

    /// A part that no rule can be saved for.
    fn ask(&mut self, why: String) {
        self.found.asks = true;
        self.found.rules = None;
        self.reason(why);
    }

    fn reason(&mut self, why: String) {
        if !self.found.reasons.contains(&why) && self.found.reasons.len() < 8 {
            self.found.reasons.push(why);
        }
    }
}

fn joined(name: &str, value: &Word) -> Vec<Piece> {
    let mut pieces = vec![Piece::Text(format!("{name}="))];
    for piece in &value.pieces {
        match (pieces.last_mut(), piece) {
            (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(text),
            (_, piece) => pieces.push(piece.clone()),
        }
    }
    pieces
}

fn is_interpreter(program: &str) -> bool {
    let program = program.rsplit('/').next().unwrap_or(program);
    let bare = program.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.');
    unwrap::SHELLS.contains(&program)
        || matches!(bare, "python" | "node" | "perl" | "ruby" | "php" | "deno" | "bun" | "lua" | "source" | "")
}

/// The ways in which the same command may be written: without the program's folder, without options before the
/// subcommand.
fn views(words: &[Word]) -> Vec<Vec<Word>> {
    let mut views = vec![words.to_vec()];
    let Some((program, args)) = words.split_first() else { return views };
    let Some(text) = program.literal() else { return views };
    let base = Word::plain(text.rsplit('/').next().unwrap_or(text));
    views.push(std::iter::once(base.clone()).chain(args.iter().cloned()).collect());
    let mut after_option = false;
    for (at, arg) in args.iter().enumerate().take(12) {
        let is_option = arg.text("").starts_with(['-', '+']);
        if at > 0 && !is_option {
            views.push(std::iter::once(base.clone()).chain(args[at..].iter().cloned()).collect());
        }
        if !is_option && !after_option {
            break;
        }
        after_option = is_option;
    }
    views
}
