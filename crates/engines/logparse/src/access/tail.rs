//! What NGINX' formats have after the user agent.

use model::{Value, value::attribute};

use super::client::FORWARDED;
use crate::{Format, Parsed, json::number_value, scan::Scan};

/// Adds what is known of it: `"$http_x_forwarded_for"`, `"$gzip_ratio"`, ingress-nginx' upstream; the rest is kept as it is.
pub(super) fn put_tail(parsed: &mut Parsed, tail: &str) {
    if ingress(parsed, tail).is_some() {
        return;
    }
    let mut rest = tail;
    if let Some((quoted, after)) = tail.strip_prefix('"').and_then(|text| text.split_once('"')) {
        rest = after.trim_ascii_start();
        match quoted {
            "-" => {}
            _ if is_decimal(quoted) => parsed.put("nginx.gzip_ratio", number_value(quoted, false)),
            // A line that has its proxies first needs no others.
            _ if attribute(&parsed.attributes, FORWARDED).is_some() => rest = tail,
            _ => parsed.put_header(FORWARDED, quoted),
        }
    }
    if !rest.is_empty() {
        parsed.put_text("access.rest", rest);
    }
}

fn is_decimal(text: &str) -> bool {
    text.split_once('.').is_some_and(|(whole, fraction)| {
        let digits =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        digits(whole) && digits(fraction)
    })
}

/// `$request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length
/// $upstream_response_time $upstream_status $req_id`; nothing is added when the tail is anything else.
fn ingress(parsed: &mut Parsed, tail: &str) -> Option<()> {
    let mut scan = Scan::new(Format::Access, tail);
    let length: i64 = scan.digits().parse().ok()?;
    scan.blanks().then_some(())?;
    let time = scan.token();
    is_decimal(time).then_some(())?;
    let name = bracketed(&mut scan)?;
    let alternative = bracketed(&mut scan)?;
    let (address, length_up, time_up, status) =
        (tries(&mut scan)?, tries(&mut scan)?, tries(&mut scan)?, tries(&mut scan)?);
    let id = scan.rest().trim_ascii();
    (!id.is_empty() && !id.contains(' ')).then_some(())?;

    parsed.put("http.request.size", Value::Int(length));
    parsed.put("nginx.request_time", number_value(time, false));
    let mut text = |key, text: &str| {
        if !matches!(text, "" | "-") {
            parsed.put_text(key, text);
        }
    };
    text("nginx.upstream.name", name);
    text("nginx.upstream.alternative_name", alternative);
    text("nginx.request_id", id);
    let mut list = |key, text: &str, read: fn(&str) -> Value| {
        let values: Vec<Value> = each_try(text).map(read).collect();
        match values.as_slice() {
            [Value::Empty] => {}
            [value] => parsed.put(key, value.clone()),
            _ => parsed.put(key, Value::Array(values)),
        }
    };
    list("nginx.upstream.address", address, |text| {
        if text == "-" { Value::Empty } else { Value::string(text) }
    });
    list("nginx.upstream.response.size", length_up, |text| read_number(text, true));
    list("nginx.upstream.response.time", time_up, |text| read_number(text, false));
    list("nginx.upstream.response.status_code", status, |text| read_number(text, true));
    Some(())
}

fn read_number(text: &str, integer: bool) -> Value {
    if text == "-" { Value::Empty } else { number_value(text, integer) }
}

fn bracketed<'a>(scan: &mut Scan<'a>) -> Option<&'a str> {
    scan.blanks();
    scan.eat("[").then_some(())?;
    scan.until(b']')
}

/// One value, or one for each server that was tried, with `, ` or ` : ` between them.
fn tries<'a>(scan: &mut Scan<'a>) -> Option<&'a str> {
    scan.blanks();
    let text = scan.rest();
    loop {
        let token = scan.token();
        if token.is_empty() {
            return None;
        }
        if !token.ends_with(',') && !scan.eat(" : ") {
            return text.get(..text.len() - scan.rest().len());
        }
        scan.blanks();
    }
}

fn each_try(text: &str) -> impl Iterator<Item = &str> {
    text.split(", ").flat_map(|part| part.split(" : "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tail: &str, expected: &str) {
        let mut parsed = Parsed::new(Value::Empty);
        put_tail(&mut parsed, tail);
        let text: Vec<_> =
            parsed.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(text.join(" "), expected, "{tail}");
    }

    #[test]
    fn tails_are_told_apart() {
        check(r#""-""#, "");
        check(r#""2.75""#, "nginx.gzip_ratio=2.75");
        check(
            r#""1.2.3.4, 10.0.0.1""#,
            r#"http.request.header.x-forwarded-for=["1.2.3.4, 10.0.0.1"]"#,
        );
        check(r#""-" rt=0.003"#, "access.rest=rt=0.003");
        check("0.003 x", "access.rest=0.003 x");
    }

    #[test]
    fn proxies_named_first_and_last_make_one_attribute() {
        let mut parsed = Parsed::new(Value::Empty);
        parsed.put_header(FORWARDED, "10.0.0.2");
        put_tail(&mut parsed, r#"".75""#);
        assert_eq!(parsed.attributes.len(), 2);
        assert_eq!(parsed.attributes[1], ("access.rest".into(), Value::string(r#"".75""#)));
    }

    #[test]
    fn ingress_nginx_tells_of_its_upstream() {
        check(
            "462 0.050 [svc-9000] [] 10.0.50.80:9000 19437 0.049 200 abc",
            "http.request.size=462 nginx.request_time=0.05 nginx.upstream.name=svc-9000 nginx.request_id=abc \
             nginx.upstream.address=10.0.50.80:9000 nginx.upstream.response.size=19437 \
             nginx.upstream.response.time=0.049 nginx.upstream.response.status_code=200",
        );
        check(
            "462 0.050 [svc] [alt] 10.0.0.1:80, 10.0.0.2:80 0, 7 0.001, - 502, 200 abc",
            "http.request.size=462 nginx.request_time=0.05 nginx.upstream.name=svc nginx.upstream.alternative_name=alt \
             nginx.request_id=abc nginx.upstream.address=[\"10.0.0.1:80\",\"10.0.0.2:80\"] \
             nginx.upstream.response.size=[0,7] nginx.upstream.response.time=[0.001,null] \
             nginx.upstream.response.status_code=[502,200]",
        );
        check(
            "462 0.050 [svc] [] - - - - abc",
            "http.request.size=462 nginx.request_time=0.05 nginx.upstream.name=svc nginx.request_id=abc",
        );
        check("462 0.050 [svc]", "access.rest=462 0.050 [svc]");
    }
}
