//! Which runbook helps with an incident, and where people read it.

use incident::Incident;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::files::{Repo, Runbook};

/// What may stand in an address as it is (RFC 3986, section 2.3); a slash stays one.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The address of the runbook of the SLO that burns, else of the service: a link that the catalogue calls one, else the page
/// of the file in the production repo.
pub fn address(repo: &Repo, external_url: &str, incident: &Incident) -> Option<String> {
    let service = &incident.key.service;
    let burns = |slo: &str| incident.alerts.iter().any(|alert| alert.slo.as_deref() == Some(slo));
    let first = |fits: &dyn Fn(&&Runbook) -> bool| repo.runbooks.iter().find(fits);
    let page = |runbook: &Runbook| {
        // Pages are below `/p/runbooks/`, as the files are below `runbooks/`.
        let path = runbook.path.strip_prefix("runbooks/").unwrap_or(&runbook.path);
        format!("{external_url}/p/runbooks/{}", utf8_percent_encode(path, ESCAPED))
    };
    let link = || {
        let entry = repo.services.iter().find(|entry| entry.name == *service)?;
        let names = |title: &str| title.to_lowercase().contains("runbook");
        entry.links.iter().find(|link| names(&link.title)).map(|link| link.url.to_string())
    };
    first(&|runbook| runbook.slo.as_deref().is_some_and(burns))
        .map(page)
        .or_else(link)
        .or_else(|| first(&|runbook| runbook.service.as_ref() == Some(service)).map(page))
}
