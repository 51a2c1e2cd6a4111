//! klog and glog: `I0505 17:59:40.692994   28133 klog.go:70] hello`, with the year before the month in newer glog.
//!
//! klog's structured messages, `"Pod updated" pod="kube-system/dns" ready=true`, give their fields as attributes. Sources: the headers described in
//! github.com/kubernetes/klog (`klog.go`) and github.com/google/glog, and Kubernetes' structured logging (KEP 1602).

use model::Value;

use crate::{Format, Options, ParseError, Parsed, json, logfmt, scan::Scan, time};

pub(crate) fn parse(line: &str, options: &Options) -> Result<Parsed, ParseError> {
    let mut scan = Scan::new(Format::Klog, line);
    let mut parsed = Parsed::new(Value::Empty);
    let start = scan.clone();
    let level = level_name(scan.take(1)).ok_or_else(|| start.fail("expected one of I, W, E, F"))?;
    parsed.level(level);
    parsed.at = Some(header_time(&mut scan, options)?);
    scan.blanks();
    let thread: Option<i64> = scan.clone().digits().parse().ok();
    parsed.put(
        "thread.id",
        Value::Int(thread.ok_or_else(|| scan.fail("expected a thread's number"))?),
    );
    scan.digits();
    scan.expect(" ", "expected a space")?;
    let start = scan.clone();
    let place = scan
        .rest()
        .split_once("] ")
        .map(|(place, _)| place)
        .or_else(|| scan.rest().strip_suffix(']'));
    let place = place.ok_or_else(|| start.fail("expected `file:line]`"))?;
    let (file, number) =
        place.rsplit_once(':').ok_or_else(|| start.fail("expected `file:line]`"))?;
    let number = number.parse().map_err(|_| start.fail("expected `file:line]`"))?;
    parsed.put_text("code.file.path", file);
    parsed.put("code.line.number", Value::Int(number));
    scan.take(place.len() + 1);
    scan.eat(" ");
    if structured(&mut parsed, scan.rest()).is_none() {
        parsed.body = Value::string(scan.rest());
    }
    Ok(parsed)
}

/// The levels by their names; a letter is too short for people.
fn level_name(letter: &str) -> Option<&'static str> {
    match letter {
        "I" => Some("INFO"),
        "W" => Some("WARNING"),
        "E" => Some("ERROR"),
        "F" => Some("FATAL"),
        _ => None,
    }
}

/// `mmdd hh:mm:ss.uuuuuu`, or `yyyymmdd hh:mm:ss.uuuuuu`; klog's is read as what it would be with the latest year that fits.
fn header_time(scan: &mut Scan<'_>, options: &Options) -> Result<model::Timestamp, ParseError> {
    let start = scan.clone();
    let fault = || start.fail("expected a month, a day and a time");
    let days = scan.clone().digits().len();
    let stamp = if days == 4 {
        time::month_day(scan.rest())
    } else {
        time::prefix(scan.rest()).filter(|_| days == 8)
    };
    let (stamp, length) = stamp.ok_or_else(fault)?;
    scan.take(length);
    stamp.resolve(options).ok_or_else(fault)
}

/// A message in quotes and pairs after it; `None`, and nothing is done, when the message is anything else.
fn structured(parsed: &mut Parsed, message: &str) -> Option<()> {
    let mut scan = Scan::new(Format::Klog, message);
    scan.eat("\"").then_some(())?;
    let text = json::string(&mut scan).ok()?;
    (scan.is_empty() || scan.blanks()).then_some(())?;
    let pairs = logfmt::pairs(&mut scan, false).ok()?;
    let own = |key: &str| matches!(key, "thread.id" | "code.file.path" | "code.line.number");
    parsed.attributes.extend(pairs.into_iter().filter(|(key, _)| !own(key)));
    parsed.body = Value::String(text);
    Some(())
}

/// Whether a line is shaped like this: a letter, four or eight digits, a space and an hour.
pub(crate) fn looks_like(line: &str) -> bool {
    let Some((letter, rest)) = line.split_at_checked(1) else { return false };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let after = rest.as_bytes().get(digits..);
    level_name(letter).is_some()
        && matches!(digits, 4 | 8)
        && matches!(after, Some([b' ', hour, _, b':', ..]) if hour.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options::new("2026-11-26T00:00:00Z".parse().unwrap())
    }

    fn shown(line: &str) -> String {
        let parsed = parse(line, &options()).unwrap();
        let severity = parsed.severity.unwrap();
        format!(
            "{} {severity} {:?} {}",
            parsed.at.unwrap(),
            parsed.body.to_string(),
            Value::Map(parsed.attributes)
        )
    }

    #[test]
    fn klog_and_glog() {
        assert_eq!(
            shown("I0505 17:59:40.692994   28133 klog.go:70] hello"),
            r#"2026-05-05T17:59:40.692994Z 9 "hello" {"thread.id":28133,"code.file.path":"klog.go","code.line.number":70}"#
        );
        assert_eq!(
            shown("F20210131 14:48:54.411655 20 a:b/main.c++:9] x] y"),
            r#"2021-01-31T14:48:54.411655Z 21 "x] y" {"thread.id":20,"code.file.path":"a:b/main.c++","code.line.number":9}"#
        );
    }

    #[test]
    fn structured_messages_give_their_fields() {
        assert_eq!(
            shown(
                r#"E1025 00:15:15.525108       1 pod.go:116] "Pod \"a\"" pod="kube-system/dns" n=3 thread.id=9"#
            ),
            r#"2026-10-25T00:15:15.525108Z 17 "Pod \"a\"" {"thread.id":1,"code.file.path":"pod.go","code.line.number":116,"pod":"kube-system/dns","n":3}"#
        );
        assert!(
            shown(r#"E1025 00:15:15.525108       1 pod.go:116] "x" is not "y""#)
                .contains(r#""\"x\" is not \"y\"""#)
        );
    }

    #[test]
    fn faults_have_their_column() {
        let fault = |line: &str| {
            let error = parse(line, &options()).unwrap_err();
            (error.what, error.column)
        };
        assert_eq!(fault("not a klog line"), ("expected one of I, W, E, F", 1));
        assert_eq!(
            fault("I0000 17:59:40.692994 1 k:1] x"),
            ("expected a month, a day and a time", 2)
        );
        assert_eq!(
            fault("I0505 17:59:40.692994 99999999999999999999 k:1] x"),
            ("expected a thread's number", 23)
        );
        assert_eq!(fault("I0505 17:59:40.692994 1 klog.go] x"), ("expected `file:line]`", 25));
    }
}
