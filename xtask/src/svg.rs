//! Draws a terminal's lines as an SVG picture: a dark window with rounded corners and monospaced text. Pure.

use std::fmt::Write;

use crate::terminal::{Cell, Color, Style};

const CELL_WIDTH: f64 = 8.4;
const LINE_HEIGHT: f64 = 20.0;
const FONT_SIZE: f64 = 14.0;
const PADDING: f64 = 20.0;
const BAR: f64 = 36.0;

const BACKGROUND: &str = "#1c2128";
const FOREGROUND: &str = "#d4dae3";
/// The sixteen named colours, readable on the background.
const THEME: [&str; 16] = [
    "#545d68", "#f47067", "#6bc46d", "#daaa3f", "#6cb6ff", "#dcbdfb", "#56d4dd", "#adbac7", "#768390", "#ff938a",
    "#8ddb8c", "#eac55f", "#96d0ff", "#e5cffc", "#76e3ea", "#ffffff",
];

/// The picture of these lines in a window of `columns` with a title, which also names the picture for those who hear it.
pub fn draw(lines: &[Vec<Cell>], columns: usize, title: &str) -> String {
    let width = 2.0 * PADDING + columns as f64 * CELL_WIDTH;
    let height = BAR + PADDING + lines.len() as f64 * LINE_HEIGHT;
    let title = escaped(title);
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}" role="img" aria-label="{title}">
<style>text {{ font: {FONT_SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; fill: {FOREGROUND} }}</style>
<rect width="100%" height="100%" rx="10" fill="{BACKGROUND}"/>
<circle cx="20" cy="18" r="6" fill="{0}"/><circle cx="40" cy="18" r="6" fill="{0}"/><circle cx="60" cy="18" r="6" fill="{0}"/>
<text x="{1:.0}" y="23" text-anchor="middle" fill-opacity="0.6">{title}</text>"#,
        THEME[0],
        width / 2.0,
    );
    for (row, line) in lines.iter().enumerate() {
        let baseline = BAR + (row as f64 + 0.75) * LINE_HEIGHT;
        let mut column = 0;
        for run in line.chunk_by(|a, b| a.style == b.style) {
            draw_run(&mut out, run, column, baseline);
            column += run.len();
        }
    }
    out.push_str("</svg>\n");
    out
}

fn draw_run(out: &mut String, run: &[Cell], column: usize, baseline: f64) {
    let style = &run[0].style;
    let (x, width) = (PADDING + column as f64 * CELL_WIDTH, run.len() as f64 * CELL_WIDTH);
    let (ink, paper) = inks(style);
    if let Some(paper) = paper {
        let top = baseline - 0.75 * LINE_HEIGHT;
        let _ = writeln!(
            out,
            r#"<rect x="{x:.1}" y="{top:.1}" width="{width:.1}" height="{LINE_HEIGHT}" fill="{paper}"/>"#
        );
    }
    let text: String = run.iter().map(|cell| cell.character).collect();
    if text.trim().is_empty() {
        return;
    }
    let mut attributes = String::new();
    if let Some(ink) = ink {
        let _ = write!(attributes, r#" style="fill:{ink}""#);
    }
    for (set, attribute) in [
        (style.bold, r#" font-weight="bold""#),
        (style.dim, r#" fill-opacity="0.65""#),
        (style.italic, r#" font-style="italic""#),
        (style.underline, r#" text-decoration="underline""#),
    ] {
        if set {
            attributes.push_str(attribute);
        }
    }
    // The length is told, so that a reader's font of another width keeps the columns.
    let _ = writeln!(
        out,
        r#"<text x="{x:.1}" y="{baseline:.1}" textLength="{width:.1}"{attributes} xml:space="preserve">{}</text>"#,
        escaped(&text)
    );
}

/// The colours of text and ground; `None` is the window's own.
fn inks(style: &Style) -> (Option<String>, Option<String>) {
    let (ink, paper) = (style.foreground.map(hex), style.background.map(hex));
    if style.reverse {
        (Some(paper.unwrap_or_else(|| BACKGROUND.to_owned())), Some(ink.unwrap_or_else(|| FOREGROUND.to_owned())))
    } else {
        (ink, paper)
    }
}

/// The colour in the picture: the theme, then the 6×6×6 cube, then the greys.
fn hex(color: Color) -> String {
    let (red, green, blue) = match color {
        Color::Indexed(index @ 0..16) => return THEME[usize::from(index)].to_owned(),
        Color::Indexed(index @ 16..232) => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let cube = index - 16;
            (level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        Color::Indexed(index) => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
        Color::Rgb(red, green, blue) => (red, green, blue),
    };
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::Screen;

    #[test]
    fn text_colours_and_places() {
        let mut screen = Screen::new(20);
        screen.print("a <b>\n\x1b[31mred\x1b[0m \x1b[7mback\x1b[0m");
        let picture = draw(&screen.into_lines(), 20, "demo & more");
        assert!(picture.contains(">a &lt;b&gt;</text>"), "{picture}");
        assert!(picture.contains(r##"style="fill:#f47067" xml:space="preserve">red</text>"##), "{picture}");
        assert!(picture.contains(&format!(r#"fill="{FOREGROUND}"/>"#)), "{picture}");
        assert!(picture.contains("demo &amp; more"), "{picture}");
        assert_eq!(hex(Color::Indexed(231)), "#ffffff");
        assert_eq!(hex(Color::Indexed(255)), "#eeeeee");
    }
}
