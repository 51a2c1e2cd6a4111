//! A disk in memory that forgets what was not synced, tears writes, fails and rots, all from a seed.

use std::{
    collections::BTreeMap,
    io::{self, ErrorKind},
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};
use parking_lot::Mutex;

use super::{Disk, DiskFile, DiskRead};

/// What happens to one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An input/output error; of a write, a random part has happened; of a sync, nothing, and no later one makes up for it.
    Io,
    /// No space; of a write, a random part has happened.
    Full,
    /// The machine stops here, a write half done: this and every later operation fails until [`SimDisk::kill`] or
    /// [`SimDisk::power_loss`].
    Crash,
}

/// What is written is seen at once, and survives [`SimDisk::kill`]; only what was synced is sure to survive
/// [`SimDisk::power_loss`]. A sector has 512 bytes. Clones share the disk.
#[derive(Clone, Debug)]
pub struct SimDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    random: u64,
    inodes: Vec<Inode>,
    names: BTreeMap<Utf8PathBuf, usize>,
    durable_names: BTreeMap<Utf8PathBuf, usize>,
    /// Operations so far that change the disk.
    ops: u64,
    faults: BTreeMap<u64, Fault>,
    capacity: Option<u64>,
    crashed: bool,
    /// Which life of the process it is: files opened in an earlier one are dead.
    life: u64,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    now: Vec<u8>,
    durable: Vec<u8>,
    /// A sync failed: the kernel believes the pages clean and will not write them again.
    pages_lost: bool,
}

const SECTOR_BYTES: usize = 512;

impl SimDisk {
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            random: seed,
            inodes: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            ops: 0,
            faults: BTreeMap::new(),
            capacity: None,
            crashed: false,
            life: 0,
        })))
    }

    /// How many operations have changed the disk, or failed to, so far; the first has number 1.
    pub fn ops(&self) -> u64 {
        self.0.lock().ops
    }

    /// Lets operation number `op` fail.
    pub fn fail_at(&self, op: u64, fault: Fault) {
        self.0.lock().faults.insert(op, fault);
    }

    /// Forgets faults that were asked for and have not come.
    pub fn clear_faults(&self) {
        self.0.lock().faults.clear();
    }

    /// How many bytes the disk holds; `None` is without end.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.0.lock().capacity = bytes;
    }

    /// Flips the bits of `mask` in one byte, as rot does. Without effect beyond the file's end.
    pub fn flip(&self, path: &Utf8Path, offset: u64, mask: u8) {
        let mut state = self.0.lock();
        let Some(&inode) = state.names.get(path) else { return };
        let inode = &mut state.inodes[inode];
        let Ok(offset) = usize::try_from(offset) else { return };
        for bytes in [&mut inode.now, &mut inode.durable] {
            if let Some(byte) = bytes.get_mut(offset) {
                *byte ^= mask;
            }
        }
    }

    /// Puts a file of these bytes on the disk, durably.
    pub fn put(&self, path: &Utf8Path, bytes: &[u8]) {
        let mut state = self.0.lock();
        let inode = state.inodes.len();
        state.inodes.push(Inode {
            now: bytes.to_vec(),
            durable: bytes.to_vec(),
            pages_lost: false,
        });
        state.names.insert(path.to_owned(), inode);
        state.durable_names.insert(path.to_owned(), inode);
    }

    /// All files.
    pub fn files(&self) -> Vec<Utf8PathBuf> {
        self.0.lock().names.keys().cloned().collect()
    }

    /// The process dies: what was written stays.
    pub fn kill(&self) {
        let mut state = self.0.lock();
        state.crashed = false;
        state.life += 1;
    }

    /// The machine loses power: of what was not synced, a random part stays, perhaps torn.
    pub fn power_loss(&self) {
        let mut state = self.0.lock();
        state.crashed = false;
        state.life += 1;
        state.lose_names();
        for at in 0..state.inodes.len() {
            let inode = std::mem::take(&mut state.inodes[at]);
            let bytes = state.after_power_loss(&inode);
            state.inodes[at] = Inode { now: bytes.clone(), durable: bytes, pages_lost: false };
        }
    }
}

