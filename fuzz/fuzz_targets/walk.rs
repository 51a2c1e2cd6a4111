//! Looks at everything that a walk of remote write gives.

use exposition::{
    remote_write::{
        ExemplarRef, HistogramRef, KeyHasher, LabelsFault, LabelsRef, MetadataRef, RawSample,
        Visitor, v2::Symbols,
    },
    wire::WireError,
};

/// Asks each thing for all it has.
pub struct Curious<'a> {
    pub body: &'a [u8],
    pub symbols: Option<&'a Symbols>,
    pub hasher: KeyHasher,
    pub scratch: Vec<u8>,
    pub seen: u64,
}

impl<'a> Curious<'a> {
    pub fn new(body: &'a [u8], symbols: Option<&'a Symbols>) -> Self {
        Self { body, symbols, hasher: KeyHasher::new(1), scratch: Vec::new(), seen: 0 }
    }
}

/// Names and values, or the fault.
fn pairs(labels: &LabelsRef<'_>) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    labels
        .visit(|name, value| pairs.push((name.to_owned(), value.to_owned())))
        .map_err(|fault| fault.to_string())?;
    Ok(pairs)
}

impl<'a> Visitor<'a> for Curious<'a> {
    fn series(&mut self, labels: LabelsRef<'a>) -> Result<(), WireError> {
        self.seen += 1;
        let (range, scattered) = (labels.range(), labels.is_scattered());
        let again = match self.symbols {
            None => LabelsRef::v1(self.body, range, scattered),
            Some(symbols) => LabelsRef::v2(self.body, range, scattered, symbols),
        };
        // What a store reads later is what was walked.
        assert_eq!(pairs(&labels), pairs(&again));
        let key = labels.key(&self.hasher, &mut self.scratch);
        assert_eq!(key, again.key(&self.hasher, &mut self.scratch));
        if let (Ok(pairs), Some(name)) = (pairs(&labels), labels.metric_name()) {
            assert!(pairs.iter().any(|(label, value)| label == "__name__" && value == name));
        }
        Ok(())
    }

    fn sample(&mut self, sample: RawSample) -> Result<(), WireError> {
        self.seen += u64::from(sample.at_ms > 0);
        Ok(())
    }

    fn histogram(&mut self, histogram: HistogramRef<'a>) -> Result<(), WireError> {
        if let Ok(decoded) = histogram.decode() {
            assert_eq!(decoded.histogram.validate(), Ok(()));
            assert_eq!(histogram.at_ms(), Ok(decoded.at_ms));
        }
        Ok(())
    }

    fn exemplar(&mut self, exemplar: ExemplarRef<'a>) -> Result<(), WireError> {
        if let Ok(decoded) = exemplar.decode() {
            assert!(decoded.labels.len() <= exemplar.labels_max());
        }
        Ok(())
    }

    fn metadata(
        &mut self,
        metadata: Result<MetadataRef<'a>, LabelsFault>,
    ) -> Result<(), WireError> {
        self.seen += u64::from(metadata.is_ok());
        Ok(())
    }
}
