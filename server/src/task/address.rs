//! Lines that say that an address is in use, and the port that they mean. Pure.

use std::sync::LazyLock;

use regex::Regex;

/// How programs say it.
static IN_USE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?ix) EADDRINUSE | WSAEADDRINUSE | \baddress\ (?:is\ )?already\ in\ use\b
          | \bport\ .{0,40}\b(?:is\ )?(?:already\ )?(?:in\ use|being\ used|occupied|taken|allocated)\b
          | \b(?:already\ running|already\ listening)\ on\ port\b
          | \baddress\ in\ use\b",
    )
    .expect("the expression is valid")
});

/// Where the port stands, the surest place first.
static PLACES: LazyLock<[Regex; 4]> = LazyLock::new(|| {
    [
        r"(?i)\bport[\s:='\x22(]{1,3}(\d{2,5})\b",
        r"(?i)'[^']*',\s*(\d{2,5})\)",
        r"[\s\w\]*:.]:(\d{4,5})\b",
        // Two or three digits may be of a time of day.
        r"(?:\.\d{1,3}|[\]*\s]|localhost):(\d{2,3})\b",
    ]
    .map(|text| Regex::new(text).expect("the expression is valid"))
});

/// The port that a line says is taken. `None` where it says nothing of the kind; 0 where it names no port.
pub fn taken(line: &str) -> Option<u16> {
    // Cheap, and true for every form.
    let may = memchr::memmem::find(line.as_bytes(), b"use").is_some()
        || ["USE", "Use", "already", "occupied", "taken"].iter().any(|word| line.contains(word));
    if !may || !IN_USE.is_match(line) {
        return None;
    }
    let port = PLACES.iter().find_map(|place| place.captures(line)?.get(1)?.as_str().parse().ok());
    Some(port.unwrap_or(0))
}

/// The port of the first line of an output that says that it is taken. Programs that name none there (Python) may name it
/// in a line near by: the command then tells.
pub fn taken_in(output: &str, command: &str) -> Option<u16> {
    let mut found = output.lines().filter_map(taken);
    let first = found.next()?;
    let known = Some(first).filter(|port| *port > 0).or_else(|| found.find(|port| *port > 0));
    known.or_else(|| port_of(command))
}

/// The port that a command asks for: `-p 3000`, `--port=3000`, `PORT=3000`, `:8000`, or a number alone that can only be one.
pub fn port_of(command: &str) -> Option<u16> {
    static ASKED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:(?:\bPORT|--?\w*port|-p|-l|-b)[\s=]+|:|\s)(\d{4,5})\b").expect("the expression is valid")
    });
    ASKED.captures(command)?.get(1)?.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read() {
        for (line, port) in [
            ("Error: listen EADDRINUSE: address already in use :::3000", 3000),
            ("Error: listen EADDRINUSE: address already in use 127.0.0.1:8080", 8080),
            ("listen tcp :8080: bind: address already in use", 8080),
            ("OSError: [Errno 98] Address already in use", 0),
            (
                "OSError: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in use",
                8000,
            ),
            (
                "ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): address already in use",
                8000,
            ),
            ("Error: Port 5173 is already in use", 5173),
            ("Port 3000 is in use, trying 3001 instead.", 3000),
            (
                "Port 8000 is in use by another program. Either identify and stop that program, or start the server with a different port.",
                8000,
            ),
            ("Something is already running on port 3000.", 3000),
            ("[ERROR] Connection in use: ('127.0.0.1', 8000) address already in use", 8000),
            ("Address already in use - bind(2) for \"127.0.0.1\" port 3000 (Errno::EADDRINUSE)", 3000),
            ("Error: Os { code: 98, kind: AddrInUse, message: \"Address already in use\" }", 0),
            ("Bind for 0.0.0.0:5432 failed: port is already allocated", 5432),
            ("Web server failed to start. Port 8080 was already in use.", 8080),
            ("nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)", 80),
            ("Error: That port is already in use.", 0),
        ] {
            assert_eq!(taken(line), Some(port), "{line}");
        }
        for line in
            ["use port 3000", "the port is free", "listening on :3000", "already up to date", "Address: in use of"]
        {
            assert_eq!(taken(line), None, "{line}");
        }
    }

    #[test]
    fn where_no_line_names_it_the_command_does() {
        let said = "Traceback\nOSError: [Errno 98] Address already in use\n";
        for (command, port) in [
            ("python -m http.server 8123", Some(8123)),
            ("PORT=4000 node server.js", Some(4000)),
            ("uvicorn app:app --port 8001", Some(8001)),
            ("manage.py runserver 0.0.0.0:8002", Some(8002)),
            ("serve", None),
        ] {
            assert_eq!(taken_in(said, command), port, "{command}");
        }
        assert_eq!(taken_in("Address already in use\nport 3000 is in use", "x"), Some(3000));
        assert_eq!(taken_in("fine", "serve -p 3000"), None);
    }
}
