//! A receiver of webhooks that answers as a test specifies.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// What the receiver does with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Answers with this status, these further lines of the head and this body.
    Status(u16, String, String),
    /// Answers 204 after this time.
    Slow(Duration),
    /// Never answers.
    Hang,
    /// Closes the connection without an answer.
    Drop,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Reply::Status(status, String::new(), String::new())
    }
}

/// A received request.
#[derive(Clone, Debug)]
pub struct Received {
    pub line: String,
    /// In lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Inner {
    requests: Mutex<Vec<Received>>,
    connections: Mutex<usize>,
    replies: Mutex<VecDeque<Reply>>,
    usual: Mutex<Option<Reply>>,
}

pub struct Receiver {
    address: SocketAddr,
    inner: Arc<Inner>,
}

impl Receiver {
    /// Answers 204 unless it is told otherwise.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner::default());
        let shared = inner.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                *shared.connections.lock().unwrap() += 1;
                let shared = shared.clone();
                std::thread::spawn(move || shared.answer(stream).unwrap_or_default());
            }
        });
        Receiver { address, inner }
    }

    pub fn url(&self) -> String {
        format!("http://{}/mesa", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What happens with the next requests.
    pub fn reply(&self, replies: impl IntoIterator<Item = Reply>) {
        self.inner.replies.lock().unwrap().extend(replies);
    }

    /// What happens with all further requests.
    pub fn always(&self, reply: Reply) {
        *self.inner.usual.lock().unwrap() = Some(reply);
    }

    /// The requests so far, in the order of their arrival.
    pub fn requests(&self) -> Vec<Received> {
        self.inner.requests.lock().unwrap().clone()
    }

    /// The requests so far, which are forgotten.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.inner.requests.lock().unwrap())
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        *self.inner.connections.lock().unwrap()
    }
}

impl Inner {
    fn answer(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let headers: Vec<(String, String)> = lines[1..]
            .iter()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
        reader.read_exact(&mut body)?;
        let body = String::from_utf8(body).unwrap();
        self.requests.lock().unwrap().push(Received { line: lines[0].clone(), headers, body });
        let reply = self.replies.lock().unwrap().pop_front();
        let reply = reply.or_else(|| self.usual.lock().unwrap().clone()).unwrap_or(Reply::status(204));
        match reply {
            Reply::Status(status, head, body) => {
                let length =
                    if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
                write!(&stream, "HTTP/1.1 {status} x\r\nconnection: close\r\n{length}{head}\r\n{body}")
            }
            Reply::Slow(time) => {
                std::thread::sleep(time);
                write!(&stream, "HTTP/1.1 204 x\r\nconnection: close\r\n\r\n")
            }
            Reply::Hang => {
                std::thread::sleep(Duration::from_secs(5));
                Ok(())
            }
            Reply::Drop => Ok(()),
        }
    }
}
