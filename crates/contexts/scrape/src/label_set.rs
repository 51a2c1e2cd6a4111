//! Labels that are being changed: small, sorted, an empty value is absence.

use model::Labels;

/// Names and values, sorted by name, each name once, no value empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSet(Vec<(Box<str>, Box<str>)>);

impl LabelSet {
    pub fn new() -> Self {
        Self::default()
    }

    /// Of two pairs with one name the last wins.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut set = Self::new();
        for (name, value) in pairs {
            set.set(name.as_ref(), value.as_ref());
        }
        set
    }

    /// Empty when the label is absent.
    pub fn get(&self, name: &str) -> &str {
        self.find(name).ok().and_then(|at| self.0.get(at)).map_or("", |(_, value)| value)
    }

    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// An empty value removes the label.
    pub fn set(&mut self, name: &str, value: &str) {
        match (self.find(name), value.is_empty()) {
            (Ok(at), true) => drop(self.0.remove(at)),
            (Ok(at), false) => self.0[at].1 = value.into(),
            (Err(_), true) => {}
            (Err(at), false) => self.0.insert(at, (name.into(), value.into())),
        }
    }

    /// Sets the label unless it is there.
    pub fn set_default(&mut self, name: &str, value: &str) {
        if !self.has(name) {
            self.set(name, value);
        }
    }

    pub fn remove(&mut self, name: &str) {
        self.set(name, "");
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|(name, _)| keep(name));
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn to_labels(&self) -> Labels {
        Labels::from_pairs(self.iter())
    }

    pub fn into_pairs(self) -> Vec<(Box<str>, Box<str>)> {
        self.0
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name))
    }
}

impl From<&Labels> for LabelSet {
    fn from(labels: &Labels) -> Self {
        // Labels are sorted, unique and without empty values themselves.
        Self(labels.iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_is_absence() {
        let mut set = LabelSet::from_pairs([("b", "1"), ("a", "2"), ("b", "3"), ("c", "")]);
        assert_eq!(set.to_labels().to_string(), r#"{a="2", b="3"}"#);
        set.set("a", "");
        set.set_default("b", "9");
        assert!(!set.has("a") && set.get("a").is_empty() && set.get("b") == "3" && set.len() == 1);
    }
}
