//! A metric series' identity: sorted label pairs.

use std::{fmt, sync::Arc};

/// One name and value; the metric's name is the label `__name__`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    pub name: Arc<str>,
    pub value: Arc<str>,
}

/// Labels sorted by name, without duplicates and without empty values (an empty value means absence).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Labels(Arc<[Label]>);

impl Labels {
    pub const METRIC_NAME: &'static str = "__name__";

    /// Sorts; of two labels with one name the last wins; empty values are dropped.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<Arc<str>>,
        V: Into<Arc<str>>,
    {
        let mut labels: Vec<Label> = pairs
            .into_iter()
            .map(|(name, value)| Label { name: name.into(), value: value.into() })
            .collect();
        labels.sort_by(|a, b| a.name.cmp(&b.name));
        labels.reverse();
        labels.dedup_by(|a, b| a.name == b.name);
        labels.reverse();
        labels.retain(|label| !label.value.is_empty());
        Self(labels.into())
    }

    /// These labels as they are exposed to a scrape: with `name` written out, though its value is empty, where they lack it. No
    /// series in a store has such labels.
    pub fn exposed_with_empty(&self, name: &str) -> Self {
        match self.0.binary_search_by(|label| label.name.as_ref().cmp(name)) {
            Ok(_) => self.clone(),
            Err(at) => {
                let mut labels = self.0.to_vec();
                labels.insert(at, Label { name: name.into(), value: "".into() });
                Self(labels.into())
            }
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .binary_search_by(|label| label.name.as_ref().cmp(name))
            .ok()
            .map(|at| self.0[at].value.as_ref())
    }

    pub fn metric_name(&self) -> Option<&str> {
        self.get(Self::METRIC_NAME)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|label| (label.name.as_ref(), label.value.as_ref()))
    }

    pub fn as_slice(&self) -> &[Label] {
        &self.0
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These labels without those that `keep` refuses.
    pub fn filtered(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|label| keep(&label.name)).cloned().collect())
    }
}

impl fmt::Display for Labels {
    /// As PromQL writes a series: `name{a="b"}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = self.metric_name() {
            f.write_str(name)?;
        }
        let rest: Vec<_> = self.iter().filter(|(name, _)| *name != Self::METRIC_NAME).collect();
        if rest.is_empty() && self.metric_name().is_some() {
            return Ok(());
        }
        f.write_str("{")?;
        for (at, (name, value)) in rest.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{name}={}", crate::Quoted(value))?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_and_lets_the_last_of_a_name_win() {
        let labels = Labels::from_pairs([("b", "1"), ("a", "2"), ("b", "3"), ("c", "")]);
        assert_eq!(labels.to_string(), r#"{a="2", b="3"}"#);
        assert_eq!(labels.get("b"), Some("3"));
        assert_eq!(labels.get("c"), None);
    }

    #[test]
    fn prints_as_a_selector() {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "a\"b")]);
        assert_eq!(labels.to_string(), r#"up{job="a\"b"}"#);
    }
}
