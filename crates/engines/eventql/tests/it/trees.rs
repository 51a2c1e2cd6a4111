//! Canonical forms and meanings of queries of each kind.

use eventql::{format, plan};

use crate::{
    sentences::{FILTERS, STAGES},
    show,
};

fn canonical_and_meaning(text: &str) -> String {
    let canonical = format(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let plan = plan(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let again = eventql::plan(&canonical).unwrap_or_else(|error| panic!("{canonical}: {error}"));
    assert_eq!(plan, again, "{text}: {canonical}");
    assert_eq!(format(&canonical).unwrap(), canonical, "{text}");
    format!("{canonical}\n{}{}", show::filter(&plan.filter), show::pipeline(&plan.pipeline))
}

#[test]
fn filters() {
    insta::assert_snapshot!(show::table(FILTERS, canonical_and_meaning));
}

#[test]
fn stages() {
    insta::assert_snapshot!(show::table(STAGES, canonical_and_meaning));
}
