//! Minimal blocking HTTP/1.1 client (keep-alive) and server: the load generator shares two cores with the server, so it must be light.
use anyhow::{Context, Result, bail};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

pub struct Client {
    host: String,
    prefix: String,
    conn: Option<BufReader<TcpStream>>,
}
impl Client {
    pub fn new(url: &str) -> Result<Client> {
        let u = url.strip_prefix("http://").context("only http:// URLs")?;
        let (host, path) = u.split_once('/').unwrap_or((u, ""));
        Ok(Client {
            host: host.into(),
            prefix: if path.is_empty() {
                String::new()
            } else {
                format!("/{}", path.trim_end_matches('/'))
            },
            conn: None,
        })
    }
    pub fn get(&mut self, path: &str) -> Result<(u16, Vec<u8>)> {
        self.request("GET", path, "", &[])
    }
    pub fn form(&mut self, path: &str, kv: &[(&str, &str)]) -> Result<(u16, Vec<u8>)> {
        let b = kv.iter().map(|(k, v)| format!("{k}={}", enc(v))).collect::<Vec<_>>().join("&");
        self.request(
            "POST",
            path,
            "Content-Type: application/x-www-form-urlencoded\r\n",
            b.as_bytes(),
        )
    }
    pub fn remote_write(&mut self, path: &str, snappy: &[u8]) -> Result<(u16, Vec<u8>)> {
        self.request("POST", path, "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\n", snappy)
    }
    fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Result<(u16, Vec<u8>)> {
        let reused = self.conn.is_some();
        match self.try_request(method, path, headers, body) {
            Err(_) if reused => {
                self.conn = None;
                self.try_request(method, path, headers, body)
            }
            r => r,
        }
        .inspect_err(|_| self.conn = None)
    }
    fn try_request(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Result<(u16, Vec<u8>)> {
        if self.conn.is_none() {
            let s = TcpStream::connect(&self.host)?;
            s.set_nodelay(true)?;
            s.set_read_timeout(Some(Duration::from_secs(600)))?;
            self.conn = Some(BufReader::with_capacity(1 << 16, s));
        }
        let r = self.conn.as_mut().unwrap();
        let mut out = Vec::with_capacity(body.len() + 300);
        write!(
            out,
            "{method} {}{path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n{headers}\r\n",
            self.prefix,
            self.host,
            body.len()
        )?;
        out.extend_from_slice(body);
        r.get_mut().write_all(&out)?;
        let mut line = String::new();
        if r.read_line(&mut line)? == 0 {
            bail!("connection closed")
        }
        let status: u16 = line.split(' ').nth(1).context("status line")?.parse()?;
        let h = read_headers(r)?;
        let mut b = Vec::new();
        if h.chunked {
            loop {
                line.clear();
                r.read_line(&mut line)?;
                let n = usize::from_str_radix(line.trim().split(';').next().unwrap_or(""), 16)
                    .context("chunk size")?;
                let at = b.len();
                b.resize(at + n, 0);
                r.read_exact(&mut b[at..])?;
                line.clear();
                r.read_line(&mut line)?;
                if n == 0 {
                    break;
                }
            }
        } else if let Some(n) = h.len {
            b.resize(n, 0);
            r.read_exact(&mut b)?;
        } else if status != 204 && status != 304 {
            r.read_to_end(&mut b)?;
            self.conn = None;
            return Ok((status, b));
        }
        if h.close {
            self.conn = None
        }
        Ok((status, b))
    }
}

struct Headers {
    len: Option<usize>,
    chunked: bool,
    close: bool,
}
fn read_headers(r: &mut impl BufRead) -> Result<Headers> {
    let (mut h, mut line) = (Headers { len: None, chunked: false, close: false }, String::new());
    loop {
        line.clear();
        if r.read_line(&mut line)? == 0 {
            bail!("eof in headers")
        }
        let l = line.trim_end().to_ascii_lowercase();
        if l.is_empty() {
            return Ok(h);
        }
        if let Some(v) = l.strip_prefix("content-length:") {
            h.len = v.trim().parse().ok()
        }
        if l.starts_with("transfer-encoding:") && l.contains("chunked") {
            h.chunked = true
        }
        if l.starts_with("connection:") && l.contains("close") {
            h.close = true
        }
    }
}
/// Percent-encode a query value.
pub fn enc(s: &str) -> String {
    s.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
                (b as char).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}
/// Tiny keep-alive server, a thread per connection; `f(path, body)` returns (status, body).
pub fn serve(l: TcpListener, f: impl Fn(&str, &[u8]) -> (u16, String) + Send + Sync + 'static) {
    let f = std::sync::Arc::new(f);
    std::thread::spawn(move || {
        for s in l.incoming().flatten() {
            let f = f.clone();
            std::thread::spawn(move || -> Result<()> {
                s.set_nodelay(true)?;
                let (mut r, mut body, mut line) =
                    (BufReader::with_capacity(1 << 17, s), Vec::new(), String::new());
                loop {
                    line.clear();
                    if r.read_line(&mut line)? == 0 {
                        return Ok(());
                    }
                    let path = line.split(' ').nth(1).unwrap_or("/").to_string();
                    let h = read_headers(&mut r)?;
                    body.resize(h.len.unwrap_or(0), 0);
                    r.read_exact(&mut body)?;
                    let (st, out) = f(&path, &body);
                    r.get_mut().write_all(format!("HTTP/1.1 {st} X\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{out}", out.len()).as_bytes())?;
                }
            });
        }
    });
}
