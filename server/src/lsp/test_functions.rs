//! Test functions in a file's text, by the customs of its language: where code lenses stand. Pure; a parser's work is not done
//! here.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// A file longer than this, in bytes, is not looked through.
const LONGEST: usize = 1 << 20;
/// Functions of one file that are told.
const MOST: usize = 2_000;

/// One test function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestFunction {
    /// Without the names of what is around it.
    pub name: String,
    /// 0-based.
    pub line: u32,
}

fn compiled(text: &str) -> Regex {
    Regex::new(text).expect("the expression is valid")
}

static ATTRIBUTE: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"^\s*#\[\s*(?:[\w:]+::)?(?:test|rstest|test_case|proptest|wasm_bindgen_test)\b"));
static RUST: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"^\s*(?:pub(?:\([^)]*\))?\s+)?(?:async\s+)?(?:unsafe\s+)?fn\s+(\w+)"));
static PYTHON: LazyLock<Regex> = LazyLock::new(|| compiled(r"^\s*(?:async\s+)?def\s+(test\w*)\s*\("));
static GO: LazyLock<Regex> = LazyLock::new(|| compiled(r"^func\s+(?:\(\w+ \*?\w+\)\s+)?(Test\w*)\s*\("));
static SCRIPT: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r#"^\s*(?:await\s+)?(?:test|it)(?:\.\w+)*\(\s*(?:"((?:\\.|[^"])+)"|'((?:\\.|[^'])+)'|`((?:\\.|[^`])+)`)"#)
});

/// The test functions of a text, in its order.
pub fn test_functions(path: &Path, text: &str) -> Vec<TestFunction> {
    if text.len() > LONGEST {
        return Vec::new();
    }
    let by_line: &Regex = match path.extension().and_then(|it| it.to_str()).unwrap_or_default() {
        "rs" => return rust(text),
        "py" => &PYTHON,
        "go" => &GO,
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" => &SCRIPT,
        _ => return Vec::new(),
    };
    let named = numbered(text).filter_map(|(line, text)| {
        let found = by_line.captures(text)?;
        let name = found.iter().skip(1).flatten().next()?.as_str().to_owned();
        Some(TestFunction { name, line })
    });
    named.take(MOST).collect()
}

fn numbered(text: &str) -> impl Iterator<Item = (u32, &str)> {
    (0..).zip(text.lines())
}

/// A function below an attribute that makes it a test; other attributes and comments may stand between.
fn rust(text: &str) -> Vec<TestFunction> {
    let (mut found, mut marked) = (Vec::new(), false);
    for (line, text) in numbered(text) {
        let begun = text.trim_start();
        if ATTRIBUTE.is_match(text) {
            marked = true;
        } else if marked && !begun.is_empty() && !begun.starts_with("#[") && !begun.starts_with("//") {
            marked = false;
            if let Some(name) = RUST.captures(text).filter(|_| found.len() < MOST) {
                found.push(TestFunction { name: name[1].to_owned(), line });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_by_language() {
        for (file, text, expected) in [
            (
                "a.rs",
                "#[test]\n#[ignore]\n// why\nfn one() {}\nfn none() {}\n#[tokio::test]\nasync fn two() {}\n",
                vec![("one", 3), ("two", 6)],
            ),
            ("a.py", "def test_a():\n  def helper():\n  async def test_b(x):\n", vec![("test_a", 0), ("test_b", 2)]),
            ("a_test.go", "func TestA(t *testing.T) {\nfunc help() {\n", vec![("TestA", 0)]),
            (
                "a.test.ts",
                "it('adds', () => {\n  test.only(\"it's\", f)\ndescribe('no', f)\n",
                vec![("adds", 0), ("it's", 1)],
            ),
            ("a.txt", "def test_a():", vec![]),
        ] {
            let found = test_functions(Path::new(file), text);
            let found: Vec<(&str, u32)> = found.iter().map(|it| (it.name.as_str(), it.line)).collect();
            assert_eq!(found, expected, "{file}");
        }
    }
}
