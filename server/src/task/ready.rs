//! How known servers say that they are ready, and the address that they give. Pure: one line in, as it is shown.

use std::sync::LazyLock;

use regex::Regex;

fn expression(text: &str) -> Regex {
    Regex::new(text).expect("the expression is valid")
}

static URL: LazyLock<Regex> =
    LazyLock::new(|| expression(r#"(?i)\bhttps?://[^\s'"<>()\[\]{}|,;]*(?:\[[0-9a-f:]+\][^\s'"<>()\[\]{}|,;]*)?"#));

/// Words that say that something is up.
static UP: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"(?ix) \b(?: listening | running | serving | started | available | ready | server | access | local | loopback
          | open\ your\ browser ) \b",
    )
});

/// `listening on *:3000`, `Server running at port 8080`, `Tomcat started on port(s): 8080`.
static PORT: LazyLock<Regex> = LazyLock::new(|| {
    // No part of an address or of a time of day: what stands before and behind the number tells.
    expression(
        r"(?ix) \b(?: listening\b .{0,60}? (?: \b(?:on|at|port)\b | : ) .{0,40}? [\s:=]
          | (?: running | started | serving | ready | up | accepting\ connections )\b .{0,60}? \b(?:on|at)\b .{0,60}?
            (?: (?: [^\d] | \.\d{1,3} ) :\s? | \bport(?:\(s\))?:?\s ) ) (\d{2,5}) (?: [.:!]? (?: \s | $ ) | [^\d.:\w] )",
    )
});

/// A watcher that has built once and waits.
static WATCHES: LazyLock<Regex> = LazyLock::new(|| expression(r"(?i)\b(?:watching|waiting) for (?:file )?changes\b"));

/// Lines that name an address for another reason.
static OTHER: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"(?ix) \b(?: error | failed | failure | refused | cannot | unable | proxy | proxying | proxied | connecting
          | fetching | redirect | request | in\ use | already | GET | POST | PUT | HEAD | EADDRINUSE | warn(?:ing)?
          | retry(?:ing)? | waiting\ for\ http | browserslist ) \b",
    )
});

/// Ports of services that are no web servers.
const NOT_HTTP: [u16; 9] = [3306, 5432, 5672, 6379, 9042, 9092, 11211, 27017, 50051];

/// Something when the line says that a server is ready (or that a watcher has built and waits); within, the address that
/// it gives.
pub fn known(line: &str) -> Option<Option<String>> {
    // Package managers and `set -x` show the command before it runs.
    if ["> ", "$ ", "+ "].iter().any(|prompt| line.trim_start().starts_with(prompt)) {
        return None;
    }
    if WATCHES.is_match(line) {
        return Some(None);
    }
    if !line.bytes().any(|byte| byte.is_ascii_digit()) && !line.contains("://") || OTHER.is_match(line) {
        return None;
    }
    if let Some(found) = URL.find(line) {
        return (is_here(found.as_str()) || UP.is_match(line)).then(|| Some(reachable(found.as_str())));
    }
    PORT.is_match(line).then(|| url(line))
}

/// The address that a line gives: its first URL, one of this machine before others; else this machine's at the port.
pub fn url(line: &str) -> Option<String> {
    let urls: Vec<&str> = URL.find_iter(line).map(|found| found.as_str()).collect();
    if let Some(found) = urls.iter().find(|url| is_here(url)).or(urls.first()) {
        return Some(reachable(found));
    }
    let port: u16 = PORT.captures(line)?.get(1)?.as_str().parse().ok()?;
    (port > 0 && !NOT_HTTP.contains(&port)).then(|| format!("http://localhost:{port}"))
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let end = rest.find('/').unwrap_or(rest.len());
    let host = &rest[..end];
    match host.rfind(':') {
        Some(colon) if !host[colon..].contains(']') => &host[..colon],
        _ => host,
    }
}

fn is_here(url: &str) -> bool {
    let host = host(url).to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || host.starts_with("127.")
        || matches!(host.as_str(), "0.0.0.0" | "[::]" | "[::1]" | "*")
}

