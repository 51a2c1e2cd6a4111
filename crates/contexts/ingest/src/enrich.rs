//! Who emitted a record: OpenTelemetry's resource attributes, normalised.

use std::sync::Arc;

use model::{Attributes, Resource, Value};

use crate::{Place, Work, limit};

/// The name of an emitter that gave none (OpenTelemetry semantic conventions).
pub const UNKNOWN_SERVICE: &str = "unknown_service";

const VERSION: &[&str] = &["service.version"];
const ENVIRONMENT: &[&str] = &["deployment.environment.name", "deployment.environment"];
const INSTANCE: &[&str] =
    &["service.instance.id", "k8s.pod.name", "host.name", "container.id", "host.id"];

/// Takes the identity out of the attributes; the instance's fall-backs stay among them, for they say more.
pub fn resource(mut attributes: Attributes, work: &mut Work<'_>) -> Arc<Resource> {
    limit::begin(work);
    work.redactor.attributes(&mut attributes, work.tally.redacted.at(Place::Resource));
    limit::attributes(&mut attributes, work);
    let service = take(&mut attributes, "service.name").unwrap_or_else(|| UNKNOWN_SERVICE.into());
    let version = VERSION.iter().find_map(|key| take(&mut attributes, key)).unwrap_or_default();
    let environment = ENVIRONMENT.iter().fold(None, |found: Option<Box<str>>, key| {
        let taken = take(&mut attributes, key);
        found.or(taken)
    });
    let instance = take(&mut attributes, INSTANCE[0]).or_else(|| {
        INSTANCE.iter().find_map(|key| text(model::value::attribute(&attributes, key)?))
    });
    Arc::new(Resource {
        service,
        version,
        environment: environment.unwrap_or_default(),
        instance: instance.unwrap_or_default(),
        attributes,
    })
}

fn take(attributes: &mut Attributes, key: &str) -> Option<Box<str>> {
    let at = attributes.iter().position(|(name, _)| name.as_ref() == key)?;
    text(&attributes.remove(at).1)
}

/// Some emitters send a version as a number.
fn text(value: &Value) -> Option<Box<str>> {
    let text = value.to_string();
    (!text.trim().is_empty()).then(|| text.trim().into())
}

#[cfg(test)]
mod tests {
    use model::{Limits, Timestamp};

    use super::*;
    use crate::Redactor;

    fn check(pairs: &[(&str, &str)]) -> String {
        let (limits, redactor) = (Limits::default(), Redactor::new());
        let mut work = Work::new(&limits, &redactor, Timestamp::EPOCH);
        let attributes =
            pairs.iter().map(|(key, value)| ((*key).into(), Value::string(*value))).collect();
        let r = resource(attributes, &mut work);
        let rest: Vec<_> =
            r.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        format!("{}|{}|{}|{}|{}", r.service, r.version, r.environment, r.instance, rest.join(","))
    }

    #[test]
    fn takes_the_identity_from_old_and_new_names() {
        assert_eq!(check(&[]), "unknown_service||||");
        assert_eq!(
            check(&[
                ("service.name", "cart"),
                ("service.namespace", "shop"),
                ("service.version", "1.9.0"),
                ("deployment.environment", "old"),
                ("deployment.environment.name", "prod"),
                ("service.instance.id", "a"),
                ("host.name", "h"),
            ]),
            "cart|1.9.0|prod|a|service.namespace=shop,host.name=h"
        );
        assert_eq!(
            check(&[("service.name", " "), ("k8s.pod.name", "p")]),
            "unknown_service|||p|k8s.pod.name=p"
        );
    }
}
