//! Reads settings from TOML and JSON into one flat list: dotted key, value, line. Knows no setting.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use toml::de::{DeTable, DeValue};

/// The most bytes of a config file.
const FILE_CAP: u64 = 1024 * 1024;

/// One value under its dotted key.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: String,
    pub value: Value,
    /// 1-based; 0 where there are no lines.
    pub line: usize,
}

/// A value, as far as settings need it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Number(i64),
    Fraction(f64),
    Bool(bool),
    /// A list of texts.
    List(Vec<String>),
    /// Any other kind, by its name.
    Other(&'static str),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{:?}", text.chars().take(100).collect::<String>()),
            Self::Number(number) => write!(f, "{number}"),
            Self::Fraction(number) => write!(f, "{number}"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::List(texts) => write!(f, "a list of {} texts", texts.len()),
            Self::Other(kind) => f.write_str(kind),
        }
    }
}

/// Reads a TOML file; one that is not there is empty. The error names the place and the remedy.
pub fn file(path: &Path) -> Result<Vec<Entry>, String> {
    let wrong = |error: &dyn fmt::Display| format!("{} cannot be read: {error}; correct that.", path.display());
    match std::fs::metadata(path) {
        Ok(found) if found.len() > FILE_CAP => return Err(wrong(&"it is larger than 1 MiB")),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        _ => {}
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    toml(&text).map_err(|(line, what)| format!("{}:{line}: {what}; correct that line.", path.display()))
}

/// Reads TOML. The error is a line and what is wrong there.
pub fn toml(text: &str) -> Result<Vec<Entry>, (usize, String)> {
    let line = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    let table = DeTable::parse(text)
        .map_err(|error| (line(error.span().map_or(0, |span| span.start)), error.message().replace('\n', ", ")))?;
    let mut entries = Vec::new();
    flatten_toml("", table.get_ref(), &line, &mut entries);
    entries.sort_by_key(|entry| entry.line);
    Ok(entries)
}

fn flatten_toml(prefix: &str, table: &DeTable<'_>, line: &dyn Fn(usize) -> usize, entries: &mut Vec<Entry>) {
    for (key, value) in table.iter() {
        let key_line = line(key.span().start);
        let key = join(prefix, key.get_ref());
        let value = match value.get_ref() {
            DeValue::Table(table) => {
                flatten_toml(&key, table, line, entries);
                continue;
            }
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Value::Other("so large a number"), Value::Number),
            DeValue::Boolean(truth) => Value::Bool(*truth),
            DeValue::Float(number) => {
                number.as_str().replace('_', "").parse().map_or(Value::Other("a strange number"), Value::Fraction)
            }
            DeValue::Datetime(_) => Value::Other("a date"),
            DeValue::Array(items) => {
                let text = |item: &toml::Spanned<DeValue<'_>>| item.get_ref().as_str().map(str::to_owned);
                items.iter().map(text).collect::<Option<_>>().map_or(Value::Other("a list"), Value::List)
            }
        };
        entries.push(Entry { key, value, line: key_line });
    }
}

/// Reads an editor's section: bare or wrapped in `pillion`, nested or with dotted keys. Nulls are left out.
pub fn json(settings: &serde_json::Value) -> Vec<Entry> {
    let mut entries = Vec::new();
    flatten_json("", settings, &mut entries);
    for entry in &mut entries {
        if let Some(bare) = entry.key.strip_prefix("pillion.") {
            entry.key = bare.to_owned();
        }
    }
    entries
}

fn flatten_json(key: &str, value: &serde_json::Value, entries: &mut Vec<Entry>) {
    use serde_json::Value as Json;
    let value = match value {
        Json::Null => return,
        Json::Object(fields) => {
            for (name, value) in fields {
                flatten_json(&join(key, name), value, entries);
            }
            return;
        }
        Json::String(text) => Value::Text(text.clone()),
        Json::Bool(truth) => Value::Bool(*truth),
        // JavaScript has one kind of number, so 5.0 may be meant as 5.
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Number(whole),
            (None, Some(number)) if number.fract() == 0.0 && number.abs() < 1e15 => Value::Number(number as i64),
            (None, Some(number)) => Value::Fraction(number),
            _ => Value::Other("so large a number"),
        },
        Json::Array(items) => {
            let text = |item: &Json| item.as_str().map(str::to_owned);
            items.iter().map(text).collect::<Option<_>>().map_or(Value::Other("a list"), Value::List)
        }
    };
    if !key.is_empty() {
        entries.push(Entry { key: key.to_owned(), value, line: 0 });
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// Whether someone other than the owner may read the file. A file that is not there is closed.
pub fn open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}
