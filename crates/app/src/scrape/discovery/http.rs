//! `http_sd_configs`: a URL that answers with JSON groups.

use std::{sync::Arc, time::Duration};

use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use scrape::{Group, config::HttpClient};

use super::{Looker, pause};
use crate::{
    control::chain,
    files::scrape::groups,
    scrape::fetch::{self, Clients, FetchError, Room},
};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an answer.
const BODY_BYTES_MAX: u64 = 64 << 20;

pub(super) async fn look(looker: Looker, url: &str, refresh: Duration, client: HttpClient) {
    let clients = Clients::new(client);
    let mut last: Vec<Group> = Vec::new();
    loop {
        let error = match ask(&looker, &clients, url, refresh).await {
            Ok(groups) => {
                last = groups;
                None
            }
            Err(error) => {
                tracing::warn!(
                    error,
                    "a discovery over HTTP failed; the targets found before stay"
                );
                Some(Arc::from(error))
            }
        };
        if !looker.say(last.clone(), error).await {
            return;
        }
        pause(refresh).await;
    }
}

async fn ask(
    looker: &Looker,
    clients: &Clients,
    url: &str,
    refresh: Duration,
) -> Result<Vec<Group>, String> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    let seconds = HeaderValue::from_str(&refresh.as_secs_f64().to_string());
    if let Ok(seconds) = seconds {
        let name = HeaderName::from_static("x-prometheus-refresh-interval-seconds");
        headers.insert(name, seconds);
    }
    let budget = Arc::clone(&looker.tools.budget);
    let room = Room { limit: BODY_BYTES_MAX, setting: "discovery over HTTP", budget };
    let fetch = fetch::get(clients, url, &headers, room);
    let answer = tokio::time::timeout(TIMEOUT, fetch)
        .await
        .unwrap_or(Err(FetchError::Timeout(TIMEOUT)))
        .map_err(|error| chain(&error))?;
    let kind = answer.content_type.unwrap_or_default();
    let media = kind.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        return Err(format!("unsupported content type `{kind}`; `application/json` is read"));
    }
    let mut found = groups::from_json(&without_password(url), answer.body.bytes())
        .map_err(|error| chain(&error))?;
    let shown = without_password(url);
    for group in &mut found {
        group.labels.set("__meta_url", &shown);
    }
    Ok(found)
}

/// Labels are seen by everybody.
fn without_password(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else { return text.to_owned() };
    if url.password().is_some() && url.set_password(Some("xxxxx")).is_ok() {
        url.into()
    } else {
        text.to_owned()
    }
}
