//! `io.prometheus.write.v2.Request`, walked in place.

use super::{
    ExemplarRef, HistogramRef, KeyHasher, LabelsFault, LabelsRef, MetadataRef, RawSample, Visitor,
    kind_of, labels::Form,
};
use crate::wire::{Reader, WireError};

/// Field 1 with bytes: packed references of a series.
const REFERENCES_KEY: u8 = 0x0a;

/// The strings of a request, where they are, with the keys of their bytes.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    places: Vec<(u32, u32)>,
    keys: Vec<u128>,
}

impl Symbols {
    /// Finds the symbols of a request.
    ///
    /// # Errors
    /// What cannot be read, more than `symbols_max` symbols, or a first one that is not empty, as the specification wants it.
    pub fn read(body: &[u8], hasher: &KeyHasher, symbols_max: usize) -> Result<Self, WireError> {
        let mut symbols = Self::default();
        let mut request = Reader::new(body, 0);
        while let Some(field) = request.next()? {
            if field.number != 4 {
                continue;
            }
            let bytes = field.bytes("symbols")?;
            if symbols.places.len() >= symbols_max {
                let found = symbols.places.len() as u64 + 1;
                let max = symbols_max as u64;
                return Err(WireError::TooMany { what: "symbols", found, max, at: field.at });
            }
            if symbols.places.is_empty() && !bytes.is_empty() {
                let what = "the first symbol is not the empty string";
                return Err(WireError::Rule { what, at: field.at });
            }
            let place = |at: usize| {
                u32::try_from(at).map_err(|_| WireError::Rule {
                    what: "the request is larger than 4 GiB",
                    at: field.at,
                })
            };
            symbols.places.push((place(field.at)?, place(field.at + bytes.len())?));
            symbols.keys.push(hasher.hash(bytes));
        }
        Ok(symbols)
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The symbol's bytes in the request that it was read from.
    pub fn get<'a>(&self, body: &'a [u8], reference: u64) -> Option<&'a [u8]> {
        let (start, end) = *self.places.get(usize::try_from(reference).ok()?)?;
        body.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }

    #[inline]
    pub(super) fn key(&self, reference: u64) -> Option<u128> {
        self.keys.get(usize::try_from(reference).ok()?).copied()
    }
}

/// Gives `visitor` all that is in a request with these symbols.
///
/// # Errors
/// What cannot be read, with its place, or what the visitor does not take. What was visited before stands.
pub fn walk<'a>(
    body: &'a [u8],
    symbols: &'a Symbols,
    visitor: &mut impl Visitor<'a>,
) -> Result<(), WireError> {
    let mut request = Reader::new(body, 0);
    while let Some(field) = request.next()? {
        if field.number == 5 {
            series(body, symbols, field.message("timeseries")?, visitor)?;
        }
    }
    Ok(())
}

#[inline]
fn series<'a>(
    body: &'a [u8],
    symbols: &'a Symbols,
    mut message: Reader<'a>,
    visitor: &mut impl Visitor<'a>,
) -> Result<(), WireError> {
    let start = message.at();
    let whole = message;
    while message.skip_delimited(REFERENCES_KEY)? {}
    let mut end = message.at();
    let (scattered, start_ms) = look_ahead(message)?;
    if scattered {
        end = whole.end();
    }
    let form = Form::References(symbols);
    visitor.series(LabelsRef { body, start, end, scattered, form })?;
    while let Some(field) = message.next()? {
        match field.number {
            2 => visitor.sample(sample(field.message("samples")?, start_ms)?)?,
            3 => {
                let message = field.message("histograms")?;
                visitor.histogram(HistogramRef { message })?;
            }
            4 => {
                let message = field.message("exemplars")?;
                let (start, end) = (message.at(), message.end());
                visitor.exemplar(ExemplarRef { body, start, end, form })?;
            }
            5 => visitor.metadata(metadata(body, symbols, field.message("metadata")?)?)?,
            _ => {}
        }
    }
    Ok(())
}

/// Whether references come after something else, and the start that older senders give for the whole series.
#[inline]
fn look_ahead(mut message: Reader<'_>) -> Result<(bool, i64), WireError> {
    let (mut scattered, mut start_ms) = (false, 0);
    while let Some(field) = message.next()? {
        match field.number {
            1 => scattered = true,
            6 => start_ms = field.int("created_timestamp")?,
            _ => {}
        }
    }
    Ok((scattered, start_ms))
}

#[inline]
fn sample(mut message: Reader<'_>, start_ms: i64) -> Result<RawSample, WireError> {
    let mut sample = RawSample { start_ms, ..RawSample::default() };
    while let Some(field) = message.next()? {
        match field.number {
            1 => sample.value = field.double("sample value")?,
            2 => sample.at_ms = field.int("sample timestamp")?,
            3 => sample.start_ms = field.int("sample start_timestamp")?,
            _ => {}
        }
    }
    Ok(sample)
}

fn metadata<'a>(
    body: &'a [u8],
    symbols: &Symbols,
    mut message: Reader<'a>,
) -> Result<Result<MetadataRef<'a>, LabelsFault>, WireError> {
    let mut metadata = MetadataRef::default();
    let (mut help, mut unit) = (0, 0);
    let at = message.at();
    while let Some(field) = message.next()? {
        match field.number {
            1 => metadata.kind = kind_of(field.uint("metadata type")?),
            3 => help = field.uint("help_ref")?,
            4 => unit = field.uint("unit_ref")?,
            _ => {}
        }
    }
    let symbol = |what: &'static str, reference: u64| {
        // A request without symbols refers to none.
        if reference == 0 {
            return Ok("");
        }
        let bytes = symbols.get(body, reference).ok_or(LabelsFault::Metadata {
            what,
            found: reference,
            size: symbols.len(),
        })?;
        std::str::from_utf8(bytes).map_err(|_| LabelsFault::Utf8 { what, at })
    };
    Ok(symbol("help_ref", help).and_then(|help| {
        let unit = symbol("unit_ref", unit)?;
        Ok(MetadataRef { help, unit, ..metadata })
    }))
}
