//! Columns of native histograms: runs of one schema; in a run each bucket is a column over time.
//!
//! A run lists the layouts (spans) that occur, each sample's layout, and a column of floats for the count, the zero bucket,
//! the sum, and every bucket that any layout has. The count is the lead of the buckets.

use std::{collections::BTreeSet, sync::Arc};

use model::{BucketSpan, Histogram, HistogramSample, ResetHint};

use super::{
    Mode, SectionError,
    cursor::{Cursor, put_count, put_signed},
    floats::{self, FloatWriter},
    ints::{self, IntWriter},
};

/// The most counts, spans and bounds in a run, over all samples; a single histogram may have more.
const CELLS_MAX: usize = 1 << 20;
/// The most of them in all runs of one series that are read at once, some 500 MB; a writer's columns have 720 samples or so.
const CELLS_READ_MAX: usize = 1 << 26;

type Layout<'a> = (&'a [BucketSpan], &'a [BucketSpan]);

/// Writes histograms, with memory that is used again.
#[derive(Debug, Default)]
pub(super) struct HistogramWriter {
    floats: FloatWriter,
    ints: IntWriter,
    column: Vec<f64>,
    numbers: Vec<i64>,
    lead: Vec<i64>,
}

impl HistogramWriter {
    /// Appends the histograms, whose number the reader must know; each has passed [`Histogram::validate`].
    pub(super) fn write(&mut self, mode: Mode, mut samples: &[HistogramSample], out: &mut Vec<u8>) {
        while let Some(first) = samples.first() {
            let like = |sample: &&HistogramSample| alike(&first.histogram, &sample.histogram);
            let most = samples.iter().take_while(like).count();
            let run = Run::of(&samples[..most]);
            self.write_run(mode, &samples[..run.samples], &run, out);
            samples = &samples[run.samples..];
        }
    }

    fn write_run(
        &mut self,
        mode: Mode,
        samples: &[HistogramSample],
        run: &Run<'_>,
        out: &mut Vec<u8>,
    ) {
        put_count(out, samples.len());
        let first = &samples[0].histogram;
        put_signed(out, i64::from(first.schema));
        self.floats.write(mode, &[first.zero_threshold], None, out);
        put_count(out, first.custom_values.len());
        if !first.custom_values.is_empty() {
            self.floats.write(mode, &first.custom_values, None, out);
        }
        put_count(out, run.layouts.len());
        for (positive, negative) in &run.layouts {
            put_spans(out, positive);
            put_spans(out, negative);
        }
        if run.layouts.len() > 1 {
            self.ints.write(mode, &run.layout_of, None, out);
        }
        self.numbers.clear();
        self.numbers.extend(samples.iter().map(|sample| hint_number(sample.histogram.reset_hint)));
        self.ints.write(mode, &self.numbers, None, out);
        self.lead.clear();
        self.collect(samples, |histogram| histogram.count);
        if let Some(lead) = self.floats.write(mode, &self.column, None, out) {
            self.lead.extend_from_slice(lead);
        }
        self.collect(samples, |histogram| histogram.zero_count);
        self.put_column(mode, out);
        self.collect(samples, |histogram| histogram.sum);
        self.floats.write(mode, &self.column, None, out);
        for (side, buckets) in [(Side::Positive, &run.positive), (Side::Negative, &run.negative)] {
            let places = Places::of(run, side);
            for at in 0..buckets.len() {
                self.column.clear();
                self.column.extend(samples.iter().zip(&run.layout_of).map(|(sample, layout)| {
                    let counts = side.counts(&sample.histogram);
                    places
                        .place(*layout, at)
                        .and_then(|place| counts.get(place))
                        .map_or(0.0, |c| *c)
                }));
                self.put_column(mode, out);
            }
        }
    }

    fn collect(&mut self, samples: &[HistogramSample], of: impl Fn(&Histogram) -> f64) {
        self.column.clear();
        self.column.extend(samples.iter().map(|sample| of(&sample.histogram)));
    }

