//! A target's URL, escaped as Go's `net/url` does it.

use super::{ADDRESS, PARAM, PATH, SCHEME, TargetProblem};
use crate::{Job, LabelSet};

/// `scheme://address/path?params`.
pub(super) fn of(job: &Job, labels: &LabelSet) -> Result<String, TargetProblem> {
    let scheme = labels.get(SCHEME);
    if !matches!(scheme, "http" | "https") {
        return Err(TargetProblem::Scheme(scheme.into()));
    }
    let address = labels.get(ADDRESS);
    let host = |c: char| c.is_alphanumeric() || "-._~:[]%".contains(c);
    if !address.chars().all(host) {
        return Err(TargetProblem::Address(address.into()));
    }
    let mut url = format!("{scheme}://{address}");
    let path = labels.get(PATH);
    if !path.is_empty() && !path.starts_with('/') {
        url.push('/');
    }
    url.push_str(&encode_path(path));
    let params = params(job, labels);
    for (at, (name, value)) in params.iter().enumerate() {
        url.push(if at == 0 { '?' } else { '&' });
        url.push_str(&encode_query(name));
        url.push('=');
        url.push_str(&encode_query(value));
    }
    Ok(url)
}

/// The job's parameters, their first values as `__param_…` labels have them, sorted by name.
fn params(job: &Job, labels: &LabelSet) -> Vec<(String, String)> {
    let mut params: Vec<(String, Vec<String>)> = job
        .params
        .iter()
        .map(|(name, values)| (name.to_string(), values.iter().map(ToString::to_string).collect()))
        .collect();
    for (name, value) in labels.iter() {
        let Some(name) = name.strip_prefix(PARAM) else { continue };
        match params.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => match values.first_mut() {
                Some(first) => value.clone_into(first),
                None => values.push(value.to_owned()),
            },
            None => params.push((name.to_owned(), vec![value.to_owned()])),
        }
    }
    params.sort_by(|a, b| a.0.cmp(&b.0));
    params
        .into_iter()
        .flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)))
        .collect()
}

/// The path of a URL; `?` and `#` are escaped, `/` is not.
pub fn encode_path(path: &str) -> String {
    encode(path, b"-_.~$&+,/:;=@", false)
}

/// A name or value in a query.
pub fn encode_query(text: &str) -> String {
    encode(text, b"-_.~", true)
}

fn encode(text: &str, plain: &[u8], plus: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' if plus => out.push('+'),
            _ if byte.is_ascii_alphanumeric() || plain.contains(&byte) => {
                out.push(char::from(byte))
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
