//! Stands between the client and a real model server: passes requests on, changed where the test says how, and answers
//! back byte for byte, and keeps both.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::Value;

use crate::model::{Call, read_request};

type Change = dyn Fn(usize, &mut Value) + Send + Sync;

/// One request that went through: the body as the client sent it, and the whole answer, head included.
#[derive(Clone, Debug, Default)]
pub struct Passed {
    pub path: String,
    pub body: Value,
    pub answer: String,
}

/// A relay that runs until the test ends.
pub struct Relay {
    address: SocketAddr,
    passed: Arc<Mutex<Vec<Passed>>>,
}

impl Relay {
    /// Passes on to `server`. `change` gets the number of the POST, 0 for the first, and its body.
    pub fn start(server: SocketAddr, change: impl Fn(usize, &mut Value) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port of this machine");
        let address = listener.local_addr().expect("the relay's address");
        let passed = Arc::new(Mutex::new(Vec::new()));
        let (keep, change): (_, Arc<Change>) = (passed.clone(), Arc::new(change));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (keep, change) = (keep.clone(), change.clone());
                // A client that goes away ends its own connection alone.
                thread::spawn(move || pass(&stream, server, &keep, &*change));
            }
        });
        Self { address, passed }
    }

    /// Where clients find it, without `/v1`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The POSTs so far; one whose answer is still on its way has none.
    pub fn passed(&self) -> Vec<Passed> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One request a connection: the server is told to close after its answer.
fn pass(mut client: &TcpStream, server: SocketAddr, keep: &Mutex<Vec<Passed>>, change: &Change) -> Option<()> {
    let lock = || keep.lock().unwrap_or_else(PoisonError::into_inner);
    let call = read_request(&mut BufReader::new(client)).ok().flatten()?;
    let mut body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let number = (call.method == "POST").then(|| {
        lock().push(Passed { path: call.path.clone(), body: body.clone(), answer: String::new() });
        lock().len() - 1
    });
    if let Some(number) = number {
        change(number, &mut body);
    }
    let mut upstream = TcpStream::connect(server).ok()?;
    upstream.write_all(&request(&call, &body)).ok()?;
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = upstream.read(&mut buffer).ok()?;
        answer.extend_from_slice(&buffer[..count]);
        // Kept before the client can see it: what it then does, the test may look at.
        if let Some(number) = number {
            lock()[number].answer = String::from_utf8_lossy(&answer).into_owned();
        }
        if count == 0 {
            return client.shutdown(std::net::Shutdown::Both).ok();
        }
        client.write_all(&buffer[..count]).ok()?;
    }
}

fn request(call: &Call, body: &Value) -> Vec<u8> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (method, path, length) = (&call.method, &call.path, body.len());
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n"
    );
    (head + &body).into_bytes()
}
