//! Parts that say what is not so, behind checksums that are right.

use wal::SimDisk;

use super::*;
use crate::{
    codec::{Mode, Role},
    directory::DirectoryWriter,
};

fn shared() -> (SimDisk, Shared) {
    let disk = SimDisk::new(1);
    let shared = Shared::new(Arc::new(disk.clone()), "t".into(), 0);
    (disk, shared)
}

fn write(shared: &Shared) -> PartMeta {
    let path = path(&shared.dir, 1);
    let mut writer = PartWriter::create(&*shared.disk, path, 1, Mode::Fast).unwrap();
    let mut points = model::Points::default();
    (0..50).for_each(|at| points.push(at, 1.0));
    writer.push(7, Role::Plain, &mut points).unwrap();
    writer.finish(&*shared.disk, 0, 0).unwrap().unwrap()
}

/// Puts a directory in the place of the part's.
fn direct(disk: &SimDisk, shared: &Shared, meta: &mut PartMeta, directory: &[u8]) -> Part {
    let path = path(&shared.dir, 1);
    let mut file = disk.read(&path).unwrap();
    file.truncate(usize::try_from(meta.directory_offset).unwrap());
    file.extend_from_slice(&directory.repeat(2));
    disk.put(&path, &file);
    meta.directory_bytes = directory.len() as u64;
    meta.directory_crc = crc32c(directory);
    Part::open(shared, meta.clone()).unwrap()
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    let (_, shared) = shared();
    let good = write(&shared);
    let check = |change: fn(&mut PartMeta)| {
        let mut meta = good.clone();
        change(&mut meta);
        let mut bytes = Vec::new();
        meta.put(&mut bytes);
        PartMeta::read(&mut Reader::new(&bytes))
    };
    assert_eq!(check(|_| ()), Ok(good.clone()));
    // More than the file has would be taken from memory; sums over them would wrap.
    let lies: [fn(&mut PartMeta); 7] = [
        |meta| meta.number = u64::MAX,
        |meta| meta.directory_bytes = u64::MAX,
        |meta| meta.directory_bytes = 1 << 40,
        |meta| meta.directory_offset = u64::MAX,
        |meta| meta.directory_offset = meta.bytes,
        |meta| meta.samples = u64::MAX,
        |meta| meta.bytes = u64::MAX,
    ];
    for lie in lies {
        assert_eq!(check(lie).unwrap_err().what, "size");
    }
}

#[test]
fn a_directory_that_is_malformed_behind_its_checksum_is_told() {
    let (disk, shared) = shared();
    let mut meta = write(&shared);
    let outside = SectionRef {
        offset: meta.directory_offset - 1,
        bytes: 2,
        samples: 1,
        min_ms: 0,
        max_ms: 1,
    };
    let mut writer = DirectoryWriter::default();
    writer.add(&[7], &[1], &[outside]);
    let cases = [
        (vec![1, 1], "the directory is malformed"),
        (writer.finish(), "the directory names bytes that are no sections"),
    ];
    for (directory, what) in cases {
        let part = direct(&disk, &shared, &mut meta, &directory);
        assert!(part.directory(&shared).unwrap().is_none());
        let (listed, _) = shared.faults.list();
        let last = listed.last().unwrap();
        assert_eq!((&*last.what, last.samples), (what, 50));
    }
}

#[test]
fn a_section_with_other_samples_than_the_directory_says_is_damaged() {
    let (disk, shared) = shared();
    let mut meta = write(&shared);
    let part = Part::open(&shared, meta.clone()).unwrap();
    let section = part.directory(&shared).unwrap().unwrap().sections()[0];
    assert!(part.read_section(&shared, section).unwrap().is_some());
    let mut writer = DirectoryWriter::default();
    writer.add(&[7], &[49], &[SectionRef { samples: 1, ..section }]);
    let part = direct(&disk, &shared, &mut meta, &writer.finish());
    let section = part.directory(&shared).unwrap().unwrap().sections()[0];
    assert!(part.read_section(&shared, section).unwrap().is_none());
    assert_eq!(shared.faults.list().0.len(), 1);
}
