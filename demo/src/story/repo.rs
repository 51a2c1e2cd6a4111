//! The shop's production repo, carried in the program.

use std::{io, path::Path};

/// The address in the repo's `routing.yaml`, in whose place the running receiver's goes.
const RECEIVER_URL: &str = "http://127.0.0.1:9095/page";

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../repo/", $path)))),*]
    };
}

/// Each file's path in the repo and its text.
pub(super) const FILES: &[(&str, &str)] = files![
    "policies/default.yaml",
    "routing.yaml",
    "runbooks/checkout-failing.md",
    "runbooks/payment-provider-down.md",
    "services/auth.yaml",
    "services/cart.yaml",
    "services/catalog.yaml",
    "services/checkout.yaml",
    "services/payment.yaml",
    "services/search.yaml",
    "services/web.yaml",
    "slos/checkout-availability.yaml",
    "slos/payment-availability.yaml",
    "slos/web-availability.yaml",
    "slos/web-latency.yaml",
];

/// Writes the production repo into `dir`, with `receiver_url` as the address that pages go to.
///
/// # Errors
/// A file or folder that cannot be written.
pub fn write_repo(dir: &Path, receiver_url: &str) -> io::Result<()> {
    for (path, text) in FILES {
        let path = dir.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, text.replace(RECEIVER_URL, receiver_url))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_disk(dir: &Path, prefix: &str, out: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() {
                on_disk(&entry.path(), &format!("{name}/"), out);
            } else {
                out.push(name);
            }
        }
    }

    #[test]
    fn every_file_of_the_repo_is_carried() {
        let mut found = Vec::new();
        on_disk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("repo"), "", &mut found);
        found.sort();
        assert_eq!(found, FILES.iter().map(|(path, _)| (*path).to_owned()).collect::<Vec<_>>());
    }

    #[test]
    fn pages_go_to_the_receiver_that_runs() {
        let dir = tempfile::tempdir().unwrap();
        write_repo(dir.path(), "http://127.0.0.1:4/x").unwrap();
        let routing = std::fs::read_to_string(dir.path().join("routing.yaml")).unwrap();
        assert!(routing.contains("http://127.0.0.1:4/x") && !routing.contains(RECEIVER_URL));
    }
}
