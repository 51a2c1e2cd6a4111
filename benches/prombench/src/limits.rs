//! `limits`: what this machine can do: memory, snappy, protobuf, disk.
use crate::{
    Args,
    data::{self, Instance, pb},
    ingest, sys,
};
use anyhow::Result;
use prost::Message;
use serde_json::json;
use std::{fs, hint::black_box, io::Write, path::Path, time::Instant};

/// Best and median seconds of `n` timed calls.
fn time(n: usize, mut f: impl FnMut()) -> (f64, f64) {
    let v: Vec<f64> = (0..n)
        .map(|_| {
            let t = Instant::now();
            f();
            t.elapsed().as_secs_f64()
        })
        .collect();
    (sys::quantile(&v, 0.0), sys::quantile(&v, 0.5))
}
pub fn run(a: &Args) -> Result<()> {
    let src = vec![7u8; 256 << 20];
    let mut dst = vec![1u8; 256 << 20];
    let (best, med) = time(9, || {
        dst.copy_from_slice(&src);
        black_box(&dst);
    });
    println!("{}", json!({"memcpy_gb_s": {"best": 0.268435 / best, "median": 0.268435 / med}}));
    drop((src, dst));
    // the payloads `ingest` sends: 2000 one-sample series each
    let l = ingest::layout(a);
    let (mut reqs, mut buf, mut n) = (vec![], vec![], 0);
    for id in 0..20 {
        let mut i = Instance::new(&l, id);
        for s in 0..2 {
            i.step(&l, s, sys::now_ms(), |lab, ts, v| {
                data::put_series(&mut buf, lab, ts, v);
                n += 1;
                if n % 2000 == 0 {
                    reqs.push(std::mem::take(&mut buf))
                }
            })
        }
    }
    let samples = (reqs.len() * 2000) as f64;
    let raw: usize = reqs.iter().map(Vec::len).sum();
    let zips: Vec<Vec<u8>> =
        reqs.iter().map(|r| snap::raw::Encoder::new().compress_vec(r).unwrap()).collect();
    let zip: usize = zips.iter().map(Vec::len).sum();
    let mut out = vec![0u8; reqs.iter().map(Vec::len).max().unwrap()];
    let (_, enc) = time(9, || {
        for r in &reqs {
            black_box(snap::raw::Encoder::new().compress_vec(r).unwrap());
        }
    });
    let (_, dec) = time(15, || {
        for z in &zips {
            black_box(snap::raw::Decoder::new().decompress(z, &mut out).unwrap());
        }
    });
    println!(
        "{}",
        json!({"payload": {"samples": samples, "raw_bytes_per_sample": raw as f64 / samples, "snappy_bytes_per_sample": zip as f64 / samples},
        "snappy_decode_gb_s_of_output": raw as f64 / dec / 1e9, "snappy_decode_samples_s": samples / dec, "snappy_encode_gb_s": raw as f64 / enc / 1e9})
    );
    let (_, p) = time(9, || {
        for r in &reqs {
            black_box(pb::WriteRequest::decode(&r[..]).unwrap());
        }
    });
    let mut acc = 0u64;
    let (_, z) = time(15, || {
        for r in &reqs {
            data::decode(r, false, |_, t, v| acc ^= t as u64 ^ v.to_bits()).unwrap();
        }
    });
    let (_, zh) = time(15, || {
        for r in &reqs {
            data::decode(r, true, |h, t, v| acc ^= h ^ t as u64 ^ v.to_bits()).unwrap();
        }
    });
    let (_, all) = time(15, || {
        for q in &zips {
            let k = snap::raw::Decoder::new().decompress(q, &mut out).unwrap();
            data::decode(&out[..k], true, |h, t, v| acc ^= h ^ t as u64 ^ v.to_bits()).unwrap();
        }
    });
    black_box(acc);
    println!(
        "{}",
        json!({"samples_s_per_core": {"prost_owned": samples / p, "zero_copy": samples / z, "zero_copy_and_label_hash": samples / zh, "snappy_zero_copy_label_hash": samples / all}})
    );
    let path = Path::new(a.str("dir", ".")).join("prombench-limits.tmp");
    let block = vec![0x5au8; 1 << 20];
    let mib = a.num("disk-mib", 2048.0) as usize;
    let mut f = fs::File::create(&path)?;
    let t = Instant::now();
    for _ in 0..mib {
        f.write_all(&block)?
    }
    f.sync_all()?;
    let seq = mib as f64 * 1.048576 / t.elapsed().as_secs_f64();
    let mut sync = |sz: usize| -> Result<Vec<f64>> {
        (0..300)
            .map(|_| {
                f.write_all(&block[..sz])?;
                let t = Instant::now();
                f.sync_data()?;
                Ok(t.elapsed().as_secs_f64() * 1e3)
            })
            .collect()
    };
    let (s4, s64) = (sync(4096)?, sync(65536)?);
    fs::remove_file(&path)?;
    let q = |v: &[f64]| json!({"p50": sys::quantile(v, 0.5), "p99": sys::quantile(v, 0.99), "max": sys::quantile(v, 1.0)});
    println!(
        "{}",
        json!({"disk_seq_write_fsync_mb_s": seq, "fdatasync_4k_ms": q(&s4), "fdatasync_64k_ms": q(&s64)})
    );
    Ok(())
}
