//! Who emitted a record.

use crate::Attributes;

/// The emitter's identity, normalised from OpenTelemetry's resource attributes, and the rest of them.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Resource {
    /// `service.name`, with `service.namespace` left in `attributes`; `unknown_service` when absent.
    pub service: Box<str>,
    /// `service.version`; empty when absent.
    pub version: Box<str>,
    /// `deployment.environment.name` or its old name `deployment.environment`; empty when absent.
    pub environment: Box<str>,
    /// `service.instance.id`, else the pod's or the host's name; empty when absent.
    pub instance: Box<str>,
    /// All other attributes.
    pub attributes: Attributes,
}

/// Whether two names may mean one environment: they are equal, or one of them is empty because nobody named it.
pub fn same_environment(one: &str, other: &str) -> bool {
    one == other || one.is_empty() || other.is_empty()
}