    fn put_column(&mut self, mode: Mode, out: &mut Vec<u8>) {
        let lead = (self.lead.len() == self.column.len()).then_some(&self.lead[..]);
        self.floats.write(mode, &self.column, lead, out);
    }
}

/// Reads `count` histograms at `times` and gives those from `from` on.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    times: &[i64],
    wanted: std::ops::Range<usize>,
    out: &mut Vec<HistogramSample>,
) -> Result<(), SectionError> {
    let (mut at, mut cells) = (0, 0);
    while at < wanted.end {
        let samples = cursor.count(times.len() - at)?;
        if samples == 0 {
            return Err(SectionError::Malformed("run"));
        }
        let run = ReadRun::read(cursor, samples)?;
        cells += run.cells_each.saturating_mul(samples);
        if cells > CELLS_READ_MAX {
            return Err(SectionError::Malformed("number of histograms' cells"));
        }
        let from = wanted.start.clamp(at, at + samples) - at;
        let to = wanted.end.clamp(at, at + samples) - at;
        for index in from..to {
            let histogram = Arc::new(run.histogram(index));
            out.push(HistogramSample { at_ms: times[at + index], histogram });
        }
        at += samples;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Side {
    Positive,
    Negative,
}

impl Side {
    fn counts(self, histogram: &Histogram) -> &[f64] {
        match self {
            Self::Positive => &histogram.positive,
            Self::Negative => &histogram.negative,
        }
    }
}

/// Samples of one schema, as many as fit a run.
struct Run<'a> {
    samples: usize,
    layouts: Vec<Layout<'a>>,
    /// For each sample.
    layout_of: Vec<i64>,
    /// The buckets that any layout has, in order.
    positive: Vec<i64>,
    negative: Vec<i64>,
}

impl<'a> Run<'a> {
    fn of(samples: &'a [HistogramSample]) -> Self {
        let mut run = Self {
            samples: 0,
            layouts: vec![],
            layout_of: vec![],
            positive: vec![],
            negative: vec![],
        };
        let (mut positive, mut negative) = (BTreeSet::new(), BTreeSet::new());
        let (mut bounds, mut spans) = (0, 0);
        for sample in samples {
            let histogram = &sample.histogram;
            let layout = (&histogram.positive_spans[..], &histogram.negative_spans[..]);
            let known = run.layouts.iter().rposition(|other| *other == layout);
            let fresh = |side, known: &BTreeSet<i64>| {
                buckets(side).filter(|bucket| !known.contains(bucket)).count()
            };
            let (fresh, more_spans) = match known {
                Some(_) => (0, spans),
                None => (
                    fresh(layout.0, &positive) + fresh(layout.1, &negative),
                    spans.max(layout.0.len() + layout.1.len()),
                ),
            };
            bounds = bounds.max(histogram.custom_values.len());
            let each = positive.len() + negative.len() + fresh + more_spans + bounds;
            if run.samples > 0 && each * (run.samples + 1) > CELLS_MAX {
                break;
            }
            spans = more_spans;
            if known.is_none() {
                positive.extend(buckets(layout.0));
                negative.extend(buckets(layout.1));
                run.layouts.push(layout);
            }
            let index = known.unwrap_or(run.layouts.len() - 1);
            run.layout_of.push(i64::try_from(index).expect("is a length"));
            run.samples += 1;
        }
        run.positive = positive.into_iter().collect();
        run.negative = negative.into_iter().collect();
        run
    }
}

/// Where in a layout's counts each bucket of the run lies.
struct Places(Vec<Vec<Option<usize>>>);

impl Places {
    fn of(run: &Run<'_>, side: Side) -> Self {
        let layouts = run.layouts.iter().map(|layout| match side {
            Side::Positive => places(layout.0, &run.positive),
            Side::Negative => places(layout.1, &run.negative),
        });
        Self(layouts.collect())
    }

    fn place(&self, layout: i64, bucket: usize) -> Option<usize> {
        let layout = self.0.get(usize::try_from(layout).ok()?)?;
        layout.get(bucket).copied().flatten()
    }
}

fn places(spans: &[BucketSpan], all: &[i64]) -> Vec<Option<usize>> {
    let mut places = vec![None; all.len()];
    for (place, bucket) in buckets(spans).enumerate() {
        if let Ok(at) = all.binary_search(&bucket) {
            places[at] = Some(place);
        }
    }
    places
}

/// The numbers of the buckets that spans name.
fn buckets(spans: &[BucketSpan]) -> impl Iterator<Item = i64> + '_ {
    let mut next = 0i64;
    spans.iter().flat_map(move |span| {
        let from = next + i64::from(span.offset);
        next = from + i64::from(span.length);
        from..next
    })
}

