//! Between `file:` URIs and paths (RFC 8089). URIs are compared as paths: clients spell the same file differently.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::roots::absolute;

/// The path of a `file:` URI, without `.` and `..`; `None` for every other URI and for another host's file. A `#` or `?`
/// that the client forgot to encode is part of the name.
pub fn to_path(uri: &str) -> Option<PathBuf> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("file") {
        return None;
    }
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let slash = rest.find('/')?;
            let host = &rest[..slash];
            if !(host.is_empty() || host.eq_ignore_ascii_case("localhost")) {
                return None;
            }
            &rest[slash..]
        }
        None => rest,
    };
    let path = PathBuf::from(OsString::from_vec(decode(path.as_bytes())));
    path.is_absolute().then(|| absolute(&path, "."))
}

/// The `file:` URI of an absolute path; bytes that are no text stay themselves.
pub fn from_path(path: &Path) -> String {
    let mut uri = String::from("file://");
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(byte as char);
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

/// Undoes percent-encoding; a `%` that starts no code stays.
fn decode(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| (*byte as char).to_digit(16));
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_name_paths() {
        let table = [
            ("file:///w/src/main.rs", Some("/w/src/main.rs")),
            ("file:///w/a%20b/%C3%BC.rs", Some("/w/a b/ü.rs")),
            ("FILE://localhost/w/a", Some("/w/a")),
            ("file:/w/a", Some("/w/a")),
            ("file:///w/C#/a?.cs", Some("/w/C#/a?.cs")),
            ("file:///w/100%/a%2", Some("/w/100%/a%2")),
            ("file:///w/./b/../a", Some("/w/a")),
            ("file:///c%3A/x", Some("/c:/x")),
            ("file:relative", None),
            ("file://server/share/a", None),
            ("untitled:Untitled-1", None),
            ("git:/w/a?ref=HEAD", None),
            ("", None),
        ];
        for (uri, path) in table {
            assert_eq!(to_path(uri).as_deref(), path.map(Path::new), "{uri}");
        }
    }

    #[test]
    fn paths_come_back() {
        for path in ["/w/src/main.rs", "/w/a b/ü#?%.rs", "/w/[id]/(x)&=;", "/"] {
            assert_eq!(to_path(&from_path(Path::new(path))).as_deref(), Some(Path::new(path)));
        }
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"/w/\xff"));
        assert_eq!(from_path(odd), "file:///w/%FF");
        assert_eq!(to_path("file:///w/%FF").as_deref(), Some(odd));
    }
}
