//! The log's reader over segments that the input makes: whole records, broken ones, rubbish, headers that are damaged.
//!
//! The first byte says which headers are damaged; then come pieces: a kind, a length, so many bytes. Records are framed
//! here by the documented layout, not by the log's own code, and so with right checksums where they should be.

use std::{ops::ControlFlow, sync::Arc};

use camino::Utf8PathBuf;
use crc32c::{crc32c, crc32c_append};
use model::Timestamp;
use wal::{Disk, Options, Position, RecordAt, SimDisk, SyncPolicy, Wal};

use crate::input::Input;

const SEGMENTS_MAX: usize = 3;
const PIECES_MAX: usize = 64;
const PIECE_BYTES_MAX: u16 = 256;
const HEADER_BYTES: u64 = 96;
const FRAME_BYTES: u64 = 12;

/// A segment, and what of it must be read.
struct Made {
    file: Vec<u8>,
    seed: u32,
    /// The records before the first thing that is none.
    good: Vec<Vec<u8>>,
    is_whole: bool,
    /// Both copies of the header are damaged.
    is_headless: bool,
}

impl Made {
    fn begin(number: u64, damage: u8) -> Self {
        let mut copy = b"EKWAL\0\x01\0".to_vec();
        for word in [number, 1_000_000_000, number - 1, HEADER_BYTES] {
            copy.extend_from_slice(&word.to_le_bytes());
        }
        copy.extend_from_slice(&[0; 4]);
        let seed = crc32c(&copy);
        copy.extend_from_slice(&seed.to_le_bytes());
        copy.extend_from_within(..);
        copy[10] ^= damage & 1;
        copy[60] ^= damage >> 1 & 1;
        let is_headless = damage & 3 == 3;
        Self { file: copy, seed, good: Vec::new(), is_whole: true, is_headless }
    }

    fn put(&mut self, kind: u8, bytes: &[u8]) {
        let offset = (self.file.len() as u64).to_le_bytes();
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        let header_crc = crc32c_append(crc32c_append(self.seed, &offset), &len);
        let payload_crc = crc32c_append(header_crc, bytes);
        let (header_fault, payload_fault) = (u32::from(kind == 4), u32::from(kind == 5));
        if kind < 6 {
            self.file.extend_from_slice(&len);
            self.file.extend_from_slice(&(header_crc ^ header_fault).to_le_bytes());
            self.file.extend_from_slice(&(payload_crc ^ payload_fault).to_le_bytes());
        }
        self.file.extend_from_slice(bytes);
        if kind >= 4 {
            self.is_whole = false;
        } else if self.is_whole {
            self.good.push(bytes.to_vec());
        }
    }
}

fn make(input: &mut Input<'_>) -> Vec<Made> {
    let damage = input.byte();
    let mut made = vec![Made::begin(1, damage)];
    for _ in 0..PIECES_MAX {
        if input.0.is_empty() {
            break;
        }
        let (kind, bytes) = input.piece(PIECE_BYTES_MAX);
        let kind = kind % 8;
        if kind == 7 && made.len() < SEGMENTS_MAX {
            let number = made.len() as u64 + 1;
            made.push(Made::begin(number, damage >> (2 * (number - 1))));
            continue;
        }
        if let Some(last) = made.last_mut() {
            last.put(kind, bytes);
        }
    }
    if damage & 0x80 > 0
        && let Some(last) = made.last_mut()
    {
        // The last record torn anywhere.
        let kept = usize::from(input.byte()).min(last.file.len());
        let cut = last.file.len() - kept;
        if cut < last.file.len() {
            last.file.truncate(cut);
            (last.is_whole, last.good) = (false, Vec::new());
            last.is_headless |= cut < 96;
        }
    }
    made
}

type Read = Vec<(RecordAt, Position, Vec<u8>)>;