fn alike(a: &Histogram, b: &Histogram) -> bool {
    let same = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits();
    a.schema == b.schema
        && same((&a.zero_threshold, &b.zero_threshold))
        && a.custom_values.len() == b.custom_values.len()
        && a.custom_values.iter().zip(&b.custom_values).all(same)
}

/// A run with all its columns.
struct ReadRun {
    like: Histogram,
    layouts: Vec<[ReadSide; 2]>,
    layout_of: Vec<i64>,
    hints: Vec<i64>,
    /// Count, zero count, sum.
    named: [Vec<f64>; 3],
    /// For each side, one column after the other.
    cells: [Vec<f64>; 2],
    /// The most counts, spans and bounds of one histogram.
    cells_each: usize,
    samples: usize,
}

#[derive(Default)]
struct ReadSide {
    spans: Vec<BucketSpan>,
    /// The column of each of the layout's buckets.
    columns: Vec<usize>,
}

impl ReadRun {
    fn read(cursor: &mut Cursor<'_>, samples: usize) -> Result<Self, SectionError> {
        let mut scratch = Vec::new();
        let mut column =
            |cursor: &mut Cursor<'_>, count, lead: Option<&[i64]>, out: &mut Vec<f64>| {
                floats::read(cursor, count, count, lead, &mut scratch, out)
            };
        let schema =
            i32::try_from(cursor.signed()?).map_err(|_| SectionError::Malformed("schema"))?;
        let mut threshold = Vec::with_capacity(1);
        column(cursor, 1, None, &mut threshold)?;
        let custom = cursor.count(cursor.left())?;
        let mut like = Histogram { schema, zero_threshold: threshold[0], ..Histogram::default() };
        if custom > 0 {
            column(cursor, custom, None, &mut like.custom_values)?;
        }
        let Layouts { layouts, union, cells_each } = read_layouts(cursor, samples, custom)?;
        let mut layout_of = Vec::new();
        if layouts.len() > 1 {
            ints::read(cursor, samples, samples, None, &mut layout_of)?;
        } else {
            layout_of.resize(samples, 0);
        }
        let known = |layout: &i64| usize::try_from(*layout).is_ok_and(|at| at < layouts.len());
        if !layout_of.iter().all(known) {
            return Err(SectionError::Malformed("layout"));
        }
        let mut hints = Vec::new();
        ints::read(cursor, samples, samples, None, &mut hints)?;
        let mut named = [Vec::new(), Vec::new(), Vec::new()];
        let (mut lead, mut count) = (Vec::new(), *cursor);
        let lead = floats::read_lead(&mut count, samples, &mut lead).is_ok().then_some(&lead[..]);
        column(cursor, samples, None, &mut named[0])?;
        column(cursor, samples, lead, &mut named[1])?;
        column(cursor, samples, None, &mut named[2])?;
        let mut cells = [Vec::new(), Vec::new()];
        for (cells, buckets) in cells.iter_mut().zip(union) {
            for _ in 0..buckets {
                column(cursor, samples, lead, cells)?;
            }
        }
        Ok(Self { like, layouts, layout_of, hints, named, cells, cells_each, samples })
    }

    fn histogram(&self, at: usize) -> Histogram {
        // Checked when the run was read.
        let layout = usize::try_from(self.layout_of[at]).unwrap_or_default();
        let sides = &self.layouts[layout];
        let counts = |side: usize| {
            let columns = sides[side].columns.iter();
            columns.map(|column| self.cells[side][column * self.samples + at]).collect()
        };
        Histogram {
            count: self.named[0][at],
            zero_count: self.named[1][at],
            sum: self.named[2][at],
            positive_spans: sides[0].spans.clone(),
            negative_spans: sides[1].spans.clone(),
            positive: counts(0),
            negative: counts(1),
            reset_hint: hint_of(self.hints[at]),
            ..self.like.clone()
        }
    }
}

