//! A terminal's screen, as far as calm programs use one: text, colours, carriage return, cursor moves, erasing. It grows
//! downwards without end, so that all that was printed stays. What it does not know it leaves out. Pure.

/// How a cell is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// `None` is the terminal's own colour.
    pub foreground: Option<Color>,
    pub background: Option<Color>,
    pub bold: bool,
    pub dim: bool,
    pub italic: bool,
    pub underline: bool,
    pub reverse: bool,
}

/// A colour as the program names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// Of the 256: 0–15 are the theme's.
    Indexed(u8),
    Rgb(u8, u8, u8),
}

/// One character with its style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    pub character: char,
    pub style: Style,
}

/// What was drawn so far.
#[derive(Debug)]
pub struct Screen {
    columns: usize,
    lines: Vec<Vec<Cell>>,
    row: usize,
    column: usize,
    style: Style,
}

impl Screen {
    /// An empty screen; lines longer than `columns` go on in the next one.
    pub fn new(columns: usize) -> Self {
        Self { columns, lines: vec![Vec::new()], row: 0, column: 0, style: Style::default() }
    }

    /// Draws what a program printed.
    pub fn print(&mut self, text: &str) {
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            match character {
                '\x1b' => self.escape(&mut rest),
                '\n' => self.go_to(self.row + 1, 0),
                '\r' => self.column = 0,
                '\x08' => self.column = self.column.saturating_sub(1),
                '\t' => self.column = (self.column / 8 + 1) * 8,
                _ if character.is_control() => {}
                _ => self.put(character),
            }
        }
    }

    /// The lines, without trailing blanks and without empty lines at the end.
    pub fn into_lines(mut self) -> Vec<Vec<Cell>> {
        let blank = |cell: &Cell| cell.character == ' ' && cell.style.background.is_none() && !cell.style.reverse;
        for line in &mut self.lines {
            line.truncate(line.iter().rposition(|cell| !blank(cell)).map_or(0, |last| last + 1));
        }
        self.lines.truncate(self.lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1));
        self.lines
    }

    fn go_to(&mut self, row: usize, column: usize) {
        (self.row, self.column) = (row, column);
        if self.lines.len() <= row {
            self.lines.resize(row + 1, Vec::new());
        }
    }

    fn put(&mut self, character: char) {
        if self.column >= self.columns {
            self.go_to(self.row + 1, 0);
        }
        let line = &mut self.lines[self.row];
        if line.len() <= self.column {
            line.resize(self.column + 1, Cell { character: ' ', style: Style::default() });
        }
        line[self.column] = Cell { character, style: self.style.clone() };
        self.column += 1;
    }

    fn escape(&mut self, rest: &mut std::str::Chars<'_>) {
        match rest.next() {
            Some('[') => {
                let mut arguments = String::new();
                for character in rest.by_ref() {
                    if ('\x40'..='\x7e').contains(&character) {
                        self.control(character, &arguments);
                        return;
                    }
                    arguments.push(character);
                }
            }
            Some(']') => skip_string(rest),
            _ => {}
        }
    }

    fn control(&mut self, name: char, arguments: &str) {
        let numbers: Vec<usize> = arguments.split([';', ':']).map(|word| word.parse().unwrap_or(0)).collect();
        let first = numbers.first().copied().unwrap_or(0);
        let count = first.max(1);
        match name {
            'm' => self.rendition(&numbers),
            'A' => self.row = self.row.saturating_sub(count),
            'B' => self.go_to(self.row + count, self.column),
            'C' => self.column = (self.column + count).min(self.columns),
            'D' => self.column = self.column.saturating_sub(count),
            'E' => self.go_to(self.row + count, 0),
            'F' => self.go_to(self.row.saturating_sub(count), 0),
            'G' => self.column = count - 1,
            'K' => self.erase_line(first),
            'J' if first == 0 => {
                self.erase_line(0);
                self.lines.truncate(self.row + 1);
            }
            _ => {}
        }
    }

    fn erase_line(&mut self, which: usize) {
        let column = self.column;
        let line = &mut self.lines[self.row];
        match which {
            0 => line.truncate(column),
            1 => line.iter_mut().take(column + 1).for_each(|cell| {
                *cell = Cell { character: ' ', style: Style::default() };
            }),
            _ => line.clear(),
        }
    }

    fn rendition(&mut self, numbers: &[usize]) {
        let mut rest = numbers.iter().copied();
        while let Some(number) = rest.next() {
            let style = &mut self.style;
            match number {
                0 => *style = Style::default(),
                1 => style.bold = true,
                2 => style.dim = true,
                3 => style.italic = true,
                4 => style.underline = true,
                7 => style.reverse = true,
                22 => (style.bold, style.dim) = (false, false),
                23 => style.italic = false,
                24 => style.underline = false,
                27 => style.reverse = false,
                30..=37 => style.foreground = Some(Color::Indexed(byte(number - 30))),
                38 => style.foreground = extended(&mut rest),
                39 => style.foreground = None,
                40..=47 => style.background = Some(Color::Indexed(byte(number - 40))),
                48 => style.background = extended(&mut rest),
                49 => style.background = None,
                90..=97 => style.foreground = Some(Color::Indexed(byte(number - 90 + 8))),
                100..=107 => style.background = Some(Color::Indexed(byte(number - 100 + 8))),
                _ => {}
            }
        }
    }
}

