//! What the terminal can show: colours only where there is a terminal and the person did not say NO_COLOR.

use std::io::IsTerminal;

/// How text for people is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    colour: bool,
}

/// What a piece of text means; the colour follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Bad,
    Running,
    Quiet,
    Strong,
}

impl Style {
    /// No colours.
    pub const PLAIN: Self = Self { colour: false };

    /// For standard output: `no_color` is whether NO_COLOR is set (to anything but the empty text).
    pub fn of_stdout(no_color: bool) -> Self {
        Self { colour: !no_color && std::io::stdout().is_terminal() }
    }

    /// The text in the colour of its meaning.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Running => "34",
            Tone::Quiet => "2",
            Tone::Strong => "1",
        };
        if self.colour && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