/// An address that a browser can open: "every address" is none. Without the full stop of a sentence.
fn reachable(url: &str) -> String {
    let url = url.trim_end_matches(['.', ':', '!', '*', '`']);
    match host(url) {
        every @ ("0.0.0.0" | "[::]" | "*" | "[::0]") => url.replacen(every, "localhost", 1),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of real servers, and the address that is to be told.
    const READY: &[(&str, &str)] = &[
        ("  \u{279c}  Local:   http://localhost:5173/", "http://localhost:5173/"),
        ("  - Local:        http://localhost:3000", "http://localhost:3000"),
        ("ready - started server on 0.0.0.0:3000, url: http://localhost:3000", "http://localhost:3000"),
        ("<i> [webpack-dev-server] Loopback: http://localhost:8080/, http://[::1]:8080/", "http://localhost:8080/"),
        ("Project is running at http://localhost:8080/", "http://localhost:8080/"),
        ("  Local:            http://localhost:3000", "http://localhost:3000"),
        ("Starting development server at http://127.0.0.1:8000/", "http://127.0.0.1:8000/"),
        (" * Running on http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        (" * Running on http://127.0.0.1:5000/ (Press CTRL+C to quit)", "http://127.0.0.1:5000/"),
        ("INFO:     Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)", "http://localhost:8000"),
        ("[2026-01-01 10:00:00 +0000] [9] [INFO] Listening at: http://127.0.0.1:8000 (9)", "http://127.0.0.1:8000"),
        ("* Listening on http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("Serving HTTP on 0.0.0.0 port 8000 (http://0.0.0.0:8000/) ...", "http://localhost:8000/"),
        ("Serving HTTP on :: port 8000 (http://[::]:8000/) ...", "http://localhost:8000/"),
        (
            "[Thu Jan  1 10:00:00 2026] PHP 8.3.0 Development Server (http://localhost:8000) started",
            "http://localhost:8000",
        ),
        ("Web Server is available at http://localhost:1313/ (bind address 127.0.0.1)", "http://localhost:1313/"),
        ("INFO    -  [10:00:00] Serving on http://127.0.0.1:8000/", "http://127.0.0.1:8000/"),
        ("    Server address: http://127.0.0.1:4000/", "http://127.0.0.1:4000/"),
        ("[info] Access DemoWeb.Endpoint at http://localhost:4000", "http://localhost:4000"),
        (
            "** Angular Live Development Server is listening on localhost:4200, open your browser on http://localhost:4200/ **",
            "http://localhost:4200/",
        ),
        ("\u{2503} Local    http://localhost:4321/", "http://localhost:4321/"),
        ("Server running at http://localhost:1234", "http://localhost:1234"),
        ("      Now listening on: https://localhost:7001", "https://localhost:7001"),
        ("Server listening at http://192.168.1.5:3000", "http://192.168.1.5:3000"),
        ("Example app listening on port 3000", "http://localhost:3000"),
        ("Example app listening on port 3000!", "http://localhost:3000"),
        ("Server listening on 3000", "http://localhost:3000"),
        ("listening on *:3000", "http://localhost:3000"),
        ("2026/01/01 10:00:00 listening on :8080", "http://localhost:8080"),
        ("Tomcat started on port(s): 8080 (http) with context path ''", "http://localhost:8080"),
        ("Tomcat started on port 8080 (http) with context path '/'", "http://localhost:8080"),
        ("Server is running on port: 4000", "http://localhost:4000"),
        ("[HPM] server started on localhost:9000", "http://localhost:9000"),
    ];

    #[test]
    fn known_servers_are_ready_when_they_say_so() {
        let wrong: Vec<String> = READY
            .iter()
            .filter(|(line, url)| known(line) != Some(Some((*url).to_owned())))
            .map(|(line, url)| format!("{line:?}: {:?}, not {url}", known(line)))
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn some_are_ready_without_an_address() {
        for line in [
            "10:00:00 AM - Found 0 errors. Watching for file changes.",
            " PASS  Waiting for file changes...",
            "* Ready to accept connections on port 6379 :6379",
            "listening on IPv4 address \"127.0.0.1\", port 5432",
        ] {
            assert_eq!(known(line), Some(None), "{line}");
        }
    }

    #[test]
    fn other_lines_say_nothing() {
        for line in [
            "",
            "compiled successfully in 320 ms",
            "Running on 16 threads",
            "running 50 tests",
            "Error: connect ECONNREFUSED http://localhost:5432",
            "[proxy] proxying /api to http://localhost:8081",
            "error: failed to fetch http://localhost:4873/left-pad",
            "GET http://localhost:3000/ 200",
            "Port 3000 is in use, trying another one...",
            "see https://vite.dev/config for help",
            "Something is already running on port 3000.",
            "started at 10:00",
            "> open-cli http://localhost:3000 && vite",
            "$ wait-on http://localhost:3000",
            "127.0.0.1 - - [01/Jan/2026 10:00:00] \"GET / HTTP/1.1\" 200 -",
        ] {
            assert_eq!(known(line), None, "{line}");
        }
    }
}
