//! Who emitted a record.

use crate::{Attributes, Labels};

/// The emitter's identity, normalised from OpenTelemetry's resource attributes, and all that it said of itself.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Resource {
    /// `service.name`; `unknown_service` when absent.
    pub service: Box<str>,
    /// `service.version`; empty when absent.
    pub version: Box<str>,
    /// `deployment.environment.name` or its old name `deployment.environment`; empty when absent.
    pub environment: Box<str>,
    /// `service.instance.id`, else the pod's or the host's name; empty when absent.
    pub instance: Box<str>,
    /// All attributes as they came, those of the identity included.
    pub attributes: Attributes,
    pub dropped_attributes: u32,
    pub schema_url: Box<str>,
}

/// The library that emitted a record (OpenTelemetry's instrumentation scope).
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Scope {
    pub name: Box<str>,
    pub version: Box<str>,
    pub schema_url: Box<str>,
    pub attributes: Attributes,
    pub dropped_attributes: u32,
}

/// Whether two names may mean one environment: they are equal, or one of them is empty because nobody named it.
pub fn same_environment(one: &str, other: &str) -> bool {
    one == other || one.is_empty() || other.is_empty()
}

/// ` in prod`, or nothing where nobody names an environment.
pub fn in_environment(environment: &str) -> String {
    if environment.is_empty() { String::new() } else { format!(" in {environment}") }
}

/// Who emitted a series, as its labels say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emitter<'a> {
    pub service: &'a str,
    /// Empty when no label says.
    pub version: &'a str,
    /// Empty when no label says.
    pub environment: &'a str,
    /// Empty when no label says.
    pub instance: &'a str,
}

/// The labels that say what a resource attribute says, for series that came without one; the first that is there wins.
const SERVICE: &[&str] = &["service_name", "service", "job"];
const VERSION: &[&str] = &["service_version", "version"];
const ENVIRONMENT: &[&str] =
    &["deployment_environment_name", "deployment_environment", "environment", "env"];
const INSTANCE: &[&str] = &["service_instance_id", "instance", "pod"];

impl<'a> Emitter<'a> {
    /// `None` when no label names a service.
    pub fn of(labels: &'a Labels) -> Option<Self> {
        let first = |names: &[&str]| {
            names.iter().find_map(|name| labels.get(name)).filter(|value| !value.is_empty())
        };
        // OpenTelemetry's `job` is `namespace/service`.
        let service = first(SERVICE)?;
        Some(Self {
            service: service.rsplit('/').next().unwrap_or(service),
            version: first(VERSION).unwrap_or_default(),
            environment: first(ENVIRONMENT).unwrap_or_default(),
            instance: first(INSTANCE).unwrap_or_default(),
        })
    }
}
