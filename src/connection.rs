//! A connection of a client, with or without TLS.
//!
//! actix-http itself answers a request whose head it cannot read (400), that does not arrive in time (408) or that is too
//! large (431): with an empty body, before any middleware. Those answers are replaced by problems on their way out. They are
//! recognized by when they are written: while no request of this connection is at the application, only the parser answers.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::{Bytes, Data};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::desk::Desk;
use crate::parser_problem;

/// What carries the bytes.
pub enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// The requests of one connection that the application has, from their head until all of the answer is encoded.
pub struct OpenRequests {
    count: Cell<usize>,
    /// Whether all that the application answered has been written.
    all_written: Cell<bool>,
}

impl OpenRequests {
    fn new() -> Rc<Self> {
        Rc::new(OpenRequests { count: Cell::new(0), all_written: Cell::new(true) })
    }

    /// One more request, until the guard is dropped.
    pub fn begin(self: &Rc<Self>) -> OpenRequest {
        self.count.set(self.count.get() + 1);
        self.all_written.set(false);
        OpenRequest(Rc::clone(self))
    }
}

/// One request that the application has.
pub struct OpenRequest(Rc<OpenRequests>);

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.count.set(self.0.count.get().saturating_sub(1));
    }
}

/// The body of an answer; its request is open until the body is dropped.
pub struct AnswerBody {
    pub body: BoxBody,
    pub request: Option<OpenRequest>,
}

impl MessageBody for AnswerBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

pub struct Connection {
    transport: Transport,
    open_requests: Rc<OpenRequests>,
    desk: Data<Desk>,
    /// What is being written in place of an answer of the parser, and how much of it has been.
    replacement: Option<(Vec<u8>, usize)>,
}

impl Connection {
    pub fn new(transport: Transport, desk: Data<Desk>) -> Self {
        Connection { transport, open_requests: OpenRequests::new(), desk, replacement: None }
    }

    pub fn open_requests(&self) -> Rc<OpenRequests> {
        Rc::clone(&self.open_requests)
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Transport::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    /// actix-http writes from a buffer that is kept until all of it is accepted: an answer of the parser is accepted when
    /// its replacement has been written.
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.replacement.is_none() && this.open_requests.all_written.get() {
            this.replacement = parser_problem::instead_of(buffer, &this.desk).map(|answer| (answer, 0));
        }
        let Some((answer, written)) = &mut this.replacement else {
            return this.transport.poll_write(context, buffer);
        };
        while *written < answer.len() {
            match ready!(this.transport.poll_write(context, &answer[*written..]))? {
                0 => return Poll::Ready(Ok(0)),
                more => *written += more,
            }
        }
        this.replacement = None;
        Poll::Ready(Ok(buffer.len()))
    }

    /// actix-http flushes when all of its buffer was accepted.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.open_requests.count.get() == 0 {
            self.open_requests.all_written.set(true);
        }
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(context),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

impl Transport {
    fn poll_write(&mut self, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Transport::Plain(stream) => Pin::new(stream).poll_write(context, buffer),
            Transport::Tls(stream) => Pin::new(stream).poll_write(context, buffer),
        }
    }
}