struct Layouts {
    layouts: Vec<[ReadSide; 2]>,
    /// How many buckets each side has in all.
    union: [usize; 2],
    cells_each: usize,
}

fn read_layouts(
    cursor: &mut Cursor<'_>,
    samples: usize,
    bounds: usize,
) -> Result<Layouts, SectionError> {
    let count = cursor.count(samples.min(cursor.left()))?;
    let mut layouts = Vec::new();
    // Every bucket's column takes a byte at least, so no more can be named than there are bytes.
    let (mut union, most) = ([BTreeSet::new(), BTreeSet::new()], cursor.left());
    let mut named = 0;
    for _ in 0..count {
        let mut sides = [ReadSide::default(), ReadSide::default()];
        for (side, union) in sides.iter_mut().zip(&mut union) {
            for _ in 0..cursor.count(cursor.left())? {
                let offset = i32::try_from(cursor.signed()?);
                let length = u32::try_from(cursor.varint()?);
                let (Ok(offset), Ok(length)) = (offset, length) else {
                    return Err(SectionError::Malformed("span"));
                };
                named += length as usize;
                if length as usize > most || named > CELLS_MAX.max(most) {
                    return Err(SectionError::Malformed("span"));
                }
                // Only ever onwards: a layout names no bucket twice, and none more than the columns have.
                if offset < 0 && !side.spans.is_empty() {
                    return Err(SectionError::Malformed("span"));
                }
                side.spans.push(BucketSpan { offset, length });
            }
            union.extend(buckets(&side.spans));
        }
        layouts.push(sides);
    }
    let union = union.map(|side| side.into_iter().collect::<Vec<i64>>());
    let spans = layouts.iter().map(|sides| sides[0].spans.len() + sides[1].spans.len()).max();
    let each = union[0].len() + union[1].len() + spans.unwrap_or_default() + bounds;
    if samples > 1 && each.saturating_mul(samples) > CELLS_MAX || count == 0 {
        return Err(SectionError::Malformed("layout"));
    }
    for sides in &mut layouts {
        for (side, union) in sides.iter_mut().zip(&union) {
            side.columns =
                buckets(&side.spans).filter_map(|b| union.binary_search(&b).ok()).collect();
        }
    }
    Ok(Layouts { layouts, union: union.map(|side| side.len()), cells_each: each })
}

fn put_spans(out: &mut Vec<u8>, spans: &[BucketSpan]) {
    put_count(out, spans.len());
    for span in spans {
        put_signed(out, i64::from(span.offset));
        put_count(out, span.length as usize);
    }
}

fn hint_number(hint: ResetHint) -> i64 {
    match hint {
        ResetHint::Unknown => 0,
        ResetHint::Reset => 1,
        ResetHint::NotReset => 2,
        ResetHint::Gauge => 3,
    }
}

fn hint_of(number: i64) -> ResetHint {
    match number {
        1 => ResetHint::Reset,
        2 => ResetHint::NotReset,
        3 => ResetHint::Gauge,
        _ => ResetHint::Unknown,
    }
}
