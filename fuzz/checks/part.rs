//! Parts and sections that the input makes, with every checksum right: what lies behind the checksums is reached.
//!
//! The first byte says what the rest is: a section, changes to a good one, changes to a good part, a directory, a footer, a
//! manifest.

use std::sync::OnceLock;

use camino::Utf8Path;
use crc32c::{crc32c, crc32c_append};
use model::{HistogramSample, Points, Sample};
use tsdb::codec::{Columns, Mode, Role, Scratch, Section, SectionWriter};
use wal::{
    Disk, SimDisk,
    codec::{Reader, put_len},
};

use crate::{
    good::{NOW, good, histogram, look, open},
    input::Input,
};

const CHANGES_BYTES_MAX: u16 = 64;
const SLOTS_MAX: u32 = 32;
/// Sections that say they have more are only opened, and the first of their series read.
const SAMPLES_MAX: u64 = 1 << 16;

pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    match input.byte() % 8 {
        0 | 1 => section(input.0),
        2 | 3 => {
            let sections = sections();
            let mut section = sections[usize::from(input.byte()) % sections.len()].clone();
            section.truncate(section.len() - 4);
            change(&mut input, &mut section);
            self::section(&section);
        }
        4 => {
            let mut part = Parts::good();
            change(&mut input, &mut part.sections);
            change(&mut input, &mut part.directory);
            part.open();
        }
        5 => Parts { directory: input.0.to_vec(), ..Parts::good() }.open(),
        6 => Parts { footer: Some(input.0.to_vec()), ..Parts::good() }.open(),
        _ => manifest(input.0),
    }
}

/// Overwrites some bytes: with what, where.
fn change(input: &mut Input<'_>, bytes: &mut [u8]) {
    let (_, changes) = input.piece(CHANGES_BYTES_MAX);
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[1], change[2]]));
        if !bytes.is_empty() {
            let len = bytes.len();
            bytes[at % len] = change[0];
        }
    }
}

/// Good sections of all kinds of columns, in both modes.
fn sections() -> &'static [Vec<u8>] {
    static SECTIONS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SECTIONS.get_or_init(|| {
        let at = |count: u32| (0..count).map(|at| (i64::from(at), f64::from(at)));
        let points = |count: u32, value: &dyn Fn(f64) -> f64| {
            let mut points = Points::default();
            at(count).for_each(|(number, at)| points.push(number * 15_000, value(at)));
            points
        };
        let stale = f64::from_bits(Sample::STALE);
        let floats: [(Role, Points); 8] = [
            (Role::Lead, points(40, &|at| at * 3.0 + (at * at) % 5.0)),
            (Role::Member, points(40, &|at| at + (at * at) % 3.0)),
            (Role::Plain, points(40, &|at| (at * 7.25).round() / 100.0)),
            (Role::Plain, points(40, &f64::sin)),
            (Role::Plain, points(40, &|at| if at % 9.0 < 1.0 { stale } else { 4096.0 * at })),
            (Role::Plain, points(40, &|at| (at % 3.0).sqrt())),
            (Role::Plain, points(40, &|at| 0.25 + at * 0.001)),
            (Role::Plain, points(33, &|_| 7.0)),
        ];
        let mut natives = Points::default();
        for number in 0..12 {
            let mut one = (*histogram(number)).clone();
            if number % 4 == 3 {
                one.positive_spans[1].offset += 1;
            }
            natives.push_histogram(i64::from(number) * 15_000, one.into());
            natives.histogram_starts.push(i64::from(number) * 10);
        }
        let mut mixed = points(20, &|at| at);
        mixed.starts = vec![5; 20];
        mixed.histograms = natives.histograms[..3].to_vec();
        let mut sections = Vec::new();
        for mode in [Mode::Fast, Mode::Dense] {
            for group in [&floats[..2], &floats[2..5], &floats[5..], &floats[..]] {
                sections.push(write(mode, group));
            }
            sections.push(write(mode, &[(Role::Plain, natives.clone())]));
            sections.push(write(mode, &[(Role::Plain, mixed.clone())]));
        }
        sections
    })
}

fn write(mode: Mode, group: &[(Role, Points)]) -> Vec<u8> {
    let mut writer = SectionWriter::new(mode);
    for (role, points) in group {
        writer.push(Columns::of(points, *role));
    }
    let mut bytes = Vec::new();
    writer.finish(&mut bytes);
    bytes
}

