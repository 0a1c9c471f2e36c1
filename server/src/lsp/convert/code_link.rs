//! Where a tool documents one of its codes. Only tools whose pages are found by the code alone; the forms are those of their
//! own documentation.

/// The page of a tool's code.
pub(super) fn page(tool: &str, code: &str) -> Option<String> {
    let is_word = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    let plain = is_word(code).then_some(code);
    match tool {
        "rustc" | "cargo" | "clippy" => match code.strip_prefix("clippy::") {
            Some(lint) => Some(format!("https://rust-lang.github.io/rust-clippy/master/index.html#{lint}")),
            None => {
                let numbered =
                    code.len() == 5 && code.starts_with('E') && code[1..].bytes().all(|it| it.is_ascii_digit());
                numbered.then(|| format!("https://doc.rust-lang.org/error_codes/{code}.html"))
            }
        },
        // A rule of a plugin has a slash in it.
        "eslint" => plain.map(|rule| format!("https://eslint.org/docs/latest/rules/{rule}")),
        "stylelint" => plain.map(|rule| format!("https://stylelint.io/user-guide/rules/{rule}")),
        "shellcheck" => plain.map(|code| format!("https://www.shellcheck.net/wiki/{code}")),
        "hadolint" => plain.map(|code| format!("https://github.com/hadolint/hadolint/wiki/{code}")),
        "mypy" => plain.map(|code| format!("https://mypy.readthedocs.io/en/stable/_refs.html#code-{code}")),
        "ruff" => plain.map(|code| format!("https://docs.astral.sh/ruff/rules/{code}")),
        "pyright" => {
            plain.map(|rule| format!("https://github.com/microsoft/pyright/blob/main/docs/configuration.md#{rule}"))
        }
        "markdownlint" => plain
            .filter(|code| code.starts_with("MD"))
            .map(|code| format!("https://github.com/DavidAnson/markdownlint/blob/main/doc/{}.md", code.to_lowercase())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_to_their_pages() {
        for (tool, code, expected) in [
            ("rustc", "E0308", Some("https://doc.rust-lang.org/error_codes/E0308.html")),
            ("rustc", "unused_variables", None),
            (
                "clippy",
                "clippy::needless_return",
                Some("https://rust-lang.github.io/rust-clippy/master/index.html#needless_return"),
            ),
            ("eslint", "no-unused-vars", Some("https://eslint.org/docs/latest/rules/no-unused-vars")),
            ("eslint", "@typescript-eslint/no-explicit-any", None),
            ("shellcheck", "SC2086", Some("https://www.shellcheck.net/wiki/SC2086")),
            ("tsc", "TS2322", None),
        ] {
            assert_eq!(page(tool, code).as_deref(), expected, "{tool} {code}");
        }
    }
}
