//! Who sends the series: services and their instances, counted.

use std::{collections::HashMap, sync::Arc};

use model::{Emitter, Labels};

/// The labels that an emitter or a service is known by.
const NAMED: &[&str] = &[
    "service_name",
    "service",
    "job",
    "service_version",
    "version",
    "deployment_environment_name",
    "deployment_environment",
    "environment",
    "env",
    "service_instance_id",
    "instance",
    "pod",
];

/// The service whose series these are: `service_name`, else `job`, else empty.
pub(crate) fn service(labels: &Labels) -> &str {
    labels.get("service_name").or_else(|| labels.get("job")).unwrap_or("")
}

#[derive(Debug)]
pub(crate) struct One {
    /// Those of the labels that say who it is.
    pub(crate) labels: Labels,
    pub(crate) service: u32,
    /// Whether its labels name a service, so that it is heard of.
    pub(crate) is_heard: bool,
}

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) name: Arc<str>,
    /// Series that count against the limits.
    pub(crate) active: usize,
}

/// Numbers are never given twice.
#[derive(Debug, Default)]
pub(crate) struct Emitters {
    all: Vec<One>,
    /// By the labels that say who it is, as [`push`] lays them out.
    numbers: HashMap<Box<[u8]>, u32>,
    /// The one that was found last, which is the likeliest to come again.
    last: (Vec<u8>, u32),
    buffer: Vec<u8>,
    services: Vec<Service>,
    service_numbers: HashMap<Arc<str>, u32>,
}

/// Appends a label if it is one of those that say who it is.
fn push(buffer: &mut Vec<u8>, name: &str, value: &str) {
    if let Some(number) = NAMED.iter().position(|named| *named == name) {
        buffer.push(u8::try_from(number).expect("they are few"));
        buffer.extend_from_slice(&value.len().to_le_bytes());
        buffer.extend_from_slice(value.as_bytes());
    }
}

impl Emitters {
    /// The number of who sends a series; `visit` shows its labels.
    pub(crate) fn of(&mut self, visit: impl Fn(&mut dyn FnMut(&str, &str))) -> u32 {
        let mut key = std::mem::take(&mut self.buffer);
        key.clear();
        visit(&mut |name, value| push(&mut key, name, value));
        let number = if key == self.last.0 && !self.all.is_empty() {
            self.last.1
        } else if let Some(number) = self.numbers.get(&*key) {
            *number
        } else {
            let mut named = Vec::new();
            visit(&mut |name, value| {
                if NAMED.contains(&name) {
                    named.push((name.to_owned(), value.to_owned()));
                }
            });
            self.add(&key, Labels::from_pairs(named))
        };
        self.last.0.clone_from(&key);
        self.last.1 = number;
        self.buffer = key;
        number
    }

    fn add(&mut self, key: &[u8], labels: Labels) -> u32 {
        let service = self.service(service(&labels));
        let number = u32::try_from(self.all.len()).expect("there are no more emitters than series");
        let is_heard = Emitter::of(&labels).is_some();
        self.all.push(One { labels, service, is_heard });
        self.numbers.insert(key.into(), number);
        number
    }

    fn service(&mut self, name: &str) -> u32 {
        if let Some(number) = self.service_numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.services.len()).expect("no more services than series");
        let name: Arc<str> = name.into();
        self.services.push(Service { name: Arc::clone(&name), active: 0 });
        self.service_numbers.insert(name, number);
        number
    }

    pub(crate) fn get(&self, emitter: u32) -> Option<&One> {
        self.all.get(usize::try_from(emitter).ok()?)
    }

    /// The service of an emitter, by number.
    pub(crate) fn service_of(&self, emitter: u32) -> u32 {
        self.get(emitter).map_or(0, |one| one.service)
    }

    pub(crate) fn service_mut(&mut self, emitter: u32) -> Option<&mut Service> {
        let service = usize::try_from(self.service_of(emitter)).ok()?;
        self.services.get_mut(service)
    }

    /// How many active series the service of this name has.
    pub(crate) fn active_of(&self, name: &str) -> usize {
        let number =
            self.service_numbers.get(name).and_then(|number| usize::try_from(*number).ok());
        number.and_then(|number| self.services.get(number)).map_or(0, |service| service.active)
    }

    pub(crate) fn number_of_service(&self, name: &str) -> Option<u32> {
        self.service_numbers.get(name).copied()
    }

    pub(crate) fn services(&self) -> &[Service] {
        &self.services
    }

    /// What they take in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        self.all.len() * 300 + self.services.len() * 100
    }
}