/// Reads a section, given without its checksum.
fn section(content: &[u8]) {
    let sealed = [content, &crc32c(content).to_le_bytes()].concat();
    let Ok(section) = Section::open(&sealed) else { return };
    let slots = if section.samples() > SAMPLES_MAX { 1 } else { SLOTS_MAX };
    let mut scratch = Scratch::default();
    for slot in 0..section.series().min(slots) {
        let mut all = Points::default();
        let count = section.samples_of(slot);
        let read = section.read(slot, i64::MIN, i64::MAX, &mut scratch, &mut all);
        if read.is_err() {
            continue;
        }
        assert_eq!(count, Ok(all.len()));
        assert_eq!(all.times.len(), all.values.len());
        assert!(all.starts.is_empty() || all.starts.len() == all.times.len());
        let starts = all.histogram_starts.len();
        assert!(starts == 0 || starts == all.histograms.len());
        assert!(all.len() as u64 <= 2 * section.samples());
        for sample in &all.histograms {
            assert_eq!(sample.histogram.validate_spans(), Ok(()));
        }
        // What a series is does not hang on what was read before.
        let mut again = Points::default();
        let fresh = section.read(slot, i64::MIN, i64::MAX, &mut Scratch::default(), &mut again);
        assert!(fresh.is_ok() && same(&all, &again));
        if all.times.is_sorted() && all.histograms.is_sorted_by_key(|sample| sample.at_ms) {
            a_part(&section, slot, &all);
            rewritten(&all);
        }
    }
    let past = section.read(section.series(), 0, 0, &mut scratch, &mut Points::default());
    assert!(past.is_err());
}

/// A shorter range has those samples that lie in it.
fn a_part(section: &Section<'_>, slot: u32, all: &Points) {
    let times = || all.times.iter().copied().chain(all.histograms.iter().map(|one| one.at_ms));
    let (Some(first), Some(last)) = (times().nth(all.len() / 3), times().nth(all.len() / 2)) else {
        return;
    };
    let (start_ms, end_ms) = (first.min(last), first.max(last));
    let mut some = Points::default();
    let read = section.read(slot, start_ms, end_ms, &mut Scratch::default(), &mut some);
    assert_eq!(read, Ok(()), "what can be read whole can be read in part");
    let within = |at_ms: i64| (start_ms..=end_ms).contains(&at_ms);
    let mut expected = Points::default();
    for sample in all.samples().filter(|sample| within(sample.at_ms)) {
        expected.push(sample.at_ms, sample.value);
    }
    let histograms = all.histograms.iter().filter(|sample| within(sample.at_ms));
    expected.histograms = histograms.cloned().collect();
    (some.starts, some.histogram_starts) = (Vec::new(), Vec::new());
    assert!(same(&some, &expected), "{some:?}\n{expected:?}");
}

/// What was read can be written, and is read again as it was.
fn rewritten(all: &Points) {
    let valid = |sample: &HistogramSample| sample.histogram.validate().is_ok();
    if !all.histograms.iter().all(valid) {
        return;
    }
    for mode in [Mode::Fast, Mode::Dense] {
        let bytes = write(mode, &[(Role::Plain, all.clone())]);
        let section = Section::open(&bytes).expect("a writer's section opens");
        let mut back = Points::default();
        let read = section.read(0, i64::MIN, i64::MAX, &mut Scratch::default(), &mut back);
        assert_eq!(read, Ok(()));
        assert!(same(all, &back), "{all:?}\n{back:?}");
    }
}

/// Whether both are alike bit for bit.
fn same(a: &Points, b: &Points) -> bool {
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let natives = |points: &Points| {
        let all = points.histograms.iter();
        all.map(|one| {
            let one = (one.at_ms, &one.histogram);
            let named = [one.1.zero_threshold, one.1.zero_count, one.1.count, one.1.sum];
            let lists = [&named[..], &one.1.positive, &one.1.negative, &one.1.custom_values];
            let spans = (one.1.positive_spans.clone(), one.1.negative_spans.clone());
            (one.0, one.1.schema, spans, one.1.reset_hint, lists.map(bits))
        })
        .collect::<Vec<_>>()
    };
    a.times == b.times
        && bits(&a.values) == bits(&b.values)
        && a.starts == b.starts
        && a.histogram_starts == b.histogram_starts
        && natives(a) == natives(b)
}

