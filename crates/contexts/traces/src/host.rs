//! Which clock a span's times were read from.

use model::{Resource, Value, value::attribute};

/// What names a host, the surest first; containers on one host share its clock.
const KEYS: [&str; 4] = ["host.id", "host.ip", "host.name", "k8s.node.name"];

/// The host whose clock stamped the spans of this resource, else the instance; `None` when neither is named.
///
/// Of an array (`host.ip`) the first text counts.
pub fn host(resource: &Resource) -> Option<&str> {
    KEYS.iter()
        .filter_map(|key| text(attribute(&resource.attributes, key)?))
        .chain([&*resource.instance])
        .find(|name| !name.is_empty())
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Array(values) => values.first().and_then(Value::as_str),
        _ => value.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(attributes: Vec<(&str, Value)>, instance: &str, expected: Option<&str>) {
        let attributes =
            attributes.into_iter().map(|(key, value)| (key.into(), value)).collect::<Vec<_>>();
        let resource = Resource { attributes, instance: instance.into(), ..Resource::default() };
        assert_eq!(host(&resource), expected);
    }

    #[test]
    fn the_surest_name_of_a_host_counts() {
        let ips = |ips: &[&str]| Value::Array(ips.iter().map(|ip| Value::string(*ip)).collect());
        let name = || ("host.name", Value::string("web-1"));
        check(vec![name(), ("host.id", Value::string("h-9"))], "pod-1", Some("h-9"));
        check(vec![("host.ip", Value::string("10.0.0.7"))], "", Some("10.0.0.7"));
        check(vec![("host.ip", ips(&["10.0.0.7", "10.0.0.8"])), name()], "", Some("10.0.0.7"));
        check(vec![("host.ip", ips(&[])), name()], "", Some("web-1"));
        check(vec![("host.ip", ips(&[]))], "", None);
        check(vec![("host.name", Value::string(""))], "pod-1", Some("pod-1"));
        check(vec![("service.namespace", Value::string("shop"))], "", None);
    }
}
