//! A rule of relabelling that cannot be wrong: every combination that Prometheus refuses is refused when it is made.

use crate::{
    name::{Scheme, is_legacy_template},
    pattern::{Pattern, Template},
};

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Sets the target label to the replacement when the pattern fits.
    #[default]
    Replace,
    /// Drops what the pattern does not fit.
    Keep,
    /// Drops what the pattern fits.
    Drop,
    /// Drops what has another value in the target label.
    KeepEqual,
    /// Drops what has the same value in the target label.
    DropEqual,
    /// Sets the target label to a hash of the value, modulo `modulus`.
    HashMod,
    /// Copies the labels whose names fit to names made by the replacement.
    LabelMap,
    /// Removes the labels whose names fit.
    LabelDrop,
    /// Removes all other labels.
    LabelKeep,
    Lowercase,
    Uppercase,
}

impl Action {
    pub const ALL: [Self; 11] = [
        Self::Replace,
        Self::Keep,
        Self::Drop,
        Self::KeepEqual,
        Self::DropEqual,
        Self::HashMod,
        Self::LabelMap,
        Self::LabelDrop,
        Self::LabelKeep,
        Self::Lowercase,
        Self::Uppercase,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::KeepEqual => "keepequal",
            Self::DropEqual => "dropequal",
            Self::HashMod => "hashmod",
            Self::LabelMap => "labelmap",
            Self::LabelDrop => "labeldrop",
            Self::LabelKeep => "labelkeep",
            Self::Lowercase => "lowercase",
            Self::Uppercase => "uppercase",
        }
    }

    /// Case does not matter.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str().eq_ignore_ascii_case(text))
    }

    const fn needs_target(self) -> bool {
        matches!(
            self,
            Self::Replace
                | Self::KeepEqual
                | Self::DropEqual
                | Self::HashMod
                | Self::Lowercase
                | Self::Uppercase
        )
    }
}

/// One rule of `relabel_configs` or `metric_relabel_configs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub source: Box<[Box<str>]>,
    /// Stands between the values of the source labels.
    pub separator: Box<str>,
    pub regex: Pattern,
    /// 0 but for [`Action::HashMod`].
    pub modulus: u64,
    pub target: Template,
    pub replacement: Template,
    pub action: Action,
    /// Which names the rule may make.
    pub scheme: Scheme,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            source: Box::default(),
            separator: Self::SEPARATOR.into(),
            regex: Pattern::default(),
            modulus: 0,
            target: Template::new(""),
            replacement: Template::default(),
            action: Action::default(),
            scheme: Scheme::default(),
        }
    }
}

/// Why a rule makes no sense; in the words of Prometheus.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("relabel configuration for hashmod requires non-zero modulus")]
    Modulus,
    #[error("relabel configuration for {action} action requires 'target_label' value")]
    NoTarget { action: &'static str },
    #[error("`{target}` is invalid 'target_label' for {action} action")]
    Target { target: Box<str>, action: &'static str },
    #[error("'replacement' can not be set for {action} action")]
    ReplacementSet { action: &'static str },
    #[error("`{replacement}` is invalid 'replacement' for {action} action")]
    Replacement { replacement: Box<str>, action: &'static str },
    #[error(
        "{action} action requires only 'source_labels' and `target_label`, and no other fields"
    )]
    OnlySourceAndTarget { action: &'static str },
    #[error("{action} action requires only 'regex', and no other fields")]
    OnlyRegex { action: &'static str },
}

impl Rule {
    /// What stands between two values where nothing else is said.
    pub const SEPARATOR: &'static str = ";";

    /// The rule, if its action has what it needs and nothing that it does not take.
    ///
    /// # Errors
    /// See [`RuleError`].
    pub fn checked(self) -> Result<Self, RuleError> {
        let action = self.action.as_str();
        let target = self.target.text();
        if self.action == Action::HashMod && self.modulus == 0 {
            return Err(RuleError::Modulus);
        }
        if self.action.needs_target() && target.is_empty() {
            return Err(RuleError::NoTarget { action });
        }
        let plain = self.replacement.text() == Template::DEFAULT;
        let valid = |text: &str, references: bool| match self.scheme {
            Scheme::Legacy if references => is_legacy_template(text),
            scheme => scheme.is_label_name(text),
        };
        let references = self.action == Action::Replace && self.target.has_reference();
        if self.action.needs_target() && !valid(target, references) {
            return Err(RuleError::Target { target: target.into(), action });
        }
        match self.action {
            Action::Lowercase | Action::Uppercase if !plain => {
                Err(RuleError::ReplacementSet { action })
            }
            Action::LabelMap if !valid(self.replacement.text(), true) => {
                Err(RuleError::Replacement { replacement: self.replacement.text().into(), action })
            }
            Action::KeepEqual | Action::DropEqual
                if !plain
                    || !self.regex.is_default()
                    || self.modulus != 0
                    || !self.separates_plainly() =>
            {
                Err(RuleError::OnlySourceAndTarget { action })
            }
            Action::LabelDrop | Action::LabelKeep
                if !plain
                    || !self.source.is_empty()
                    || !target.is_empty()
                    || self.modulus != 0
                    || !self.separates_plainly() =>
            {
                Err(RuleError::OnlyRegex { action })
            }
            _ => Ok(self),
        }
    }

    fn separates_plainly(&self) -> bool {
        &*self.separator == Self::SEPARATOR
    }
}