impl State {
    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("a length in memory fits 64 bits");
        usize::try_from(self.random() % end.max(1)).expect("below a usize")
    }

    fn lose_names(&mut self) {
        let now = std::mem::take(&mut self.names);
        let durable = std::mem::take(&mut self.durable_names);
        let mut names = BTreeMap::new();
        let all: std::collections::BTreeSet<_> = now.keys().chain(durable.keys()).collect();
        for name in all {
            let survivor = match (now.get(name), durable.get(name)) {
                (a, b) if a == b => a,
                (a, b) => {
                    if self.random().is_multiple_of(2) {
                        a
                    } else {
                        b
                    }
                }
            };
            if let Some(inode) = survivor {
                names.insert(name.clone(), *inode);
            }
        }
        self.durable_names = names.clone();
        self.names = names;
    }

    fn after_power_loss(&mut self, inode: &Inode) -> Vec<u8> {
        let Some(pending) = inode.now.strip_prefix(&inode.durable[..]) else {
            return if self.random().is_multiple_of(2) {
                inode.now.clone()
            } else {
                inode.durable.clone()
            };
        };
        let kept = self.below(pending.len() + 1);
        let mut bytes = inode.durable.clone();
        bytes.extend_from_slice(&pending[..kept]);
        // Sectors reach the disk in any order: of the unsynced ones, some hold what was there before.
        let mut sector = inode.durable.len();
        while sector < bytes.len() {
            let end = bytes.len().min((sector / SECTOR_BYTES + 1) * SECTOR_BYTES);
            if self.random().is_multiple_of(16) {
                bytes[sector..end].fill(0);
            }
            sector = end;
        }
        bytes
    }

    fn alive(&self) -> io::Result<()> {
        if self.crashed { Err(io::Error::other("the simulated machine is down")) } else { Ok(()) }
    }

    /// Counts an operation; the fault that is due for it.
    fn op(&mut self) -> io::Result<Option<Fault>> {
        self.alive()?;
        self.ops += 1;
        let fault = self.faults.remove(&self.ops);
        if fault == Some(Fault::Crash) {
            self.crashed = true;
        }
        Ok(fault)
    }

    /// An operation that happens whole or not at all.
    fn atomic_op(&mut self) -> io::Result<()> {
        self.op()?.map_or(Ok(()), |fault| Err(error(fault)))
    }

    fn inode(&self, path: &Utf8Path) -> io::Result<usize> {
        self.alive()?;
        self.names.get(path).copied().ok_or_else(|| io::Error::from(ErrorKind::NotFound))
    }

    fn bytes(&self, inode: usize, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        self.inodes[inode]
            .now
            .get(offset..)
            .and_then(|rest| rest.get(..len))
            .map(<[u8]>::to_vec)
            .ok_or_else(|| ErrorKind::UnexpectedEof.into())
    }

    fn used(&self) -> u64 {
        let used: usize = self.names.values().map(|inode| self.inodes[*inode].now.len()).sum();
        u64::try_from(used).expect("a length in memory fits 64 bits")
    }

    fn free(&self) -> u64 {
        self.capacity.unwrap_or(u64::MAX).saturating_sub(self.used())
    }

    fn append(&mut self, inode: usize, bytes: &[u8]) -> io::Result<()> {
        let fault = self.op()?;
        let room = usize::try_from(self.free()).unwrap_or(usize::MAX);
        let (written, result) = match fault {
            Some(fault) => (self.below(bytes.len() + 1), Err(error(fault))),
            None if room < bytes.len() => (room, Err(error(Fault::Full))),
            None => (bytes.len(), Ok(())),
        };
        self.inodes[inode].now.extend_from_slice(&bytes[..written]);
        result
    }

    fn sync(&mut self, inode: usize) -> io::Result<()> {
        let fault = self.op()?;
        let inode = &mut self.inodes[inode];
        if let Some(fault) = fault {
            inode.pages_lost |= fault != Fault::Crash;
            return Err(error(fault));
        }
        if !inode.pages_lost {
            inode.durable.clone_from(&inode.now);
        }
        Ok(())
    }
}

fn error(fault: Fault) -> io::Error {
    match fault {
        Fault::Io => io::Error::other("simulated input/output error"),
        Fault::Full => io::Error::from(ErrorKind::StorageFull),
        Fault::Crash => io::Error::other("the simulated machine stops"),
    }
}

impl Disk for SimDisk {
    fn create_dir_all(&self, _dir: &Utf8Path) -> io::Result<()> {
        self.0.lock().alive()
    }

    fn list(&self, dir: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
        let state = self.0.lock();
        state.alive()?;
        Ok(state.names.keys().filter(|path| path.parent() == Some(dir)).cloned().collect())
    }

    fn size(&self, path: &Utf8Path) -> io::Result<u64> {
        let state = self.0.lock();
        let inode = state.inode(path)?;
        Ok(u64::try_from(state.inodes[inode].now.len()).expect("a length in memory fits 64 bits"))
    }

    fn read(&self, path: &Utf8Path) -> io::Result<Vec<u8>> {
        let state = self.0.lock();
        let inode = state.inode(path)?;
        Ok(state.inodes[inode].now.clone())
    }

    fn read_at(&self, path: &Utf8Path, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let state = self.0.lock();
        let inode = state.inode(path)?;
        state.bytes(inode, offset, len)
    }

    fn open(&self, path: &Utf8Path) -> io::Result<Arc<dyn DiskRead>> {
        let state = self.0.lock();
        let inode = state.inode(path)?;
        Ok(Arc::new(SimFile { disk: self.clone(), inode, life: state.life }))
    }

