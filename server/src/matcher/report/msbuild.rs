//! MSBuild, `dotnet build` and the compilers that they run: `Program.cs(5,13): error CS1002: ; expected [/w/app.csproj]`. Each
//! is printed twice: as it comes, and in the summary.

use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::{OneLine, Printed, number, text};
use crate::matcher::place::Column;
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "msbuild",
    rank: Rank::Tool,
    gate: always,
    starts: &[],
    inside: &[Inside {
        words: &["): error ", "): warning ", " : error ", " : warning "],
        text: r"(?:\([0-9,]+\)|proj) ?: (?:error|warning) [A-Z]+[0-9]+: ",
    }],
    new: |_| Box::new(OneLine { tool: "msbuild", read }),
};

expression!(
    head,
    r"^\s*(?:\d+>|dotnet watch \S+ (?:\[[^\]]*\] )?)?(\S.*?)(?:\((\d+)(?:,(\d+))?(?:,\d+,\d+)?\))? ?: (error|warning) ([A-Z]+\d+): (.*?)(?: \[[^\[\]]+proj(?:::[^\]]*)?\])?$"
);

fn read(line: &str) -> Option<Printed<'_>> {
    let found = head().captures(line)?;
    // tsc prints this form too, and has a matcher of its own.
    let code = text(&found, 5).filter(|code| !code.starts_with("TS"))?;
    let severity = if &found[4] == "error" { Severity::Error } else { Severity::Warning };
    Some(Printed {
        path: text(&found, 1)?,
        line: number(&found, 2),
        column: number(&found, 3).map(Column::Utf16),
        severity,
        code: Some(code),
        message: text(&found, 6)?,
    })
}
