//! The body of a streamed answer: chunks of HTTP, as large as the test wants them.

use std::io::Write;
use std::net::TcpStream;

/// Where a stream of events is written to.
pub struct Body<'a> {
    stream: &'a TcpStream,
    /// Bytes per write; whole events when 0.
    drip: usize,
}

impl<'a> Body<'a> {
    /// Sends the head; `headers` are whole lines.
    pub fn begin(mut stream: &'a TcpStream, drip: usize, headers: &str) -> std::io::Result<Self> {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\
             {headers}\r\n"
        );
        stream.write_all(head.as_bytes())?;
        Ok(Self { stream, drip })
    }

    /// Sends the text of an event, its blank line included.
    pub fn send(&mut self, text: &str) -> std::io::Result<()> {
        let size = if self.drip == 0 { text.len() } else { self.drip };
        for chunk in text.as_bytes().chunks(size) {
            let mut bytes = format!("{:x}\r\n", chunk.len()).into_bytes();
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
            self.stream.write_all(&bytes)?;
        }
        Ok(())
    }

    /// Cuts the connection.
    pub fn cut(self) -> std::io::Result<()> {
        self.stream.shutdown(std::net::Shutdown::Both)
    }

    /// Ends the body properly.
    pub fn end(mut self) -> std::io::Result<()> {
        self.stream.write_all(b"0\r\n\r\n")?;
        self.drip = 0;
        Ok(())
    }
}

/// `text` in parts of 1, 3, 7, 2 and 11 letters, over and over.
pub fn odd_parts(text: &str) -> Vec<String> {
    let mut letters = text.chars().peekable();
    let mut sizes = [1, 3, 7, 2, 11].into_iter().cycle();
    let mut parts = Vec::new();
    while letters.peek().is_some() {
        parts.push(letters.by_ref().take(sizes.next().unwrap_or(1)).collect());
    }
    parts
}