fn read(wal: &Wal, from: Position) -> (Read, wal::Replayed) {
    let mut read = Vec::new();
    let replayed = wal
        .read(from, |entry| {
            read.push((entry.at, entry.end, entry.payload.to_vec()));
            ControlFlow::Continue(())
        })
        .expect("a disk in memory is read");
    (read, replayed)
}

/// Reads what the input makes in every way there is.
pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    let made = make(&mut input);
    let disk = SimDisk::new(1);
    for (number, segment) in (1..).zip(&made) {
        disk.put(&Utf8PathBuf::from(format!("d/{number:016}.wal")), &segment.file);
    }
    let open = |policy| {
        let options = Options { sync: policy, ..Options::new("d") };
        Wal::open(options, Arc::new(disk.clone())).expect("damage keeps no log from opening")
    };
    let (mut wal, torn) = open(SyncPolicy::Never);
    let (records, mut replayed) = read(&wal, Position::START);

    let mut at = records.iter();
    for (number, segment) in (1..).zip(&made) {
        let mut here = at.as_slice().iter().take_while(|(at, _, _)| at.start.segment == number);
        if segment.is_headless {
            assert_eq!(here.next(), None, "nothing can be read without a header");
            continue;
        }
        let here: Vec<_> = here.collect();
        // What lies before a damaged place is read as it was.
        for (record, good) in here.iter().zip(&segment.good) {
            assert_eq!(&record.2, good);
        }
        assert!(here.len() >= segment.good.len());
        assert!(!segment.is_whole || here.len() == segment.good.len());
        at = at.as_slice()[here.len()..].iter();
    }
    assert_eq!(at.len(), 0, "records come in order");

    // Every byte is a record's, damaged, or torn.
    let total: usize = made.iter().map(|segment| segment.file.len()).sum();
    let headers = made.iter().filter(|segment| !segment.is_headless).count() as u64 * HEADER_BYTES;
    let read_bytes: u64 = records.iter().map(|(at, _, _)| u64::from(at.bytes)).sum();
    let lost = replayed.damage.bytes + replayed.damage.torn_bytes + torn.torn_bytes;
    assert_eq!(headers + read_bytes + lost, total as u64, "{replayed:?} {torn:?}");
    assert_eq!(replayed.damage.is_none(), replayed.damage.bytes == 0);
    assert_eq!(replayed.records, records.len() as u64);

    // From each position on the rest is read, and each record by itself.
    let snapshot = wal.snapshot();
    for (number, (at, end, payload)) in records.iter().enumerate().take(16) {
        assert_eq!(u64::from(at.bytes), payload.len() as u64 + FRAME_BYTES);
        assert_eq!(*at, RecordAt::ending(*end, payload.len()));
        assert_eq!(snapshot.get(*at).expect("it is read").as_ref(), Some(payload));
        assert_eq!(read(&wal, *end).0, records[number + 1..]);
    }
    if let (Some(first), Some(last)) = (records.first(), records.last()) {
        let mut seen = 0;
        let same = first.0.start.segment == last.1.segment;
        let whole = snapshot.read_stretch(first.0.start, last.1, |_| seen += 1);
        assert!(whole.is_ok() && (!same || seen >= records.len() || !replayed.damage.is_none()));
    }

    wal.quarantine(&mut replayed.damage);
    for region in &replayed.damage.regions {
        let copy = region.quarantined.as_ref().map(|path| disk.size(path).unwrap_or_default());
        assert_eq!(copy, Some(region.bytes));
    }
    // It goes on, and is read again as before.
    let now = Timestamp::from_secs(9);
    let end = wal.append(b"more", now).expect("a log with damage takes more");
    let (again, _) = open(SyncPolicy::Always);
    let (after, _) = read(&again, Position::START);
    assert_eq!(after[..records.len()], records);
    assert_eq!(after[records.len()..].len(), 1);
    assert_eq!((after[records.len()].1, &after[records.len()].2[..]), (end, &b"more"[..]));
}
