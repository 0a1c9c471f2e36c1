//! Just enough HTTP/1.1 for a client that posts JSON.

use std::io::BufRead;

/// One HTTP request.
#[derive(Debug, Default)]
pub struct Call {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Call {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Reads the next request; `None` when the connection is over.
pub fn read_request(reader: &mut impl BufRead) -> Result<Option<Call>, String> {
    let Some(first) = read_line(reader)? else { return Ok(None) };
    let mut words = first.split(' ');
    let (Some(method), Some(path), Some("HTTP/1.1")) = (words.next(), words.next(), words.next()) else {
        return Err(format!("no request line: {first:?}"));
    };
    let mut call = Call { method: method.into(), path: path.into(), ..Call::default() };
    while let Some(line) = read_line(reader)?.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(|| format!("no header: {line:?}"))?;
        call.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if call.header("transfer-encoding") == Some("chunked") {
        while let Some(size) = read_line(reader)? {
            let size = usize::from_str_radix(&size, 16).map_err(|_| format!("no chunk size: {size:?}"))?;
            let mut chunk = vec![0; size];
            reader.read_exact(&mut chunk).map_err(|error| error.to_string())?;
            call.body.extend(chunk);
            read_line(reader)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = call.header("content-length") {
        let length = length.parse().map_err(|_| format!("no length: {length:?}"))?;
        call.body = vec![0; length];
        reader.read_exact(&mut call.body).map_err(|error| error.to_string())?;
    }
    Ok(Some(call))
}

fn read_line(reader: &mut impl BufRead) -> Result<Option<String>, String> {
    let mut line = Vec::new();
    // A client may drop its connection at any time.
    match reader.read_until(b'\n', &mut line) {
        Ok(0) | Err(_) => return Ok(None),
        Ok(_) => {}
    }
    let line = String::from_utf8(line).map_err(|_| "a header that is not UTF-8".to_owned())?;
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}
