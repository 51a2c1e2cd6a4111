//! Limits on what a stranger can send; each is a setting whose name its error gives.

/// Limits at ingest. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `limits.max_active_series`
    pub active_series_max: usize,
    /// `limits.max_active_series_per_service`
    pub active_series_per_service_max: usize,
    /// `limits.max_labels`
    pub labels_max: usize,
    /// `limits.max_label_value_bytes`
    pub label_value_bytes_max: usize,
    /// `limits.max_log_bytes`
    pub log_bytes_max: usize,
    /// `limits.max_attributes`
    pub attributes_max: usize,
    /// `limits.max_attribute_value_bytes`
    pub attribute_value_bytes_max: usize,
    /// `limits.max_body_bytes`, inflated
    pub body_bytes_max: usize,
    /// `limits.max_inflation_ratio`
    pub inflation_ratio_max: usize,
    /// How far ahead of our clock a record may be: `limits.max_future_seconds`
    pub future_seconds_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            active_series_max: 2_000_000,
            active_series_per_service_max: 250_000,
            labels_max: 60,
            label_value_bytes_max: 4 << 10,
            log_bytes_max: 256 << 10,
            attributes_max: 128,
            attribute_value_bytes_max: 16 << 10,
            body_bytes_max: 32 << 20,
            inflation_ratio_max: 200,
            future_seconds_max: 600,
        }
    }
}
