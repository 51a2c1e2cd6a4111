//! Where pages go: remembers every page, when it came, and under which `webhook-id`.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::unix;

/// A page that came.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) id: String,
    /// Since 1970.
    pub(crate) at: Duration,
    pub(crate) body: String,
}

pub(crate) struct Receiver {
    address: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<Arrival>>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Arrival>>> = Arc::default();
        let all = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let all = Arc::clone(&all);
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    let mut chunk = [0; 8192];
                    while !whole(&request) {
                        match socket.read(&mut chunk).await {
                            Ok(read) if read > 0 => request.extend_from_slice(&chunk[..read]),
                            _ => return,
                        }
                    }
                    let text = String::from_utf8_lossy(&request);
                    if let (Some(id), Some((_, body))) =
                        (header(&text, "webhook-id"), text.split_once("\r\n\r\n"))
                    {
                        let (id, body) = (id.to_owned(), body.to_owned());
                        all.lock().unwrap().push(Arrival { id, at: unix(), body });
                    }
                    let answer =
                        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                    // A sender that was killed does not wait for the answer.
                    drop(socket.write_all(answer).await);
                });
            }
        });
        Self { address, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/page", self.address)
    }

    /// All that came, in order.
    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.seen.lock().unwrap().clone()
    }
}

fn header<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line =
        text.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        header(head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0_usize);
    body.len() >= length
}