/// The text without colours and other sequences.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character != '\x1b' {
            out.push(character);
            continue;
        }
        match rest.next() {
            Some('[') => {
                let _ = rest.by_ref().find(|character| ('\x40'..='\x7e').contains(character));
            }
            Some(']') => skip_string(&mut rest),
            _ => {}
        }
    }
    out
}

/// An operating system command (a window's title, a link) ends with BEL or ESC and a backslash.
fn skip_string(rest: &mut std::str::Chars<'_>) {
    while let Some(character) = rest.next() {
        if character == '\x07' || (character == '\x1b' && rest.next().is_some()) {
            return;
        }
    }
}

fn extended(rest: &mut impl Iterator<Item = usize>) -> Option<Color> {
    match rest.next()? {
        5 => Some(Color::Indexed(byte(rest.next()?))),
        2 => Some(Color::Rgb(byte(rest.next()?), byte(rest.next()?), byte(rest.next()?))),
        _ => None,
    }
}

fn byte(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let mut screen = Screen::new(10);
        screen.print(text);
        screen.into_lines().iter().map(|line| line.iter().map(|cell| cell.character).collect()).collect()
    }

    #[test]
    fn rows_are_drawn_over() {
        assert_eq!(shown("one\r\ntwo\r\n"), ["one", "two"]);
        assert_eq!(shown("50 %\r100"), ["100%"]);
        assert_eq!(shown("a\nb\n\x1b[2A\x1b[2Knew\n\x1b[Kc"), ["new", "c"]);
        assert_eq!(shown("a\nb\nc\x1b[2F\x1b[Jd"), ["d"]);
        assert_eq!(shown("0123456789ab"), ["0123456789", "ab"]);
        assert_eq!(shown("\x1b]0;title\x07x\x1b]8;;link\x1b\\y\x1b[?25l"), ["xy"]);
    }

    #[test]
    fn colours() {
        let mut screen = Screen::new(80);
        screen.print("\x1b[1;31mA\x1b[22;38;5;200mB\x1b[38;2;1;2;3mC\x1b[0mD");
        let styles: Vec<Style> = screen.into_lines().remove(0).into_iter().map(|cell| cell.style).collect();
        assert!(styles[0].bold && styles[0].foreground == Some(Color::Indexed(1)));
        assert!(!styles[1].bold && styles[1].foreground == Some(Color::Indexed(200)));
        assert_eq!(styles[2].foreground, Some(Color::Rgb(1, 2, 3)));
        assert_eq!(styles[3], Style::default());
        assert_eq!(plain("\x1b[1ma\x1b[0m\x1b]8;;x\x07b"), "ab");
    }
}
