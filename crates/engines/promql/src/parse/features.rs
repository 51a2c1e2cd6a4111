//! Which experimental parts of the language are read: each as a feature flag of Prometheus has it.

/// Experimental parts of the language; all off is what Prometheus reads without feature flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Functions and aggregations marked as experimental: `promql-experimental-functions`.
    pub experimental: bool,
    /// `[2 * step()]`, `offset (1h - 5m)`: `promql-duration-expr`.
    pub duration_expressions: bool,
    /// `anchored`, `smoothed`: `promql-extended-range-selectors`.
    pub extended_ranges: bool,
    /// `fill (x)`, `fill_left (x)`, `fill_right (x)`: `promql-binop-fill-modifiers`.
    pub fill: bool,
}

impl Features {
    /// All on.
    pub const ALL: Self =
        Self { experimental: true, duration_expressions: true, extended_ranges: true, fill: true };
    /// All off.
    pub const NONE: Self = Self {
        experimental: false,
        duration_expressions: false,
        extended_ranges: false,
        fill: false,
    };
}
