//! A connection of a client, with or without TLS.
//!
//! actix-http itself responds to a request whose head cannot be parsed (400), does not arrive in time (408) or is too
//! large (431): with an empty body, before any middleware. Those responses are replaced by problems when they are
//! written. They are recognized by the time of the write: while the application has no open request of this
//! connection, only the parser responds.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_http::error::PayloadError;
use actix_http::{HttpMessage, Payload, Request};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::{Bytes, Data};
use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_rustls::server::TlsStream;

use super::parser_problem;
use crate::http::desk::{Desk, Phase};

/// The transport of the bytes.
pub enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// The requests of one connection that the application is processing, from their head until the whole response is
/// encoded.
pub struct OpenRequests {
    count: Cell<usize>,
    /// Whether all responses of the application have been written.
    all_written: Cell<bool>,
    /// Whether a request was answered before the end of its body, so that the rest of the input is discarded.
    discards: Cell<bool>,
}

impl OpenRequests {
    fn new() -> Rc<Self> {
        Rc::new(OpenRequests {
            count: Cell::new(0),
            all_written: Cell::new(true),
            discards: Cell::new(false),
        })
    }

    /// Adds a request, until the guard is dropped.
    pub fn begin(self: &Rc<Self>) -> OpenRequest {
        self.count.set(self.count.get() + 1);
        self.all_written.set(false);
        OpenRequest(Rc::clone(self))
    }
}

/// One request that the application is processing.
pub struct OpenRequest(Rc<OpenRequests>);

impl OpenRequest {
    /// Marks that the request is answered before the end of its body: from now on the input is discarded, and the
    /// connection is closed.
    pub fn discard_rest(&self) {
        self.0.discards.set(true);
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.count.set(self.0.count.get().saturating_sub(1));
    }
}

/// The chunked body of a request.
pub struct RequestBody {
    payload: Payload,
    at_end: Rc<Cell<bool>>,
}

impl RequestBody {
    /// Wraps the body of the request; for a chunked body, returns a flag that is set once it was read to its end.
    pub fn watch(request: &mut Request) -> Option<Rc<Cell<bool>>> {
        if !request.chunked().unwrap_or(false) {
            return None;
        }
        let at_end = Rc::new(Cell::new(false));
        let body = RequestBody { payload: request.take_payload(), at_end: Rc::clone(&at_end) };
        *request.payload() = Payload::Stream { payload: Box::pin(body) };
        Some(at_end)
    }
}

impl Stream for RequestBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.payload).poll_next(context);
        if matches!(polled, Poll::Ready(None)) {
            self.at_end.set(true);
        }
        polled
    }
}

/// The body of a response; its request is open until the body is dropped.
pub struct AnswerBody {
    pub body: BoxBody,
    #[expect(dead_code, reason = "it ends when it is dropped")]
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

/// How long a client may take to read a response that was sent before the end of its request's body.
const DISCARD_TIME: Duration = Duration::from_secs(5);

/// How long a client may take nothing of what is sent.
const STALLED: Duration = Duration::from_secs(60);
/// How often a stalled connection is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// The number of bytes that are read before actix-http processes them. actix-http reads all available input, up to
/// 128 KiB, even after the response: with thousands of clients that send endlessly, its buffers would take hundreds
/// of megabytes.
const READ_AT_ONCE: usize = 8 * 1024;

pub struct Connection {
    transport: Transport,
    /// Bytes that were read since the input was last empty, or since the last pause.
    read: usize,
    open_requests: Rc<OpenRequests>,
    desk: Data<Desk>,
    /// The replacement of a response of the parser, and how much of it has been written.
    replacement: Option<(Vec<u8>, usize)>,
    /// When a connection that discards its input is closed.
    end: Option<Pin<Box<Sleep>>>,
    /// Since when the client takes nothing of what is sent, and when to look again.
    stalled: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Connection {
    pub fn new(transport: Transport, desk: Data<Desk>) -> Self {
        Connection {
            transport,
            read: 0,
            open_requests: OpenRequests::new(),
            desk,
            replacement: None,
            end: None,
            stalled: None,
        }
    }

    pub fn open_requests(&self) -> Rc<OpenRequests> {
        Rc::clone(&self.open_requests)
    }

    /// Waits while the client takes nothing; an error after `STALLED`, and within `LOOK` once the server stops.
    fn poll_stalled(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let (since, look) = self.stalled.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(LOOK))));
        while look.as_mut().poll(context).is_ready() {
            if since.elapsed() >= STALLED || self.desk.phase() == Phase::Stopping {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            look.as_mut().reset(Instant::now() + LOOK);
        }
        Poll::Pending
    }

    /// Discards the input, so that the client can read the response, and signals the end of the input to actix-http
    /// after `DISCARD_TIME`. actix-http would read a chunked body to its end, regardless of its length.
    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let end = self.end.get_or_insert_with(|| Box::pin(sleep(DISCARD_TIME)));
        if end.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut bytes = [0; 4096];
        for _ in 0..16 {
            let mut buffer = ReadBuf::new(&mut bytes);
            ready!(self.transport.poll_read(context, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
        // Yields to other connections.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.open_requests.discards.get() {
            return self.poll_discard(context);
        }
        if self.read >= READ_AT_ONCE {
            self.read = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let polled = self.transport.poll_read(context, buffer);
        self.read = if polled.is_ready() { self.read + (buffer.filled().len() - before) } else { 0 };
        polled
    }
}

impl AsyncWrite for Connection {
    /// actix-http writes from a buffer that is kept until all of it is accepted: a response of the parser is accepted
    /// once its replacement has been written.
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
            return match this.transport.poll_write(context, buffer) {
                Poll::Pending => this.poll_stalled(context).map(Err),
                written => {
                    this.stalled = None;
                    written
                }
            };
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

    /// actix-http flushes once all of its buffer was accepted.
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
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Transport::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Transport::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Transport::Plain(stream) => Pin::new(stream).poll_write(context, buffer),
            Transport::Tls(stream) => Pin::new(stream).poll_write(context, buffer),
        }
    }
}