const PATH: &str = "t/parts/0000000000000001.part";

/// A part in pieces.
struct Parts {
    /// With the header before them.
    sections: Vec<u8>,
    /// Where each section ends.
    ends: Vec<usize>,
    directory: Vec<u8>,
    /// In the place of a right one.
    footer: Option<Vec<u8>>,
    /// The footer's numbers before the sizes.
    meta: Vec<u8>,
}

impl Parts {
    fn good() -> Self {
        let file = good().read(PATH.into()).expect("the good store has one part");
        let (rest, tail) = file.split_at(file.len() - 12);
        let len = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]);
        let footer = &rest[rest.len() - usize::try_from(len).unwrap_or_default()..];
        let reader = &mut Reader::new(footer);
        // Number, level, window, both times, samples, series: LEB128 all of them, below 128 one byte.
        for _ in 0..7 {
            reader.uint("a number").expect("it is good");
        }
        let meta = footer[..footer.len() - reader.rest().len()].to_vec();
        let mut size = || usize::try_from(reader.uint("a size").expect("it is good"));
        let (_, offset, bytes) = (size(), size(), size());
        let (offset, bytes) = (offset.unwrap_or_default(), bytes.unwrap_or_default());
        let directory = file[offset..offset + bytes].to_vec();
        Self {
            sections: file[..offset].to_vec(),
            ends: ends(&directory),
            directory,
            footer: None,
            meta,
        }
    }

    /// Opens a store with this part, all its checksums right.
    fn open(mut self) {
        let mut start = 16;
        for end in &self.ends {
            let crc = crc32c(&self.sections[start..end - 4]).to_le_bytes();
            self.sections[end - 4..*end].copy_from_slice(&crc);
            start = *end;
        }
        let offset = self.sections.len();
        let footer = self.footer.clone().unwrap_or_else(|| self.footer_of(offset));
        let mut file = self.sections;
        for _ in 0..2 {
            file.extend_from_slice(&self.directory);
        }
        file.extend_from_slice(&footer);
        file.extend_from_slice(&u32::try_from(footer.len()).unwrap_or(u32::MAX).to_le_bytes());
        file.extend_from_slice(&crc32c(&footer).to_le_bytes());
        file.extend_from_slice(b"EKFT");
        let disk = good();
        disk.put(PATH.into(), &file);
        disk.remove("t/MANIFEST".into()).expect("it was there");
        look_at(&disk);
    }

    fn footer_of(&self, offset: usize) -> Vec<u8> {
        let mut bytes = 0;
        loop {
            let mut footer = self.meta.clone();
            put_len(&mut footer, bytes);
            put_len(&mut footer, offset);
            put_len(&mut footer, self.directory.len());
            footer.extend_from_slice(&crc32c(&self.directory).to_le_bytes());
            let size = offset + 2 * self.directory.len() + footer.len() + 12;
            if size == bytes {
                return footer;
            }
            bytes = size;
        }
    }
}

/// Where the sections of a good directory end.
fn ends(directory: &[u8]) -> Vec<usize> {
    let reader = &mut Reader::new(directory);
    let mut number = || reader.uint("a number").expect("it is good");
    let (mut ends, mut end) = (Vec::new(), 0);
    for _ in 0..number() {
        let series = number();
        for _ in 0..series {
            number();
        }
        for _ in 0..number() {
            end += number() + number();
            ends.push(usize::try_from(end).expect("it is good"));
            // Samples, and both times.
            for _ in 0..3 {
                number();
            }
        }
        for _ in 0..series {
            number();
        }
    }
    ends
}

/// A store without a log, so that its parts alone count.
fn look_at(disk: &SimDisk) {
    for path in disk.files() {
        if path.parent() == Some(Utf8Path::new("t/wal")) {
            disk.remove(&path).expect("it was there");
        }
    }
    let store = open(disk, NOW).expect("damage keeps no store from opening");
    look(disk, store);
}

/// A store whose manifest says what the input says.
fn manifest(payload: &[u8]) {
    let mut header = vec![1];
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    header.extend_from_slice(&len.to_le_bytes());
    let crc = crc32c_append(crc32c(&header), payload);
    let copy = [b"EKMF", &header[..], &crc.to_le_bytes(), payload].concat();
    let disk = good();
    disk.put("t/MANIFEST".into(), &copy.repeat(2));
    look_at(&disk);
}
