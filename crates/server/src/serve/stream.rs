//! A socket that tells the connection's activity about its bytes, and closes without losing the last answer.

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
    time::{Instant, Sleep, sleep},
};

use super::activity::Activity;

/// How long what nobody reads is taken in before a close, all in all and without a byte.
const LINGER_MAX: Duration = Duration::from_secs(10);
const LINGER_SILENCE_MAX: Duration = Duration::from_secs(2);
/// How much of it is taken in.
const LINGER_BYTES_MAX: usize = 256 << 20;

#[derive(Debug)]
pub(super) struct Watched {
    stream: TcpStream,
    activity: Activity,
    linger: Option<Linger>,
}

/// A close that waits for the peer: a socket closed with unread bytes in it is reset, and takes our answer with it.
#[derive(Debug)]
struct Linger {
    ends: Instant,
    silence: Pin<Box<Sleep>>,
    bytes: usize,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, activity: Activity) -> Self {
        Self { stream, activity, linger: None }
    }

    /// Reads and drops what still comes, until the peer closes or a limit is met.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let linger = self.linger.get_or_insert_with(|| Linger {
            ends: Instant::now() + LINGER_MAX,
            silence: Box::pin(sleep(LINGER_SILENCE_MAX)),
            bytes: 0,
        });
        let mut space = [0; 16 << 10];
        // A few reads at a time, so that a fast peer does not hold this thread.
        for _ in 0..16 {
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return linger.silence.as_mut().poll(cx),
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(())) => linger.bytes += buffer.filled().len(),
            }
            let now = Instant::now();
            if buffer.filled().is_empty() || linger.bytes > LINGER_BYTES_MAX || now >= linger.ends {
                return Poll::Ready(());
            }
            linger.silence.as_mut().reset((now + LINGER_SILENCE_MAX).min(linger.ends));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn note(&self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Pending => self.activity.blocked(Instant::now()),
            Poll::Ready(Ok(bytes)) => self.activity.wrote(*bytes, Instant::now()),
            Poll::Ready(Err(_)) => {}
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if let Some(bytes) = buffer.filled().get(before..)
            && !bytes.is_empty()
        {
            self.activity.read(bytes, Instant::now());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            if !self.activity.expects_input() {
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_linger(cx).map(Ok)
    }
}
