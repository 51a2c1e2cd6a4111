//! How OpenTelemetry's metrics become series: what Prometheus' `otlp` section of its configuration says.

/// How names are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub enum NameStrategy {
    /// Prometheus' alphabet; units and kinds as suffixes.
    #[default]
    UnderscoreEscapingWithSuffixes,
    UnderscoreEscapingWithoutSuffixes,
    /// Names in UTF-8 as they are; units and kinds as suffixes.
    NoUtf8EscapingWithSuffixes,
    /// Names as they are.
    NoTranslation,
}

impl NameStrategy {
    pub const ALL: [Self; 4] = [
        Self::UnderscoreEscapingWithSuffixes,
        Self::UnderscoreEscapingWithoutSuffixes,
        Self::NoUtf8EscapingWithSuffixes,
        Self::NoTranslation,
    ];

    /// As Prometheus' configuration names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnderscoreEscapingWithSuffixes => "UnderscoreEscapingWithSuffixes",
            Self::UnderscoreEscapingWithoutSuffixes => "UnderscoreEscapingWithoutSuffixes",
            Self::NoUtf8EscapingWithSuffixes => "NoUTF8EscapingWithSuffixes",
            Self::NoTranslation => "NoTranslation",
        }
    }

    /// The strategy that Prometheus' configuration names so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.as_str() == name)
    }

    /// Whether names of labels stay as they are.
    pub(crate) const fn utf8(self) -> bool {
        matches!(self, Self::NoUtf8EscapingWithSuffixes | Self::NoTranslation)
    }
}

/// What becomes of exponential histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub enum Exponentials {
    /// Native histograms, as Prometheus stores them.
    #[default]
    Native,
    /// `_bucket`, `_sum` and `_count`, with bounds that follow from the values.
    Classic,
    /// Both, for dashboards that still ask for buckets.
    Both,
}

impl Exponentials {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Classic => "classic",
            Self::Both => "both",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        [Self::Native, Self::Classic, Self::Both].into_iter().find(|one| one.as_str() == name)
    }

    pub(crate) const fn native(self) -> bool {
        matches!(self, Self::Native | Self::Both)
    }

    pub(crate) const fn classic(self) -> bool {
        matches!(self, Self::Classic | Self::Both)
    }
}

/// All that there is to choose.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Translation {
    pub names: NameStrategy,
    pub exponentials: Exponentials,
    /// Histograms with explicit bounds become native ones with custom buckets.
    pub convert_histograms_to_nhcb: bool,
    /// The library that emitted a metric becomes `otel_scope_*` labels.
    pub promote_scope_metadata: bool,
    /// Attributes of the resource that each of its series gets as a label.
    pub promote_resource_attributes: Vec<Box<str>>,
    /// A total that began not long before its point gets a zero where it began, so that the first increase is seen.
    pub zero_samples: bool,
}
