//! Finds the built web application, or says that a release lacks it.

#![expect(clippy::disallowed_methods, reason = "cargo tells build scripts by the environment")]

use std::{env, fs, path::PathBuf};

fn main() -> Result<(), String> {
    let missing = |name: &str| format!("cargo sets `{name}`");
    let manifest = env::var("CARGO_MANIFEST_DIR").map_err(|_| missing("CARGO_MANIFEST_DIR"))?;
    let dist = PathBuf::from(manifest).join("../../web/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    println!("cargo::rerun-if-env-changed=EVENKEEL_ALLOW_NO_WEB");
    println!("cargo::rustc-check-cfg=cfg(web_app)");
    if dist.join("index.html").exists() {
        println!("cargo::rustc-cfg=web_app");
        println!("cargo::rustc-env=EVENKEEL_WEB_DIST={}", dist.display());
        return Ok(());
    }
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if release && env::var_os("EVENKEEL_ALLOW_NO_WEB").is_none_or(|value| value != "1") {
        return Err("the web application is not built: run `npm --prefix web ci && npm --prefix web run build`, \
             or set EVENKEEL_ALLOW_NO_WEB=1 to build without it"
            .to_owned());
    }
    let out = env::var("OUT_DIR").map_err(|_| missing("OUT_DIR"))?;
    let empty = PathBuf::from(out).join("no-web");
    fs::create_dir_all(&empty).map_err(|error| error.to_string())?;
    println!("cargo::rustc-env=EVENKEEL_WEB_DIST={}", empty.display());
    Ok(())
}
