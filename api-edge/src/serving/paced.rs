//! A socket whose other end can neither keep silent at first nor leave what it asked for unread.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};

/// What a connection of HTTP/2 begins with. Until it is told from HTTP/1, nobody else counts the time.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Breaks off where the client takes too long to say what it speaks, or to read on.
pub struct Paced {
    stream: TcpStream,
    opening: Option<Opening>,
    /// How long an answer may lie unread.
    unread: Duration,
    stuck: Option<Pin<Box<Sleep>>>,
}

/// The client has sent so many bytes of the preface, and nothing else.
struct Opening {
    sent: usize,
    deadline: Pin<Box<Sleep>>,
}

impl Paced {
    pub fn new(stream: TcpStream, opening: Duration, unread: Duration) -> Self {
        let opening = Opening { sent: 0, deadline: Box::pin(tokio::time::sleep(opening)) };
        Self { stream, opening: Some(opening), unread, stuck: None }
    }

    fn heard(&mut self, bytes: &[u8]) {
        let Some(opening) = &mut self.opening else { return };
        let awaited = &PREFACE[opening.sent..];
        if bytes.len() < awaited.len() && awaited.starts_with(bytes) {
            opening.sent += bytes.len();
        } else {
            self.opening = None;
        }
    }

    fn written(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if result.is_ready() {
            self.stuck = None;
            return result;
        }
        let unread = self.unread;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep(unread)));
        ready!(stuck.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read its answers")))
    }
}

impl AsyncRead for Paced {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        match (&read, &mut this.opening) {
            (Poll::Ready(_), _) => this.heard(&buf.filled()[before..]),
            (Poll::Pending, Some(opening)) => {
                ready!(opening.deadline.as_mut().poll(cx));
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client began no request")));
            }
            (Poll::Pending, None) => {}
        }
        read
    }
}

impl AsyncWrite for Paced {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.written(cx, result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write_vectored(cx, bytes);
        this.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
