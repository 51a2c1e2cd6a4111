//! A target: a small HTTP server on loopback that answers as a test says, and remembers what it was asked.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) delay: Duration,
}

impl Answer {
    pub(crate) fn text(body: &str) -> Self {
        Self::of("text/plain; version=0.0.4", body.as_bytes().to_vec())
    }

    pub(crate) fn of(kind: &str, body: Vec<u8>) -> Self {
        let headers = vec![("Content-Type", kind.to_owned())];
        Self { status: "200 OK", headers, body, delay: Duration::ZERO }
    }

    pub(crate) fn status(status: &'static str) -> Self {
        Self { status, ..Self::text("") }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// What was asked: the request line's target, and the headers in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    /// Which connection it came on, counted from 0.
    pub(crate) connection: usize,
}

type Handler = dyn Fn(&Asked) -> Answer + Send + Sync;

/// A server that runs until it is dropped.
pub(crate) struct Exporter {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Exporter {
    pub(crate) async fn start(handler: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::with_tls(None, handler).await
    }

    pub(crate) async fn with_tls(
        tls: Option<rustls::ServerConfig>,
        handler: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let (seen, handler) = (Arc::clone(&asked), Arc::new(handler) as Arc<Handler>);
        let acceptor = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        let task = tokio::spawn(async move {
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (seen, handler, acceptor) =
                    (Arc::clone(&seen), Arc::clone(&handler), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, connection, &seen, &*handler).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, connection, &seen, &*handler).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, asked, task }
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    connection: usize,
    seen: &Mutex<Vec<Asked>>,
    handler: &Handler,
) {
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            let mut chunk = [0; 4096];
            match stream.read(&mut chunk).await {
                Ok(read) if read > 0 => buffer.extend_from_slice(&chunk[..read]),
                _ => return,
            }
        };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        buffer.drain(..end);
        let mut lines = head.split("\r\n");
        let path =
            lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or_default().to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let asked = Asked { path, headers, connection };
        let answer = handler(&asked);
        seen.lock().unwrap().push(asked);
        tokio::time::sleep(answer.delay).await;
        let mut text =
            format!("HTTP/1.1 {}\r\nContent-Length: {}\r\n", answer.status, answer.body.len());
        for (name, value) in &answer.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&answer.body);
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// A certificate authority of our own, and what it signed.
pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

/// A certificate and its key, PEM.
pub(crate) struct Signed {
    pub(crate) cert: String,
    pub(crate) key: String,
    der: (rustls::pki_types::CertificateDer<'static>, Vec<u8>),
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: rcgen::Issuer::new(params, key) }
    }

    pub(crate) fn sign(&self, name: &str) -> Signed {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        let der = (cert.der().clone(), key.serialize_der());
        Signed { cert: cert.pem(), key: key.serialize_pem(), der }
    }

    /// A server with a certificate for `name`; it asks for one of this authority's where `mutual`.
    pub(crate) fn server(&self, name: &str, mutual: bool) -> rustls::ServerConfig {
        let (cert, key) = self.sign(name).der;
        let builder = rustls::ServerConfig::builder();
        let builder = if mutual {
            let mut roots = rustls::RootCertStore::empty();
            use rustls::pki_types::pem::PemObject;
            roots
                .add(
                    rustls::pki_types::CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap(),
                )
                .unwrap();
            let verifier = rustls::server::WebPkiClientVerifier::builder(Arc::new(roots));
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
        builder.with_single_cert(vec![cert], key).unwrap()
    }
}
