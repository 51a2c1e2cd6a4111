//! What completes at the cursor, which stands where `^` is.

use eventql::{Kind, complete, quoted};

use crate::show;

const PLACES: &[&str] = &[
    "^",
    "serv^",
    "ser^vice:checkout",
    "service:^",
    "service:che^",
    "service:che^ckout status:ok",
    "service: che^",
    "service:\"check o^",
    "service:\"check ^out\" x",
    "service:'it\\'s^",
    "service:\"done\"^",
    "service:(a OR b^",
    "service:(a OR ^",
    "-env:st^",
    "env!=st^",
    "http.route=~\"/api^",
    "a:[1^ TO 5]",
    "a:[1 ^",
    "a:[1 TO ^",
    "name~che^",
    "duration>^",
    "duration > 3^",
    "service:checkout ^",
    "service:checkout AN^",
    "NOT ^",
    "(serv^",
    "(a OR ^)",
    "\"card dec^",
    "resource.k8s.p^",
    "attributes.\"odd n^",
    "a | ^",
    "a | co^",
    "a | count^",
    "a | count as n, p99(duration) ^",
    "a |^ count",
    "a | count ^",
    "a | count b^",
    "a | count by ^",
    "a | count by service, ver^",
    "a | count by service ^",
    "a | count by service every ^",
    "a | count, p^",
    "a | count, p99(dur^",
    "a | count(^",
    "a | top ^",
    "a | top 10 ^",
    "a | top 10 by ^",
    "a | sort -^",
    "a | count, p99(duration) as slow by service | sort -^",
    "a | top 10 by operation | where ^",
    "a | count | where count ^",
    "a | count | where count > 5 ^",
    "a | cuont | li^",
    "a | count by service | fields service, c^",
    "a) ^",
    "service:a duration>nonsense env:^",
];

fn completion(marked: &str) -> String {
    let cursor = marked.find('^').unwrap();
    let text = marked.replace('^', "");
    let Some(found) = complete(&text, cursor) else { return "nothing".to_owned() };
    assert!(found.span.start <= cursor && cursor <= found.span.end && found.span.end <= text.len());
    let kind = match found.kind {
        Kind::Value(field) => format!("value of {field}"),
        other => format!("{other:?}").to_lowercase(),
    };
    let quote = found.quote.map_or(String::new(), |quote| format!(" in {quote}"));
    let words =
        if found.keywords.is_empty() { String::new() } else { format!(" or {:?}", found.keywords) };
    format!(
        "{kind}, replaces {:?}, begins with {:?}{quote}{words}",
        found.span.of(&text),
        found.prefix
    )
}

#[test]
fn completions() {
    insta::assert_snapshot!(show::table(PLACES, completion));
}

#[test]
fn values_are_written_so_that_they_are_read_back() {
    assert_eq!(quoted("checkout", None), "checkout");
    assert_eq!(quoted("a b", None), "\"a b\"");
    assert_eq!(quoted("checkout", Some('"')), "\"checkout\"");
    assert_eq!(quoted("it's \"x\"", Some('\'')), "'it\\'s \"x\"'");
    assert_eq!(quoted("it's \"x\"", Some('"')), "\"it's \\\"x\\\"\"");
}
