//! Where the configuration and the data are when nobody says so: the XDG base directories.

use std::path::PathBuf;

use camino::{Utf8Path, Utf8PathBuf};

use crate::exit::{Exit, Failure};

const FILE: &str = "evenkeel.yaml";

/// The file that was asked for, which must be there; else the first of the usual places.
pub(super) fn config_file(asked: Option<&Utf8Path>) -> Result<Option<Utf8PathBuf>, Failure> {
    if let Some(path) = asked {
        return match path.is_file() {
            true => Ok(Some(path.to_owned())),
            false => Err(Failure::text(
                Exit::BadConfiguration,
                format!("there is no configuration file `{path}`"),
            )),
        };
    }
    let places = [
        Some(Utf8PathBuf::from(FILE)),
        base("XDG_CONFIG_HOME", ".config").map(|base| base.join("evenkeel").join(FILE)),
        Some(Utf8Path::new("/etc/evenkeel").join(FILE)),
    ];
    Ok(places.into_iter().flatten().find(|path| path.is_file()))
}

/// `$XDG_DATA_HOME/evenkeel`, or below the home directory.
pub(super) fn data_dir() -> Result<Utf8PathBuf, Failure> {
    base("XDG_DATA_HOME", ".local/share").map(|base| base.join("evenkeel")).ok_or_else(|| {
        Failure::text(
            Exit::BadConfiguration,
            "there is no home directory to keep data in; set --data-dir or EVENKEEL_DATA_DIR",
        )
    })
}

/// A base directory as XDG has it: absolute, or it does not count.
fn base(variable: &str, below_home: &str) -> Option<Utf8PathBuf> {
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below_home)))
}

#[expect(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
fn absolute(variable: &str) -> Option<Utf8PathBuf> {
    let path = std::env::var(variable).ok().map(PathBuf::from)?;
    Utf8PathBuf::from_path_buf(path).ok().filter(|path| path.is_absolute())
}
