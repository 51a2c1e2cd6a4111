//! Walks the records of one segment, around whatever is damaged.

use std::ops::ControlFlow;

use crate::frame::{self, Frame, HEADER_BYTES};

/// What lies in a stretch of a segment. Offsets are from the start of the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stretch<'a> {
    Record {
        start: usize,
        end: usize,
        payload: &'a [u8],
    },
    Damaged {
        start: usize,
        end: usize,
    },
    /// A last record whose writing did not finish; reaches to the end of the file.
    Torn {
        start: usize,
    },
}

/// Visits the stretches of `file` from `start`, which is a place between records, to its end.
pub(crate) fn scan<'a>(
    file: &'a [u8],
    seed: u32,
    start: usize,
    visit: &mut dyn FnMut(Stretch<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut at = start;
    while at < file.len() {
        let stretch = stretch(file, seed, at);
        at = match stretch {
            Stretch::Record { end, .. } | Stretch::Damaged { end, .. } => end,
            Stretch::Torn { .. } => file.len(),
        };
        visit(stretch)?;
    }
    ControlFlow::Continue(())
}

fn stretch(file: &[u8], seed: u32, start: usize) -> Stretch<'_> {
    match decode_at(file, seed, start) {
        Frame::Whole(payload) => {
            Stretch::Record { start, end: start + HEADER_BYTES + payload.len(), payload }
        }
        Frame::BadPayload(len) => {
            let end = start + HEADER_BYTES + len;
            if end == file.len() && all_zero(&file[start + HEADER_BYTES..]) {
                Stretch::Torn { start }
            } else {
                Stretch::Damaged { start, end }
            }
        }
        Frame::CutPayload | Frame::CutHeader => Stretch::Torn { start },
        Frame::NoRecord => match next_record(file, seed, start + 1) {
            Some(end) => Stretch::Damaged { start, end },
            // A file can be longer on the disk than what of it was written when power failed.
            None if all_zero(&file[start..]) => Stretch::Torn { start },
            None => Stretch::Damaged { start, end: file.len() },
        },
    }
}

/// Where the next whole record starts, looked for byte by byte.
fn next_record(file: &[u8], seed: u32, from: usize) -> Option<usize> {
    (from..file.len()).find(|at| matches!(decode_at(file, seed, *at), Frame::Whole(_)))
}

fn decode_at(file: &[u8], seed: u32, at: usize) -> Frame<'_> {
    frame::decode(&file[at..], seed, u64::try_from(at).expect("an offset in memory fits 64 bits"))
}

fn all_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(payloads: &[&[u8]]) -> Vec<u8> {
        let mut file = Vec::new();
        for payload in payloads {
            let offset = u64::try_from(file.len()).unwrap();
            frame::encode(&mut file, 1, offset, payload);
        }
        file
    }

    fn check(file: &[u8], expected: &str) {
        let mut seen = String::new();
        let flow = scan(file, 1, 0, &mut |stretch| {
            seen += &match stretch {
                Stretch::Record { payload, .. } => String::from_utf8_lossy(payload).into_owned(),
                Stretch::Damaged { start, end } => format!("-{start}..{end}"),
                Stretch::Torn { start } => format!("~{start}"),
            };
            seen.push(' ');
            ControlFlow::Continue(())
        });
        assert!(flow.is_continue());
        assert_eq!(seen.trim_end(), expected);
    }

    #[test]
    fn goes_around_damage() {
        let good = file(&[b"a", b"b", b"c"]);
        check(&good, "a b c");
        let damaged = |at: usize| {
            let mut bytes = good.clone();
            bytes[at] ^= 0x10;
            bytes
        };
        check(&damaged(13), "a -13..26 c");
        check(&damaged(25), "a -13..26 c");
        check(&damaged(0), "-0..13 b c");
        check(&damaged(38), "a b -26..39");
        check(&damaged(26), "a b -26..39");
    }

    #[test]
    fn a_torn_tail_is_no_damage() {
        let good = file(&[b"a", b"b", b"c"]);
        check(&good[..38], "a b ~26");
        check(&good[..27], "a b ~26");
        let mut zeros = good.clone();
        zeros.extend_from_slice(&[0; 700]);
        check(&zeros, "a b c ~39");
    }

    #[test]
    fn a_payload_that_quotes_a_log_is_not_read_as_one() {
        let inner = file(&[b"forged"]);
        let mut bytes = file(&[&inner, b"real"]);
        bytes[0] ^= 1;
        check(&bytes, &format!("-0..{} real", inner.len() + HEADER_BYTES));
    }
}
