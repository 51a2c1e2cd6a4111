//! What Prometheus and Alertmanager configurations call the settings of TLS (prometheus/common `TLSConfig`).

/// Names of the settings: three ways each to give the authority, the certificate and the key come first.
pub(super) const FIELDS: [&str; 13] = [
    "ca",
    "ca_file",
    "ca_ref",
    "cert",
    "cert_file",
    "cert_ref",
    "key",
    "key_file",
    "key_ref",
    "server_name",
    "insecure_skip_verify",
    "min_version",
    "max_version",
];

/// Versions, in their order.
pub(super) const VERSIONS: [(&str, i32); 4] =
    [("TLS10", 0), ("TLS11", 1), ("TLS12", 2), ("TLS13", 3)];
