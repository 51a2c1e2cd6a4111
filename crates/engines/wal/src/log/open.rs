//! Finds the segments and brings the last one to a clean end that is on the disk.

use std::ops::ControlFlow;

use camino::Utf8PathBuf;

use super::{error::OpenError, renew};
use crate::{
    Damage, Disk, Options,
    read::{Known, Segment, to_u64},
    scan::{Stretch, scan},
    segment::{self, HEADER_BYTES, Parsed, VERSION},
};

pub(super) struct Opened {
    pub(super) segments: Vec<Segment>,
    pub(super) damage: Damage,
}

pub(super) fn open(options: &Options, disk: &dyn Disk) -> Result<Opened, OpenError> {
    let dir = &options.dir;
    let files = disk.create_dir_all(dir).and_then(|()| disk.list(dir));
    let files = files.map_err(|source| OpenError::Directory { dir: dir.clone(), source })?;
    renew::renew_marked(disk, &files)
        .map_err(|(path, source)| OpenError::Segment { path, source })?;
    let mut segments = Vec::new();
    for path in files {
        if let Some(number) = segment::number(&path) {
            segments.push(inspect(disk, path, number)?);
        }
    }
    let mut damage = Damage::default();
    if let Some(last) = segments.last_mut() {
        finish(disk, last, &mut damage)?;
    }
    Ok(Opened { segments, damage })
}

fn inspect(disk: &dyn Disk, path: Utf8PathBuf, number: u64) -> Result<Segment, OpenError> {
    let size = disk.size(&path);
    let header = size.and_then(|bytes| {
        let len = usize::try_from(bytes).unwrap_or(usize::MAX).min(HEADER_BYTES);
        Ok((bytes, disk.read_at(&path, 0, len)?))
    });
    let (bytes, header) = match header {
        Ok(found) => found,
        Err(source) => return Err(OpenError::Segment { path, source }),
    };
    let header = match segment::parse(&header) {
        Parsed::Header(header, seed) if header.number == number => {
            Some(Known { seed, created: header.created, previous_end: header.previous_end })
        }
        Parsed::Header(..) | Parsed::Damaged | Parsed::Cut => None,
        Parsed::Version(found) => return Err(OpenError::Version { path, found, max: VERSION }),
    };
    Ok(Segment { number, path, header, bytes })
}

fn finish(disk: &dyn Disk, segment: &mut Segment, damage: &mut Damage) -> Result<(), OpenError> {
    let Some(known) = segment.header else { return Ok(()) };
    let file = disk
        .read(&segment.path)
        .map_err(|source| OpenError::Segment { path: segment.path.clone(), source })?;
    let mut torn = None;
    let flow = scan(&file, known.seed, HEADER_BYTES, &mut |stretch| {
        if let Stretch::Torn { start } = stretch {
            torn = Some(to_u64(start));
        }
        ControlFlow::Continue(())
    });
    debug_assert!(flow.is_continue());
    let end = torn.unwrap_or(segment.bytes);
    // Even with nothing to cut: the process that wrote the segment may have died before it synced it.
    disk.truncate(&segment.path, end).map_err(|source| {
        // The next start would be told that all is well.
        drop(renew::renew(disk, &segment.path));
        OpenError::Truncate { path: segment.path.clone(), source }
    })?;
    damage.torn_bytes += segment.bytes - end;
    segment.bytes = end;
    Ok(())
}
