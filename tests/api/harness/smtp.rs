//! A mail server that accepts, rejects or loses messages as a test specifies.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mailparse::{MailHeaderMap, ParsedMail};

/// What the server does with a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    Take,
    /// Replies 451.
    NotNow,
    /// Replies 550.
    Never,
    /// Closes the connection while the message is being sent.
    CutInTheMiddle,
    /// Accepts the message, but closes the connection before confirming it.
    CutAtTheEnd,
}

/// A received message.
#[derive(Clone)]
pub struct Mail {
    pub from: String,
    pub to: String,
    pub raw: Vec<u8>,
}

#[derive(Default)]
struct Inner {
    mail: Mutex<Vec<Mail>>,
    answers: Mutex<HashMap<String, VecDeque<Answer>>>,
    delay: Mutex<Duration>,
    over: AtomicBool,
}

pub struct MailServer {
    address: SocketAddr,
    inner: Arc<Inner>,
}

impl MailServer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner::default());
        let shared = inner.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.over.load(Ordering::Relaxed) {
                    return;
                }
                let shared = shared.clone();
                // If the client disconnects, the session ends.
                std::thread::spawn(move || shared.converse(stream).unwrap_or_default());
            }
        });
        MailServer { address, inner }
    }

    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Sets the replies for the next messages to this address. Later messages are accepted.
    pub fn answer(&self, to: &str, answers: &[Answer]) {
        self.inner.answers.lock().unwrap().insert(to.to_owned(), answers.iter().copied().collect());
    }

    /// Delays each message.
    pub fn slow(self, delay: Duration) -> Self {
        *self.inner.delay.lock().unwrap() = delay;
        self
    }

    /// All accepted messages, in the order of arrival.
    pub fn mail(&self) -> Vec<Mail> {
        self.inner.mail.lock().unwrap().clone()
    }

    /// The number of accepted messages.
    pub fn count(&self) -> usize {
        self.inner.mail.lock().unwrap().len()
    }

    /// The last accepted message that contains a link to a survey.
    #[track_caller]
    pub fn last_with_link(&self) -> Mail {
        self.mail().into_iter().rfind(|mail| mail.text().contains("/s/")).expect("no message has a link")
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.inner.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

impl Inner {
    fn converse(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let say = |words: &str| (&stream).write_all(format!("{words}\r\n").as_bytes());
        say("220 mail.test ESMTP")?;
        let (mut from, mut to, mut answer) = (String::new(), String::new(), Answer::Take);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            match line[..4.min(line.len())].to_ascii_uppercase().as_str() {
                "EHLO" => say("250-mail.test\r\n250-8BITMIME\r\n250 SMTPUTF8")?,
                "MAIL" => {
                    from = address();
                    say("250 ok")?;
                }
                "RCPT" => {
                    to = address();
                    let mut answers = self.answers.lock().unwrap();
                    answer = answers.get_mut(&to).and_then(VecDeque::pop_front).unwrap_or(Answer::Take);
                    drop(answers);
                    match answer {
                        Answer::NotNow => say(&format!("451 4.3.0 not now <{to}>"))?,
                        Answer::Never => say(&format!("550 5.1.1 no such user <{to}>"))?,
                        _ => say("250 ok")?,
                    }
                }
                "DATA" => {
                    say("354 go on")?;
                    let raw = match answer {
                        Answer::CutInTheMiddle => {
                            reader.read_line(&mut String::new())?;
                            return stream.shutdown(Shutdown::Both);
                        }
                        _ => data(&mut reader)?,
                    };
                    std::thread::sleep(*self.delay.lock().unwrap());
                    self.mail.lock().unwrap().push(Mail { from: from.clone(), to: to.clone(), raw });
                    if answer == Answer::CutAtTheEnd {
                        return stream.shutdown(Shutdown::Both);
                    }
                    say("250 taken")?;
                }
                "QUIT" => return say("221 bye"),
                _ => say("250 ok")?,
            }
        }
    }
}

/// Reads up to the line with a single dot. If the client disconnects before it, the message is discarded.
fn data(reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut raw = Vec::new();
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == b".\r\n" {
            return Ok(raw);
        }
        raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}

impl Mail {
    pub fn parsed(&self) -> ParsedMail<'_> {
        mailparse::parse_mail(&self.raw).unwrap()
    }

    /// The decoded value of the header; empty if it is missing.
    pub fn header(&self, name: &str) -> String {
        self.parsed().headers.get_first_value(name).unwrap_or_default()
    }

    pub fn subject(&self) -> String {
        self.header("Subject")
    }

    /// The part with this media type.
    #[track_caller]
    fn part(&self, media_type: &str) -> String {
        let parsed = self.parsed();
        let part = parsed.subparts.iter().find(|part| part.ctype.mimetype == media_type).unwrap();
        part.get_body().unwrap().replace("\r\n", "\n")
    }

    pub fn text(&self) -> String {
        self.part("text/plain")
    }

    pub fn html(&self) -> String {
        self.part("text/html")
    }

    /// The token of the survey link in the text.
    #[track_caller]
    pub fn survey_token(&self) -> String {
        let text = self.text();
        let (_, rest) = text.split_once("/s/").unwrap_or_else(|| panic!("no link in {text}"));
        rest.split_whitespace().next().unwrap().to_owned()
    }
}
