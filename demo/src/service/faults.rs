//! What can be broken on purpose.

use std::{
    collections::BTreeSet,
    str::FromStr,
    sync::{Mutex, PoisonError},
};

use http::StatusCode;

use super::behaviour::Failure;

/// One way to be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Every request fails with 500.
    Errors,
    /// Every request takes most of a second more.
    Slow,
    /// The provider answers 503.
    ProviderDown,
}

/// `text` names no fault.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no fault; there are `errors`, `slow` and `provider_down`")]
pub(crate) struct UnknownFault {
    text: String,
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        match text {
            "errors" => Ok(Self::Errors),
            "slow" => Ok(Self::Slow),
            "provider_down" => Ok(Self::ProviderDown),
            _ => Err(UnknownFault { text: text.to_owned() }),
        }
    }
}

/// The faults that are on.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<BTreeSet<Fault>>);

impl Faults {
    pub(super) fn parse(names: &[String]) -> Result<Self, UnknownFault> {
        let on: Result<BTreeSet<Fault>, UnknownFault> =
            names.iter().map(|name| name.parse()).collect();
        Ok(Self(Mutex::new(on?)))
    }

    #[expect(clippy::unnecessary_wraps, reason = "used as the act of a control request")]
    pub(super) fn set(&self, fault: Fault, on: bool) -> anyhow::Result<()> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if on {
            faults.insert(fault)
        } else {
            faults.remove(&fault)
        };
        Ok(())
    }

    pub(super) fn is_on(&self, fault: Fault) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&fault)
    }

    /// Fails as the faults demand.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.is_on(Fault::ProviderDown) {
            return Err(Failure {
                status: StatusCode::SERVICE_UNAVAILABLE,
                kind: "ProviderUnavailable",
                message: "card authorisation is unavailable".to_owned(),
            });
        }
        if self.is_on(Fault::Errors) {
            return Err(Failure::bug("InjectedFault", "a fault was injected"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_lasts_until_it_is_cleared() {
        let faults = Faults::parse(&["errors".to_owned()]).unwrap();
        assert_eq!(faults.check().unwrap_err().status, 500);
        faults.set(Fault::ProviderDown, true).unwrap();
        assert_eq!(faults.check().unwrap_err().status, 503);
        faults.set(Fault::ProviderDown, false).unwrap();
        faults.set(Fault::Errors, false).unwrap();
        faults.check().unwrap();
    }

    #[test]
    fn unknown_faults_are_refused_with_what_is_allowed() {
        let error = Faults::parse(&["fire".to_owned()]).unwrap_err().to_string();
        assert_eq!(error, "`fire` is no fault; there are `errors`, `slow` and `provider_down`");
    }
}
