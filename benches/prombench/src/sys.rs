//! Process accounting from /proc, durations, child servers.
use anyhow::{Context, Result, bail};
use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// User + system CPU seconds of a process, all threads (living and joined).
pub fn cpu(pid: u32) -> f64 {
    let s = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let f: Vec<&str> = s.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let hz = unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64;
    if f.len() < 13 {
        return 0.0;
    }
    (f[11].parse::<f64>().unwrap_or(0.0) + f[12].parse::<f64>().unwrap_or(0.0)) / hz
}
/// A `VmHWM:`/`VmRSS:` line of /proc/PID/status, in bytes.
pub fn vm(pid: u32, key: &str) -> u64 {
    fs::read_to_string(format!("/proc/{pid}/status"))
        .unwrap_or_default()
        .lines()
        .find_map(|l| l.strip_prefix(key)?.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}
/// Allocated bytes below a directory (as `du`).
pub fn dir_bytes(p: &Path) -> u64 {
    let Ok(rd) = fs::read_dir(p) else { return 0 };
    rd.flatten()
        .map(|e| match e.metadata() {
            Ok(m) if m.is_dir() => dir_bytes(&e.path()),
            Ok(m) => m.blocks() * 512,
            _ => 0,
        })
        .sum()
}
/// Go-style Prometheus duration to ms; a bare number is seconds.
pub fn duration_ms(s: &str) -> Option<i64> {
    if let Ok(v) = s.parse::<f64>() {
        return Some((v * 1000.0).round() as i64);
    }
    let (mut total, mut rest) = (0i64, s);
    while !rest.is_empty() {
        let d = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let u = rest[d..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |x| x + d);
        let n: f64 = rest[..d].parse().ok()?;
        let mul = match &rest[d..u] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "y" => 31_536_000_000i64,
            _ => return None,
        };
        total += (n * mul as f64).round() as i64;
        rest = &rest[u..];
    }
    Some(total)
}

/// A server started by the harness; killed (by its own pid) when dropped.
pub struct Server {
    pub child: Child,
    pub url: String,
    pub started: Instant,
    dir: Option<std::path::PathBuf>,
}
impl Server {
    /// `cmd` with {port} and {dir} substituted, run with `exec` so the pid is the server's own.
    pub fn spawn(cmd: &str, port: u16, dir: &Path, remove_dir: bool) -> Result<Server> {
        fs::create_dir_all(dir)?;
        let c = cmd.replace("{port}", &port.to_string()).replace("{dir}", &dir.to_string_lossy());
        let log = fs::File::create(dir.with_extension("log"))?;
        let child = Command::new("sh")
            .arg("-c")
            .arg(format!("exec {c}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("spawn")?;
        Ok(Server {
            child,
            url: format!("http://127.0.0.1:{port}"),
            started: Instant::now(),
            dir: remove_dir.then(|| dir.to_path_buf()),
        })
    }
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
    pub fn wait_ready(&mut self, limit: Duration) -> Result<Duration> {
        let mut c = crate::http::Client::new(&self.url)?;
        loop {
            for p in ["/-/ready", "/health"] {
                if matches!(c.get(p), Ok((200, _))) {
                    return Ok(self.started.elapsed());
                }
            }
            if let Some(st) = self.child.try_wait()? {
                bail!("server exited early: {st}")
            }
            if self.started.elapsed() > limit {
                bail!("server not ready after {limit:?}")
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(d) = &self.dir {
            let _ = fs::remove_dir_all(d);
            let _ = fs::remove_file(d.with_extension("log"));
        }
    }
}
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
/// q-quantile (nearest rank) of a list.
pub fn quantile(v: &[f64], q: f64) -> f64 {
    let mut s = v.to_vec();
    s.sort_by(f64::total_cmp);
    if s.is_empty() {
        f64::NAN
    } else {
        s[((s.len() as f64 * q).ceil() as usize).clamp(1, s.len()) - 1]
    }
}
