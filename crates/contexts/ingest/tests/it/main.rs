//! Redaction and limits seen from outside: secrets planted wherever telemetry has a place for them.

mod clean;
mod limits;
mod places;
mod policy;
mod property;
mod support;
mod vendors;
