//! `label_limit`, `label_name_length_limit` and `label_value_length_limit`.

use model::Labels;

use crate::{LabelSet, config::JobLimits};

/// Which label is too much; a name or value is quoted up to 50 characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelLimitError {
    #[error("label_limit exceeded (metric: {metric}, number of labels: {have}, limit: {limit})")]
    Count { metric: Box<str>, have: u64, limit: u64 },
    #[error(
        "label_name_length_limit exceeded (metric: {metric}, label name: {name}, length: {have}, limit: {limit})"
    )]
    Name { metric: Box<str>, name: Box<str>, have: u64, limit: u64 },
    #[error(
        "label_value_length_limit exceeded (metric: {metric}, label name: {name}, value: {value}, length: {have}, limit: {limit})"
    )]
    Value { metric: Box<str>, name: Box<str>, value: Box<str>, have: u64, limit: u64 },
}

pub(super) fn check(labels: &LabelSet, limits: &JobLimits) -> Result<(), LabelLimitError> {
    let metric = || short(labels.get(Labels::METRIC_NAME));
    let (have, limit) = (labels.len() as u64, limits.labels);
    if limit > 0 && have > limit {
        return Err(LabelLimitError::Count { metric: metric(), have, limit });
    }
    if limits.label_name_bytes == 0 && limits.label_value_bytes == 0 {
        return Ok(());
    }
    for (name, value) in labels.iter() {
        let (have, limit) = (name.len() as u64, limits.label_name_bytes);
        if limit > 0 && have > limit {
            return Err(LabelLimitError::Name { metric: metric(), name: short(name), have, limit });
        }
        let (have, limit) = (value.len() as u64, limits.label_value_bytes);
        if limit > 0 && have > limit {
            let (name, value) = (short(name), short(value));
            return Err(LabelLimitError::Value { metric: metric(), name, value, have, limit });
        }
    }
    Ok(())
}

fn short(text: &str) -> Box<str> {
    text.chars().take(50).collect()
}
