//! Frames of the Language Server Protocol's base layer. Strict: what the server writes is held to the letter.

use std::io::BufRead;

/// One frame around `body`.
pub fn frame(body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// The body of the next frame; `None` at the end of the stream. Anything that is no frame is an error.
pub fn read_frame(reader: &mut impl BufRead) -> Result<Option<Vec<u8>>, String> {
    let mut length = None;
    let mut lines = 0;
    loop {
        let mut line = Vec::new();
        let read = reader.read_until(b'\n', &mut line).map_err(|error| error.to_string())?;
        if read == 0 {
            return if lines == 0 { Ok(None) } else { Err("the stream ended within a header".into()) };
        }
        let text = String::from_utf8_lossy(&line).into_owned();
        let Some(header) = text.strip_suffix("\r\n") else {
            return Err(format!("a header line without CR LF: {text:?}"));
        };
        lines += 1;
        if header.is_empty() {
            break;
        }
        match header.split_once(": ") {
            Some(("Content-Length", number)) => {
                length = Some(number.parse::<usize>().map_err(|_| format!("no length: {header:?}"))?);
            }
            Some(("Content-Type", _)) => {}
            _ => return Err(format!("no header of the protocol: {header:?}")),
        }
    }
    let length = length.ok_or("a header without Content-Length")?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).map_err(|error| format!("a body cut short: {error}"))?;
    Ok(Some(body))
}
