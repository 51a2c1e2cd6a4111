//! The expectations of the vectors: Rust source of a few shapes, read as data.
//!
//! `Ok(btreemap! { "key" => value, … })`, `Ok(BTreeMap::new())`, `Ok(value!({key: value, …}))` and `Err("…")`, where a value is a text, a
//! number, `null`, a list, an object, or a time: `DateTime::parse_from_rfc3339("…")`, `Utc.with_ymd_and_hms(…)`.

use std::collections::BTreeMap;

/// What a case wants.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Want {
    Fields(BTreeMap<String, Datum>),
    Error,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Datum {
    Text(String),
    Integer(i64),
    Decimal(f64),
    /// RFC 3339.
    Time(String),
    List(Vec<Datum>),
    Object(BTreeMap<String, Datum>),
    Null,
}

/// `None` when the source has another shape.
pub(crate) fn want(source: &str) -> Option<Want> {
    let mut reader = Reader { rest: source.trim() };
    if reader.eat("Err(") {
        return Some(Want::Error);
    }
    reader.eat("Ok(").then_some(())?;
    match reader.value()? {
        Datum::Object(fields) => Some(Want::Fields(fields)),
        _ => None,
    }
}

/// A text literal with the name `name`, such as `value: r#"…"#`, in the raw arguments of a case.
pub(crate) fn argument(source: &str, name: &str) -> Option<String> {
    let at = source.find(&format!("{name}:"))? + name.len() + 1;
    Reader { rest: source.get(at..)?.trim_start() }.text()
}

/// The year of the tests' `now`.
const THIS_YEAR: &str = "2026";

fn moment(text: &str) -> Datum {
    Datum::Time(text.parse::<model::Timestamp>().unwrap().to_string())
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn eat(&mut self, prefix: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Option<Datum> {
        if self.eat("btreemap!{") || self.eat("btreemap! {") {
            return self.object("=>");
        }
        if self.eat("BTreeMap::new()") {
            return Some(Datum::Object(BTreeMap::new()));
        }
        for wrapper in ["value!(", "value! (", "Value::from(", "("] {
            if self.eat(wrapper) {
                let value = self.value()?;
                return self.eat(")").then_some(value);
            }
        }
        if self.eat("{") {
            return self.object(":");
        }
        if self.eat("[") {
            return self.list();
        }
        if self.eat("null") {
            return Some(Datum::Null);
        }
        if self.eat("Value::Timestamp(DateTime::parse_from_rfc3339(") {
            let this_year = self.eat("&format!(");
            let time = self.text()?;
            let time = if this_year { time.replace("{}", THIS_YEAR) } else { time };
            if this_year {
                self.eat(", Utc::now().year())").then_some(())?;
            }
            return self.eat(").unwrap().into())").then(|| moment(&time));
        }
        if self.eat("Utc.with_ymd_and_hms(") {
            return self.utc();
        }
        if let Some(text) = self.text() {
            return Some(Datum::Text(text));
        }
        self.number()
    }

    fn object(&mut self, separator: &str) -> Option<Datum> {
        let mut fields = BTreeMap::new();
        while !self.eat("}") {
            let key = match self.text() {
                Some(key) => key,
                None => self.name()?,
            };
            self.eat(separator).then_some(())?;
            fields.insert(key, self.value()?);
            self.eat(",");
        }
        Some(Datum::Object(fields))
    }

    /// Year to second, and `.with_nanosecond(…)` or not.
    fn utc(&mut self) -> Option<Datum> {
        let mut parts = Vec::new();
        while !self.eat(").unwrap()") {
            let year = self.eat("Utc::now().year()");
            parts.push(if year { Datum::Integer(THIS_YEAR.parse().ok()?) } else { self.number()? });
            self.eat(",");
        }
        let nanos = if self.eat(".with_nanosecond(") { self.number()? } else { Datum::Integer(0) };
        self.eat(").unwrap()");
        self.eat(".into()");
        let integers: Vec<i64> = parts
            .into_iter()
            .chain([nanos])
            .filter_map(|part| match part {
                Datum::Integer(number) => Some(number),
                _ => None,
            })
            .collect();
        let [year, month, day, hour, minute, second, nanos] = integers.try_into().ok()?;
        Some(moment(&format!(
            "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z"
        )))
    }

    fn list(&mut self) -> Option<Datum> {
        let mut values = Vec::new();
        while !self.eat("]") {
            values.push(self.value()?);
            self.eat(",");
        }
        Some(Datum::List(values))
    }

    fn name(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        let length = self.rest.find(|char: char| !char.is_alphanumeric() && char != '_')?;
        let (name, rest) = self.rest.split_at(length);
        self.rest = rest;
        (!name.is_empty()).then(|| name.to_owned())
    }

    fn number(&mut self) -> Option<Datum> {
        self.rest = self.rest.trim_start();
        let length = self
            .rest
            .find(|char: char| !(char.is_ascii_digit() || "-._".contains(char)))
            .unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        let digits = digits.replace('_', "");
        let decimal = || digits.parse().ok().map(Datum::Decimal);
        digits.parse().ok().map(Datum::Integer).or_else(decimal)
    }

    /// `"…"` with escapes, `r"…"` or `r#"…"#`.
    fn text(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        if let Some(raw) = self.rest.strip_prefix('r') {
            let hashes = raw.len() - raw.trim_start_matches('#').len();
            let body = raw.get(hashes..)?.strip_prefix('"')?;
            let end = format!("\"{}", "#".repeat(hashes));
            let length = body.find(&end)?;
            self.rest = body.get(length + end.len()..)?;
            return body.get(..length).map(str::to_owned);
        }
        let body = self.rest.strip_prefix('"')?;
        let mut text = String::new();
        let mut chars = body.char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.rest = body.get(at + 1..)?;
                    return Some(text);
                }
                '\\' => text.push(match chars.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                }),
                _ => text.push(char),
            }
        }
        None
    }
}

#[test]
fn sources_are_read() {
    let source = r##"Ok(btreemap! { "a" => "x\"y", "b" => 1_000, "c" => Value::Timestamp(DateTime::parse_from_rfc3339("2021-01-01T00:00:00.000Z").unwrap().into()), "d" => r#"q"q"#, })"##;
    let Some(Want::Fields(fields)) = want(source) else { panic!("not read") };
    assert_eq!(fields["a"], Datum::Text("x\"y".to_owned()));
    assert_eq!(fields["b"], Datum::Integer(1000));
    assert_eq!(fields["c"], Datum::Time("2021-01-01T00:00:00Z".to_owned()));
    assert_eq!(fields["d"], Datum::Text("q\"q".to_owned()));
    let Some(Want::Fields(fields)) = want("Ok(value! ({a: null, b: [\"1\"], c: (-1.0)}))") else {
        panic!("not read")
    };
    assert_eq!(fields["b"], Datum::List(vec![Datum::Text("1".to_owned())]));
    assert_eq!(fields["c"], Datum::Decimal(-1.0));
    let Some(Want::Fields(fields)) = want(
        "Ok(btreemap! { \"t\" => Utc.with_ymd_and_hms(Utc::now().year(), 6, 13, 16, 33, 35).unwrap() })",
    ) else {
        panic!("not read")
    };
    assert_eq!(fields["t"], Datum::Time("2026-06-13T16:33:35Z".to_owned()));
    assert_eq!(want("Err(\"x\")"), Some(Want::Error));
    assert_eq!(argument("value: r#\"a\"b\"#, x: 1", "value").unwrap(), "a\"b");
}
