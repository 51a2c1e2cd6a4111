//! What `app` refuses, as problems.

use std::time::Duration;

use app::{
    app::{ApplyError, BackfillUseError, RollbackError, TestPageError},
    command::Rejection,
    control::ControlError,
    deploy, incident,
};
use http::StatusCode;

use crate::Problem;

/// 422: it can be read, and is not allowed.
pub(super) fn invalid(detail: impl Into<String>) -> Problem {
    let title = "The request cannot be carried out";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", title, detail)
}

/// 409: it does not fit what is so now.
pub(crate) fn conflict(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::CONFLICT, "conflict", "It does not fit the present state", detail)
}

pub(crate) fn control(error: &ControlError) -> Problem {
    match error {
        ControlError::Rejected(rejection) => rejected(rejection),
        ControlError::Stopped => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "shutting-down",
            "The server is shutting down",
            error.to_string(),
        ),
    }
}

fn rejected(rejection: &Rejection) -> Problem {
    use deploy::Rejection as Deploy;
    use incident::Rejection as Incident;
    let detail = rejection.to_string();
    match rejection {
        Rejection::Incident(Incident::Unknown { .. } | Incident::UnknownAlert { .. })
        | Rejection::Deploy(
            Deploy::UnknownDeploy(_) | Deploy::UnknownAct { .. } | Deploy::UnknownVerdict { .. },
        ) => Problem::not_found(detail),
        Rejection::Incident(
            Incident::Empty { .. }
            | Incident::ControlCharacters { .. }
            | Incident::TooLong { .. }
            | Incident::ResolveNeedsReason,
        )
        | Rejection::Deploy(
            Deploy::Empty { .. }
            | Deploy::TooLong { .. }
            | Deploy::BadText { .. }
            | Deploy::InTheFuture { .. }
            | Deploy::RollsBackElsewhere { .. },
        ) => invalid(detail),
        Rejection::TooLarge(source) => invalid(format!("{detail}: {source}")),
        Rejection::DiskFull => {
            let title = "The disk is full";
            Problem::new(StatusCode::INSUFFICIENT_STORAGE, "disk-full", title, detail)
                .retry_after(Duration::from_secs(10))
        }
        Rejection::JournalBroken => Problem::new(
            StatusCode::CONFLICT,
            "journal-broken",
            "The journal is broken, so nothing is acted upon",
            detail,
        ),
        Rejection::Incident(_)
        | Rejection::Deploy(_)
        | Rejection::Alert(_)
        | Rejection::Delivery(_) => conflict(detail),
    }
}

pub(super) fn backfill(error: &BackfillUseError) -> Problem {
    match error {
        BackfillUseError::Backfill(app::slo::BackfillError::UnknownSlo { .. }) => {
            Problem::not_found(error.to_string())
        }
        BackfillUseError::Backfill(_) => invalid(error.to_string()),
        BackfillUseError::Control(error) => control(error),
    }
}

pub(super) fn roll_back(error: &RollbackError) -> Problem {
    match error {
        RollbackError::UnknownDeploy(_) => Problem::not_found(error.to_string()),
        RollbackError::NotOffered(_) => conflict(error.to_string()),
        RollbackError::NotAllowed { .. } => {
            let title = "The server's configuration allows no such act";
            Problem::new(StatusCode::FORBIDDEN, "act-not-allowed", title, error.to_string())
                .setting("acts.rollback")
        }
        RollbackError::Control(error) => control(error),
    }
}

pub(super) fn test_page(error: &TestPageError) -> Problem {
    match error {
        TestPageError::UnknownReceiver { .. } => Problem::not_found(error.to_string()),
        TestPageError::Control(error) => control(error),
    }
}

/// Everything but the repo's own problems, which are an answer and no error.
pub(super) fn apply(error: &ApplyError) -> Problem {
    match error {
        ApplyError::Problems(_) => invalid(error.to_string()),
        ApplyError::Store(source) => {
            tracing::error!(error = %source, "the production repo was not stored");
            Problem::internal()
        }
        ApplyError::Control(error) => control(error),
    }
}

/// The journal could not be read.
pub(super) fn unread(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "the journal was not read");
    Problem::internal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_malformed_what_is_missing_and_what_does_not_fit_differ() {
        let status = |rejection| control(&ControlError::Rejected(rejection)).status.as_u16();
        let id = incident::IncidentId::from_u128(7);
        assert_eq!(status(Rejection::Incident(incident::Rejection::Unknown { id })), 404);
        assert_eq!(status(Rejection::Incident(incident::Rejection::Empty { what: "text" })), 422);
        assert_eq!(status(Rejection::Incident(incident::Rejection::Ended { number: 1 })), 409);
        assert_eq!(status(Rejection::JournalBroken), 409);
        assert_eq!(control(&ControlError::Stopped).status.as_u16(), 503);
    }
}
