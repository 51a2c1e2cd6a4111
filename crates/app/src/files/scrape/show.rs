//! The configuration as YAML, with its secrets masked: what `/api/v1/status/config` shows.

use scrape::config::Secret;

use crate::files::yaml::{Node, Scalar, ScalarStyle, Value};

/// Fields whose text is a secret, wherever they stand.
const SECRETS: [&str; 22] = [
    "password",
    "credentials",
    "bearer_token",
    "secrets",
    "client_secret",
    "client_certificate_key",
    "token",
    "auth_token",
    "secret_key",
    "access_key",
    "key",
    "key_passphrase",
    "application_secret",
    "consumer_key",
    "private_key",
    "service_account_key",
    "certificate_key",
    "proxy_connect_header",
    "smtp_auth_password",
    "api_key",
    "account_key",
    "secret",
];

/// The tree in block style.
pub(super) fn masked(node: &Node) -> String {
    let mut out = String::new();
    write(node, 0, &mut out);
    out
}

fn write(node: &Node, indent: usize, out: &mut String) {
    match &node.value {
        Value::Scalar { text, style } => {
            scalar(text, *style, out);
            out.push('\n');
        }
        Value::Sequence(items) if items.is_empty() => out.push_str("[]\n"),
        Value::Sequence(items) => {
            for item in items {
                pad(indent, out);
                out.push_str("- ");
                nested(item, indent, out);
            }
        }
        Value::Mapping(entries) if entries.is_empty() => out.push_str("{}\n"),
        Value::Mapping(entries) => {
            for (key, value) in entries {
                pad(indent, out);
                entry(key, value, indent, out);
            }
        }
    }
}

/// What stands behind `- `: a mapping begins on the same line.
fn nested(item: &Node, indent: usize, out: &mut String) {
    match &item.value {
        Value::Mapping(entries) if !entries.is_empty() => {
            for (at, (key, value)) in entries.iter().enumerate() {
                if at > 0 {
                    pad(indent + 2, out);
                }
                entry(key, value, indent + 2, out);
            }
        }
        Value::Sequence(items) if !items.is_empty() => {
            out.push('\n');
            write(item, indent + 2, out);
        }
        _ => write(item, indent + 2, out),
    }
}

fn entry(key: &Node, value: &Node, indent: usize, out: &mut String) {
    let name = key.text().unwrap_or_default();
    if let Value::Scalar { text, style } = &key.value {
        scalar(text, *style, out);
    }
    out.push(':');
    if SECRETS.contains(&name) && !value.is_null() {
        out.push(' ');
        out.push_str(Secret::MASK);
        out.push('\n');
        return;
    }
    match &value.value {
        Value::Scalar { text, .. } => {
            out.push(' ');
            match without_password(text) {
                Some(text) => scalar(&text, ScalarStyle::DoubleQuoted, out),
                None => return write(value, indent, out),
            }
            out.push('\n');
        }
        Value::Sequence(items) if items.is_empty() => out.push_str(" []\n"),
        Value::Mapping(entries) if entries.is_empty() => out.push_str(" {}\n"),
        Value::Sequence(_) => {
            out.push('\n');
            write(value, indent, out);
        }
        Value::Mapping(_) => {
            out.push('\n');
            write(value, indent + 2, out);
        }
    }
}

/// A URL with a password, without it; `None` for any other text.
fn without_password(text: &str) -> Option<String> {
    let mut url = url::Url::parse(text).ok()?;
    url.password()?;
    url.set_password(Some("xxxxx")).ok()?;
    Some(url.into())
}

fn scalar(text: &str, style: ScalarStyle, out: &mut String) {
    let quoted = style != ScalarStyle::Plain;
    // A text that was quoted and would mean the same without quotes loses them.
    let plain = !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:$".contains(c))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '/')
        && !text.ends_with(':')
        && (!quoted || matches!(Scalar::resolve(text, ScalarStyle::Plain), Scalar::Text(_)));
    if plain || (!quoted && Scalar::resolve(text, style) == Scalar::Null) {
        out.push_str(if text.is_empty() { "null" } else { text });
        return;
    }
    // JSON's strings are YAML's double-quoted ones.
    out.push_str(&serde_json::Value::from(text).to_string());
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{problem::Report, yaml};

    #[test]
    fn secrets_are_masked_and_the_rest_reads_back() {
        let text = "a: 1\nb: ['x: y', [1, {c: d}], {}]\nbasic_auth: {username: u, password: \"s3cr\\net\"}\n\
                    proxy_url: http://u:s3cret@h/\nhttp_headers: {x: {secrets: [s3cret], values: [v]}}\nn: null\ne: ''\nq: '1'\n";
        let report = Report::new("f");
        let tree = yaml::parse(text.as_bytes(), &report).remove(0);
        let shown = masked(&tree);
        insta::assert_snapshot!(shown, @r#"
        a: 1
        b:
        - "x: y"
        - 
          - 1
          - c: d
        - {}
        basic_auth:
          username: u
          password: <secret>
        proxy_url: "http://u:xxxxx@h/"
        http_headers:
          x:
            secrets: <secret>
            values:
            - v
        n: null
        e: ""
        q: "1"
        "#);
        assert!(!shown.contains("s3cr"));
        let again = yaml::parse(shown.as_bytes(), &report).remove(0);
        assert_eq!(masked(&again), shown);
        assert!(report.into_problems().is_empty());
    }
}
