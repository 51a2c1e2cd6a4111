//! Requests whose every byte is chosen, and whether their answers are clear.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::Right;

const PATIENCE: Duration = Duration::from_secs(30);
/// Of an answer: more is not looked at.
const ANSWER_BYTES_MAX: usize = 4 << 20;

#[derive(Clone, Debug)]
pub(super) struct Sender {
    to: String,
}

#[derive(Debug, Default)]
pub(super) struct Answer {
    /// 0 where there was none.
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Sender {
    pub(super) fn new(url: &str) -> Self {
        Self { to: url.trim_start_matches("http://").to_owned() }
    }

    /// One request on a connection of its own, with the length of its body.
    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.to);
        if !headers.iter().any(|(name, _)| *name == "content-length") {
            head += &format!("content-length: {}\r\n", body.len());
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        self.raw(&[head.as_bytes(), body].concat()).await
    }

    /// Bytes as they are.
    pub(super) async fn raw(&self, request: &[u8]) -> Answer {
        let Ok(mut stream) = TcpStream::connect(&self.to).await else { return Answer::default() };
        let (mut read, mut write) = stream.split();
        let mut answer = Vec::new();
        let sending = async {
            // The server may answer, and close, before it has read everything.
            drop(write.write_all(request).await);
        };
        let reading = async {
            while answer.len() < ANSWER_BYTES_MAX {
                match read.read_buf(&mut answer).await {
                    Ok(read) if read > 0 => {}
                    _ => break,
                }
                // A stream of events has no end.
                if String::from_utf8_lossy(&answer).contains("text/event-stream") {
                    break;
                }
            }
        };
        let whole = timeout(PATIENCE, async { tokio::join!(sending, reading) }).await;
        if whole.is_err() { Answer::default() } else { parse(&answer) }
    }
}

fn parse(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(answer.len());
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head, body: answer.get(end + 4..).unwrap_or_default().to_vec() }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// Why it is not right.
    pub(super) fn check(&self, right: Right) -> Result<(), String> {
        let shown = || {
            let text: String = String::from_utf8_lossy(&self.body).chars().take(160).collect();
            format!("{} {text}", self.status)
        };
        match self.status {
            0 => Err("there is no answer".to_owned()),
            200..400 if right == Right::Clear => Ok(()),
            200..400 => Err(format!("it is taken: {}", shown())),
            503 if self.is_without_pages() || self.is_switched_off() => Ok(()),
            503 if self.header("retry-after").is_none() => {
                Err(format!("no `Retry-After`: {}", shown()))
            }
            400..500 | 503 if self.says_why() => Ok(()),
            400..500 | 503 => Err(format!("it does not say why: {}", shown())),
            _ => Err(shown()),
        }
    }

    /// What the configuration has not switched on says so, in Prometheus' words.
    fn is_switched_off(&self) -> bool {
        String::from_utf8_lossy(&self.body).contains("admin APIs disabled")
    }

    /// A build without the browser application says how to build it.
    fn is_without_pages(&self) -> bool {
        String::from_utf8_lossy(&self.body).contains("This build has no web application")
    }

    /// hyper itself refuses what is no HTTP, and has no words for it.
    fn says_why(&self) -> bool {
        let Some(kind) = self.header("content-type") else {
            return matches!(self.status, 400 | 414 | 431);
        };
        let text = String::from_utf8_lossy(&self.body);
        match kind {
            "application/problem+json" => text.contains("\"detail\":\""),
            "application/json" => text.contains("\"error\":\"") || text.contains("\"message\":\""),
            _ => !text.trim().is_empty(),
        }
    }
}
