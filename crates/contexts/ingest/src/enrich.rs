//! Who emitted a record: OpenTelemetry's resource attributes, normalised.

use std::sync::Arc;

use model::{Resource, Scope, Value};

use crate::{Place, RawEmitter, Work, limit};

/// The name of an emitter that gave none (OpenTelemetry semantic conventions).
pub const UNKNOWN_SERVICE: &str = "unknown_service";

const SERVICE: &[&str] = &["service.name"];
const VERSION: &[&str] = &["service.version"];
const ENVIRONMENT: &[&str] = &["deployment.environment.name", "deployment.environment"];
const INSTANCE: &[&str] =
    &["service.instance.id", "k8s.pod.name", "host.name", "container.id", "host.id"];

/// The attributes that say who emits: they are told in fields and labels of their own.
pub(crate) fn is_identity(key: &str) -> bool {
    [SERVICE, VERSION, ENVIRONMENT].iter().any(|keys| keys.contains(&key)) || key == INSTANCE[0]
}

/// Reads the identity; the attributes are kept as they came.
pub(crate) fn resource(raw: RawEmitter, work: &mut Work<'_>) -> Arc<Resource> {
    let RawEmitter { mut attributes, mut dropped_attributes, mut schema_url } = raw;
    limit::begin(work);
    work.redactor.attributes(&mut attributes, work.tally.redacted.at(Place::Resource));
    dropped_attributes += limit::attributes(&mut attributes, work);
    schema(&mut schema_url, work);
    let first = |keys: &[&str]| {
        keys.iter().find_map(|key| text(model::value::attribute(&attributes, key)?))
    };
    Arc::new(Resource {
        service: first(SERVICE).unwrap_or_else(|| UNKNOWN_SERVICE.into()),
        version: first(VERSION).unwrap_or_default(),
        environment: first(ENVIRONMENT).unwrap_or_default(),
        instance: first(INSTANCE).unwrap_or_default(),
        attributes,
        dropped_attributes,
        schema_url,
    })
}

/// A library's scope, cleaned once for all records in a row that share it.
#[derive(Debug, Default)]
pub(crate) struct Scopes(Option<(Arc<Scope>, Arc<Scope>)>);

impl Scopes {
    pub(crate) fn clean(&mut self, raw: &Arc<Scope>, work: &mut Work<'_>) -> Arc<Scope> {
        if let Some((of, clean)) = &self.0
            && Arc::ptr_eq(of, raw)
        {
            return Arc::clone(clean);
        }
        limit::begin(work);
        let mut scope = Scope::clone(raw);
        for text in [&mut scope.name, &mut scope.version] {
            work.redactor.text(text, work.tally.redacted.at(Place::Scope));
            limit::text(text, work);
        }
        schema(&mut scope.schema_url, work);
        work.redactor.attributes(&mut scope.attributes, work.tally.redacted.at(Place::Scope));
        scope.dropped_attributes += limit::attributes(&mut scope.attributes, work);
        let clean = Arc::new(scope);
        self.0 = Some((Arc::clone(raw), Arc::clone(&clean)));
        clean
    }
}

fn schema(url: &mut Box<str>, work: &mut Work<'_>) {
    work.redactor.text(url, work.tally.redacted.at(Place::Scope));
    limit::text(url, work);
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
        let r = resource(RawEmitter { attributes, ..RawEmitter::default() }, &mut work);
        assert_eq!(r.attributes.len(), pairs.len(), "all are kept");
        format!("{}|{}|{}|{}", r.service, r.version, r.environment, r.instance)
    }

    #[test]
    fn reads_the_identity_from_old_and_new_names() {
        assert_eq!(check(&[]), "unknown_service|||");
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
            "cart|1.9.0|prod|a"
        );
        assert_eq!(check(&[("service.name", " "), ("k8s.pod.name", "p")]), "unknown_service|||p");
    }
}