    fn link(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        let mut state = self.0.lock();
        let inode = state.inode(from)?;
        state.atomic_op()?;
        if state.names.contains_key(to) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        state.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn create(&self, path: &Utf8Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.0.lock();
        state.atomic_op()?;
        if state.names.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let inode = state.inodes.len();
        state.inodes.push(Inode::default());
        state.names.insert(path.to_owned(), inode);
        Ok(Box::new(SimFile { disk: self.clone(), inode, life: state.life }))
    }

    fn truncate(&self, path: &Utf8Path, len: u64) -> io::Result<()> {
        let mut state = self.0.lock();
        let inode = state.inode(path)?;
        state.atomic_op()?;
        state.inodes[inode].now.truncate(usize::try_from(len).unwrap_or(usize::MAX));
        state.sync(inode)
    }

    fn rename(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        let mut state = self.0.lock();
        let inode = state.inode(from)?;
        state.atomic_op()?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn remove(&self, path: &Utf8Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.inode(path)?;
        state.atomic_op()?;
        state.names.remove(path);
        Ok(())
    }

    fn sync_dir(&self, dir: &Utf8Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.atomic_op()?;
        let inside = |path: &Utf8Path| path.parent() == Some(dir);
        state.durable_names.retain(|path, _| !inside(path));
        let now: Vec<_> = state
            .names
            .iter()
            .filter(|(path, _)| inside(path))
            .map(|(path, inode)| (path.clone(), *inode))
            .collect();
        state.durable_names.extend(now);
        Ok(())
    }

    fn free_bytes(&self, _dir: &Utf8Path) -> io::Result<u64> {
        let state = self.0.lock();
        state.alive()?;
        Ok(state.free())
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: usize,
    life: u64,
}

impl SimFile {
    fn state(&self) -> io::Result<parking_lot::MutexGuard<'_, State>> {
        let state = self.disk.0.lock();
        if state.life == self.life {
            Ok(state)
        } else {
            Err(io::Error::other("the file was opened by a process that has died"))
        }
    }
}

impl DiskFile for SimFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.state()?.append(self.inode, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.state()?.sync(self.inode)
    }

    fn again(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Self { disk: self.disk.clone(), inode: self.inode, life: self.life }))
    }
}

impl DiskRead for SimFile {
    fn read_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let state = self.state()?;
        state.alive()?;
        state.bytes(self.inode, offset, len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk_with(synced: &[u8], pending: &[u8], seed: u64) -> SimDisk {
        let disk = SimDisk::new(seed);
        let mut file = disk.create("d/f".into()).unwrap();
        file.append(synced).unwrap();
        file.sync().unwrap();
        disk.sync_dir("d".into()).unwrap();
        file.append(pending).unwrap();
        disk
    }

    #[test]
    fn a_kill_keeps_what_was_written_and_power_loss_what_was_synced() {
        let mut lost = 0;
        for seed in 0..50 {
            let disk = disk_with(b"synced", b"pending", seed);
            disk.kill();
            assert_eq!(disk.read("d/f".into()).unwrap(), b"syncedpending");
            disk.power_loss();
            let after = disk.read("d/f".into()).unwrap();
            assert!(after.starts_with(b"synced"), "seed {seed}");
            lost += u32::from(after != b"syncedpending");
        }
        assert!(lost > 10);
    }

    #[test]
    fn a_name_that_was_not_synced_may_go() {
        let survivors = (0..50).filter(|seed| {
            let disk = SimDisk::new(*seed);
            let mut file = disk.create("d/f".into()).unwrap();
            file.append(b"x").unwrap();
            file.sync().unwrap();
            disk.power_loss();
            disk.read("d/f".into()).is_ok()
        });
        assert!((5..45).contains(&survivors.count()));
    }

    #[test]
    fn a_failed_sync_is_never_made_good() {
        let disk = disk_with(b"", b"pending", 1);
        let mut file = disk.create("d/g".into()).unwrap();
        file.append(b"pending").unwrap();
        disk.sync_dir("d".into()).unwrap();
        disk.fail_at(disk.ops() + 1, Fault::Io);
        assert!(file.sync().is_err());
        file.sync().unwrap();
        assert!(disk.0.lock().inodes.iter().all(|inode| inode.durable.is_empty()));
    }

    #[test]
    fn a_full_disk_takes_a_part() {
        let disk = SimDisk::new(3);
        disk.set_capacity(Some(10));
        let mut file = disk.create("d/f".into()).unwrap();
        file.append(b"12345678").unwrap();
        assert_eq!(disk.free_bytes("d".into()).unwrap(), 2);
        assert_eq!(file.append(b"abcd").unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(disk.read("d/f".into()).unwrap(), b"12345678ab");
    }

    #[test]
    fn nothing_works_after_a_crash_until_the_restart() {
        let disk = disk_with(b"a", b"", 5);
        disk.fail_at(disk.ops() + 1, Fault::Crash);
        assert!(disk.remove("d/f".into()).is_err());
        assert!(disk.read("d/f".into()).is_err());
        disk.kill();
        assert_eq!(disk.read("d/f".into()).unwrap(), b"a");
    }
}
