//! Programs of `sed` and `awk` that only print what they read. A small part of both languages, and nothing of it that
//! writes, runs or reads on its own. It does not look at the files: it finds them among the words.

use super::shell::Word;

/// What these words of `sed` read, when its script only prints.
pub fn sed(args: &[Word]) -> Option<Vec<&Word>> {
    let (mut scripts, mut files, mut words) = (Vec::new(), Vec::new(), args.iter());
    let mut by_option = false;
    while let Some(word) = words.next() {
        let text = word.text("\u{fffd}");
        if !text.starts_with('-') || text == "-" {
            files.push(word);
            continue;
        }
        match word.literal()? {
            "-e" | "--expression" | "-ne" | "-Ee" | "-nEe" => {
                scripts.push(words.next()?.literal()?.to_owned());
                by_option = true;
            }
            "--quiet" | "--silent" | "--regexp-extended" | "--null-data" => {}
            long if long.starts_with("--") => {
                scripts.push(long.strip_prefix("--expression=")?.to_owned());
                by_option = true;
            }
            short if short[1..].chars().all(|letter| "nErsuz".contains(letter)) => {}
            _ => return None,
        }
    }
    if !by_option {
        if files.is_empty() {
            return None;
        }
        scripts.push(files.remove(0).literal()?.to_owned());
    }
    let script = scripts.join("\n");
    // Not every sed takes a delimiter between brackets for what it is: the script has to be harmless in both readings.
    [false, true].into_iter().all(|brackets| Sed::new(&script, brackets).only_prints()).then_some(files)
}

/// Reads a script of `sed`.
struct Sed {
    text: Vec<char>,
    at: usize,
    brackets: bool,
}

impl Sed {
    fn new(script: &str, brackets: bool) -> Self {
        Self { text: script.chars().collect(), at: 0, brackets }
    }

    fn only_prints(mut self) -> bool {
        let mut any = false;
        loop {
            self.skip(" \t\n;");
            if self.peek().is_none() {
                return any;
            }
            if self.command().is_none() {
                return false;
            }
            any = true;
        }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn skip(&mut self, chars: &str) {
        while self.peek().is_some_and(|char| chars.contains(char)) {
            self.at += 1;
        }
    }

    /// One command with its places, and what ends it.
    fn command(&mut self) -> Option<()> {
        if self.place()? {
            self.skip(" \t");
            if self.peek() == Some(',') {
                self.at += 1;
                self.skip(" \t+~");
                self.place()?.then_some(())?;
            }
        }
        self.skip(" \t!");
        let name = self.peek()?;
        self.at += 1;
        match name {
            'p' | 'P' | 'd' | 'D' | 'g' | 'G' | 'h' | 'H' | 'x' | 'n' | 'N' | 'z' | '=' => {}
            'q' | 'Q' | 'l' => self.skip(" \t0123456789"),
            's' => {
                let delimiter = self.delimiter()?;
                self.section(delimiter, self.brackets)?;
                self.section(delimiter, false)?;
                // `e` runs, `w` writes.
                self.skip("gpiIm0123456789");
            }
            'y' => {
                let delimiter = self.delimiter()?;
                self.section(delimiter, false)?;
                self.section(delimiter, false)?;
            }
            _ => return None,
        }
        self.skip(" \t");
        matches!(self.peek(), None | Some(';' | '\n')).then_some(())
    }

    /// Whether a place stands here; `None` for one that is not understood.
    fn place(&mut self) -> Option<bool> {
        match self.peek() {
            Some('$') => self.at += 1,
            Some(char) if char.is_ascii_digit() => self.skip("0123456789~"),
            Some('/') => {
                self.at += 1;
                self.section('/', self.brackets)?;
                self.skip("I");
            }
            Some('\\') => return None,
            _ => return Some(false),
        }
        Some(true)
    }

    fn delimiter(&mut self) -> Option<char> {
        let delimiter = self.peek().filter(|char| char.is_ascii_punctuation() && !matches!(char, '\\' | ';'))?;
        self.at += 1;
        Some(delimiter)
    }

    /// Up to the delimiter that is not escaped.
    fn section(&mut self, delimiter: char, brackets: bool) -> Option<()> {
        let mut in_brackets = false;
        loop {
            let char = self.peek()?;
            self.at += 1;
            match char {
                '\n' => return None,
                '\\' if !in_brackets => {
                    self.peek().filter(|char| *char != '\n')?;
                    self.at += 1;
                }
                '[' if brackets && !in_brackets => {
                    in_brackets = true;
                    // A `]` that comes first is one of them.
                    self.at += usize::from(self.peek() == Some('^'));
                    self.at += usize::from(self.peek() == Some(']'));
                }
                ']' if in_brackets => in_brackets = false,
                char if char == delimiter && !in_brackets => return Some(()),
                _ => {}
            }
        }
    }
}

/// What these words of `awk` read, when its program only prints.
pub fn awk(args: &[Word]) -> Option<Vec<&Word>> {
    let mut at = 0;
    loop {
        let text = args.get(at)?.literal()?;
        match text {
            "-F" | "-v" => {
                args.get(at + 1)?.literal()?;
                at += 2;
            }
            option if option.starts_with("-F") || option.starts_with("-v") => at += 1,
            option if option.starts_with('-') => return None,
            program => {
                // Output, pipes and files of its own; calls by name; the environment, in which keys lie.
                const MORE: &[&str] =
                    &["|", ">", "@", "\\\n", "system", "getline", "ENVIRON", "PROCINFO", "SYMTAB", "FUNCTAB", "ARGV"];
                let files: Vec<&Word> = args[at + 1..].iter().collect();
                let is_plain = |file: &&Word| !file.text("\u{fffd}").starts_with('-');
                let harmless = !MORE.iter().any(|word| program.contains(word)) && files.iter().all(is_plain);
                return harmless.then_some(files);
            }
        }
    }
}
