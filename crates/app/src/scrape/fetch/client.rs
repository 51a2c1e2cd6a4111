//! HTTP clients by their configuration: TLS, proxies, kept connections.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use parking_lot::Mutex;
use reqwest::{
    Certificate, Client, Identity, NoProxy, Proxy, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{self, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
    tls,
};
use scrape::config::{self, HttpClient, Material, TlsVersion};
use url::Url;

use super::{FetchError, USER_AGENT, material, without_url};
use crate::control::chain;

/// How long an idle connection is kept: longer than most intervals.
const IDLE: Duration = Duration::from_secs(300);
/// Idle connections to one host.
const IDLE_MAX: usize = 2;
/// How long the files of a client's certificates are trusted to be as they were.
const FILES_FRESH: Duration = Duration::from_secs(10);
/// Clients of one configuration, of which there is one a host where `server_name` is set.
const CLIENTS_MAX: usize = 10_000;

/// The clients of one configuration.
#[derive(Debug)]
pub(crate) struct Clients {
    config: HttpClient,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What the files of certificates held, and when that was last looked at.
    files: Option<(Arc<Files>, tokio::time::Instant)>,
    /// By the host that is asked; without `server_name` there is one for all.
    clients: BTreeMap<String, Client>,
}

/// What a client's certificates are, PEM.
#[derive(Debug, Default, PartialEq, Eq)]
struct Files {
    ca: Option<String>,
    /// The key, then the certificate.
    identity: Option<String>,
}

impl Clients {
    pub(crate) fn new(config: HttpClient) -> Arc<Self> {
        Arc::new(Self { config, state: Mutex::default() })
    }

    pub(crate) fn config(&self) -> &HttpClient {
        &self.config
    }

    /// Sends a GET; follows no redirect.
    pub(super) async fn send(&self, url: &Url, headers: HeaderMap) -> Result<Response, FetchError> {
        let (client, url, host) = self.client(url).await?;
        let mut request = client.get(url).headers(headers);
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        request.send().await.map_err(without_url)
    }

    /// The client for a URL; with `server_name` the URL names that, the client leads to the real host, and the header `Host` says it.
    async fn client(&self, url: &Url) -> Result<(Client, Url, Option<String>), FetchError> {
        let files = self.files().await?;
        let named = self.config.tls.server_name.as_deref().filter(|_| url.scheme() == "https");
        let key = named.and(url.host_str()).unwrap_or_default().to_owned();
        let known = self.state.lock().clients.get(&key).cloned();
        let client = match known {
            Some(client) => client,
            None => {
                let client = self.build(&files, named.map(|_| key.clone()))?;
                let mut state = self.state.lock();
                if state.clients.len() >= CLIENTS_MAX {
                    state.clients.clear();
                }
                state.clients.insert(key, client.clone());
                client
            }
        };
        let Some(name) = named else { return Ok((client, url.clone(), None)) };
        let authority = match (url.host_str().unwrap_or_default(), url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        let mut renamed = url.clone();
        renamed
            .set_host(Some(name))
            .map_err(|_| FetchError::Client("`server_name` is not a host's name".to_owned()))?;
        Ok((client, renamed, Some(authority)))
    }

    /// The certificates as their files hold them now; clients made of others are forgotten.
    async fn files(&self) -> Result<Arc<Files>, FetchError> {
        let fresh = self.state.lock().files.clone();
        let tls = &self.config.tls;
        if let Some((files, at)) = &fresh
            && (at.elapsed() < FILES_FRESH || !has_files(tls))
        {
            return Ok(Arc::clone(files));
        }
        let read = async |one: &Option<Material>| match one {
            Some(found) => material(found).await.map(|text| Some(text + "\n")),
            None => Ok(None),
        };
        let identity = read(&tls.key).await?.zip(read(&tls.cert).await?);
        let files =
            Files { ca: read(&tls.ca).await?, identity: identity.map(|(key, cert)| key + &cert) };
        let files = Arc::new(files);
        let mut state = self.state.lock();
        if fresh.is_some_and(|(before, _)| before != files) {
            state.clients.clear();
        }
        state.files = Some((Arc::clone(&files), tokio::time::Instant::now()));
        Ok(files)
    }

    fn build(&self, files: &Files, leads_to: Option<String>) -> Result<Client, FetchError> {
        let text = |error: reqwest::Error| FetchError::Client(chain(&error));
        let mut builder = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_MAX)
            .http1_only()
            .referer(false);
        let tls = &self.config.tls;
        if let Some(ca) = &files.ca {
            let ca = Certificate::from_pem_bundle(ca.as_bytes()).map_err(text)?;
            if ca.is_empty() {
                return Err(FetchError::Client("`ca` holds no certificate".to_owned()));
            }
            builder = builder.tls_certs_only(ca);
        }
        if let Some(identity) = &files.identity {
            builder = builder.identity(Identity::from_pem(identity.as_bytes()).map_err(text)?);
        }
        if tls.insecure {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        if let Some(version) = tls.min {
            builder = builder.tls_version_min(version_of(version));
        }
        if let Some(version) = tls.max {
            builder = builder.tls_version_max(version_of(version));
        }
        if let Some(host) = leads_to {
            builder = builder.dns_resolver(Arc::new(LeadsTo(host.into())));
        }
        match &self.config.proxy {
            config::Proxy::None => builder = builder.no_proxy(),
            // That is what a client does by itself.
            config::Proxy::Environment { .. } => {}
            config::Proxy::Url { url, except, headers } => {
                let mut proxy = Proxy::all(url.expose()).map_err(text)?;
                proxy = proxy.no_proxy(NoProxy::from_string(except));
                let mut map = HeaderMap::new();
                for (name, value) in headers
                    .iter()
                    .flat_map(|(name, values)| values.iter().map(move |value| (name, value)))
                {
                    let Material::Inline(value) = value else { continue };
                    let what = "a header for the proxy";
                    let name = HeaderName::from_bytes(name.as_bytes())
                        .map_err(|_| FetchError::Header { what })?;
                    let value = HeaderValue::from_str(value.expose())
                        .map_err(|_| FetchError::Header { what })?;
                    map.append(name, value);
                }
                builder = builder.proxy(proxy.headers(map));
            }
        }
        builder.build().map_err(text)
    }
}

fn has_files(tls: &config::Tls) -> bool {
    [&tls.ca, &tls.cert, &tls.key].into_iter().flatten().any(|one| matches!(one, Material::File(_)))
}

fn version_of(version: TlsVersion) -> tls::Version {
    match version {
        TlsVersion::V12 => tls::Version::TLS_1_2,
        TlsVersion::V13 => tls::Version::TLS_1_3,
    }
}

/// Resolves any name to one host's addresses: the name is the one that the certificate must have.
#[derive(Debug)]
struct LeadsTo(Arc<str>);

impl Resolve for LeadsTo {
    fn resolve(&self, _: Name) -> Resolving {
        let host = Arc::clone(&self.0);
        Box::pin(async move {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            let found: Vec<SocketAddr> = tokio::net::lookup_host((bare, 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
