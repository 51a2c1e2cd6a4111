//! From checked OpenSLO objects to [`slo::Slo`].
//!
//! An SLO with one objective keeps its name; of several, the first becomes `name-1`, the second `name-2`, in the order of the
//! file, for each is its own promise with its own budget. What cannot be evaluated yet is a warning that names the reason.

use std::collections::BTreeMap;

use slo::{
    CounterIndicator, Indicator, Objective, Part, RollingWindow, Slo, SpanFilter, SpanIndicator,
};

use super::{
    Object, Objects, indicator,
    metadata::{self, Metadata},
    objective::{self, Method, Operator},
    shorthand,
    source::{self, Source, SpanSource},
};
use crate::files::{
    problem::Code,
    reader::{Field, Map},
    text::nearest,
};

/// Every SLO that can be evaluated, in the order of the files.
pub fn lower(objects: &Objects<'_>) -> Vec<Slo> {
    let mut slos: Vec<Slo> = Vec::new();
    let mut names: BTreeMap<Box<str>, String> = BTreeMap::new();
    for object in &objects.slos {
        references(objects, object.map);
        if !object.valid {
            continue;
        }
        for slo in document(objects, object.map) {
            let place = format!("{} line {}", object.map.report().file(), object.map.at().line);
            if let Some(first) = names.insert(slo.name.clone(), place) {
                let message = format!("the SLO `{}` exists already, in {first}", slo.name);
                object.map.field().error(Code::DUPLICATE_NAME, message, "rename one of them");
            } else {
                slos.push(slo);
            }
        }
    }
    slos
}

fn document(objects: &Objects<'_>, map: Map<'_>) -> Vec<Slo> {
    let Some((metadata, spec)) = metadata::read(map).zip(spec_of(map)) else { return Vec::new() };
    let Some(service) = spec.optional("service").and_then(Field::text) else { return Vec::new() };
    let window = match window(spec) {
        Ok(window) => window,
        Err(reason) => {
            not_evaluated(map, metadata.name, &reason);
            return Vec::new();
        }
    };
    let method = spec.optional("budgetingMethod").and_then(objective::method);
    if method != Some(Method::Occurrences) {
        let reason = "only the budgeting method `Occurrences` is";
        not_evaluated(map, metadata.name, reason);
        return Vec::new();
    }
    let objectives = objective::objectives(spec);
    let several = objectives.len() > 1;
    let mut slos = Vec::new();
    for (at, objective) in objectives.into_iter().enumerate() {
        let name =
            if several { format!("{}-{}", metadata.name, at + 1) } else { metadata.name.into() };
        let place = Place { metadata, spec, objective, service, window };
        match place.slo(objects, &name) {
            Ok(slo) => slos.push(slo),
            Err(reason) => not_evaluated(objective, &name, &reason),
        }
    }
    slos
}

fn not_evaluated(at: Map<'_>, name: &str, reason: &str) {
    let message = format!("the SLO `{name}` is accepted, but not evaluated: {reason}");
    at.field().warning(Code::NOT_EVALUATED, message, "");
}

fn spec_of(map: Map<'_>) -> Option<Map<'_>> {
    map.optional("spec")?.any_map()
}

/// References from SLOs must name objects that exist.
fn references(objects: &Objects<'_>, map: Map<'_>) {
    let Some(spec) = spec_of(map) else { return };
    let objectives = spec.optional("objectives").and_then(Field::list).unwrap_or_default();
    let places = objectives.into_iter().filter_map(Field::any_map).chain([spec]);
    for reference in places.filter_map(|place| place.optional("indicatorRef")) {
        exists(reference, "SLI", &objects.slis);
    }
    let policies = spec.optional("alertPolicies").and_then(Field::list).unwrap_or_default();
    for policy in policies.into_iter().filter_map(Field::any_map) {
        if let Some(reference) = policy.optional("alertPolicyRef") {
            exists(reference, "AlertPolicy", &objects.alert_policies);
        }
    }
}

fn exists(reference: Field<'_>, kind: &str, objects: &BTreeMap<&str, Object<'_>>) {
    let Some(name) = reference.node().text() else { return };
    if objects.contains_key(name) {
        return;
    }
    let hint = match nearest(name, objects.keys().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("add a document of kind `{kind}` with this name"),
    };
    reference.error(Code::REFERENCE, format!("there is no {kind} `{name}` in this repo"), hint);
}

fn window(spec: Map<'_>) -> Result<RollingWindow, String> {
    let window = spec
        .optional("timeWindow")
        .and_then(Field::list)
        .and_then(|windows| windows.first().copied())
        .and_then(Field::any_map)
        .ok_or("it has no time window")?;
    if window.optional("calendar").is_some() {
        return Err("calendar-aligned windows are not; rolling ones are".into());
    }
    let duration =
        window.optional("duration").and_then(shorthand::read).ok_or("it has no window")?.duration();
    const DAY_SECONDS: u64 = 86_400;
    let days = u16::try_from(duration.as_secs() / DAY_SECONDS).unwrap_or(u16::MAX);
    if duration.as_secs() % DAY_SECONDS > 0 {
        return Err("its window is not a whole number of days".into());
    }
    RollingWindow::try_from(days).map_err(|_| {
        format!("its window of {days} days is not within 1 to {}", RollingWindow::DAYS_MAX)
    })
}

/// One objective of an SLO, with all that says what it means.
#[derive(Clone, Copy)]
struct Place<'r> {
    metadata: Metadata<'r>,
    spec: Map<'r>,
    objective: Map<'r>,
    service: &'r str,
    window: RollingWindow,
}

impl Place<'_> {
    fn slo(self, objects: &Objects<'_>, name: &str) -> Result<Slo, String> {
        let target = objective::target(self.objective).ok_or("it has no target")?;
        let objective = Objective::try_from(target).map_err(|_| "a target of 0 is always met")?;
        let text = |map: Map<'_>, name: &str| {
            map.optional(name).and_then(|field| field.node().text()).unwrap_or_default().to_owned()
        };
        let own_name = self.metadata.display_name.unwrap_or(name);
        let display_name = match text(self.objective, "displayName") {
            title if title.is_empty() || name == self.metadata.name => own_name.to_owned(),
            title => format!("{own_name}: {title}"),
        };
        if self.objective.optional("compositeWeight").is_some() {
            let message = "`compositeWeight` has no effect: each objective is evaluated alone";
            self.objective.field().warning(Code::NOT_USED, message, "");
        }
        let indicator = self.indicator(objects)?;
        self.alerts_out_of_reach(objective);
        Ok(Slo {
            name: name.into(),
            display_name: display_name.into(),
            description: text(self.spec, "description").into(),
            service: self.service.into(),
            environment: self.metadata.annotation(Metadata::ENVIRONMENT).map(Box::from),
            indicator,
            objective,
            window: self.window,
            owner: self.metadata.annotation(Metadata::OWNER).map(Box::from),
            labels: self.metadata.labels(),
        })
    }

    /// Names the alerts whose burn rate is never exceeded, whatever fails.
    fn alerts_out_of_reach(self, objective: Objective) {
        let most = objective.burn_max();
        let pairs: Vec<String> = slo::PAIRS
            .iter()
            .filter(|pair| most <= pair.threshold)
            .map(|pair| {
                let severity = match pair.severity {
                    slo::Severity::Page => "page",
                    slo::Severity::Ticket => "ticket",
                };
                format!("the {severity} over `{}` (above {})", pair.name, pair.threshold)
            })
            .collect();
        let target =
            ["target", "targetPercent"].into_iter().find_map(|name| self.objective.optional(name));
        if let (false, Some(target)) = (pairs.is_empty(), target) {
            let message = format!(
                "at {objective} the burn rate is at most {most:.1}, even when all is bad; this never fires: {}",
                pairs.join(", ")
            );
            target.warning(
                Code::CANNOT_ALERT,
                message,
                "only targets above 93.06 % reach all alerts",
            );
        }
    }

    fn indicator(self, objects: &Objects<'_>) -> Result<Indicator, String> {
        let sli = [self.objective, self.spec].into_iter().find_map(|place| sli(objects, place));
        let sli = sli.ok_or("its indicator is not valid")?;
        if let Some(ratio) = indicator::ratio(sli) {
            return self.ratio(objects, ratio);
        }
        let threshold = indicator::threshold(sli).ok_or("it has no metric")?;
        self.threshold(source::read(objects, threshold)?)
    }

    fn ratio(self, objects: &Objects<'_>, ratio: Map<'_>) -> Result<Indicator, String> {
        let total =
            ratio.optional("total").ok_or("a ratio that was computed elsewhere (`raw`) is not")?;
        let total = source::read(objects, total)?;
        let (part, good) = match (ratio.optional("good"), ratio.optional("bad")) {
            (Some(good), _) => (source::read(objects, good)?, true),
            (None, Some(bad)) => (source::read(objects, bad)?, false),
            (None, None) => return Err("it has neither `good` nor `bad`".into()),
        };
        match (total, part) {
            (Source::Spans(total), Source::Spans(part)) => self.spans(&total, &part, good),
            (Source::Selector(total), Source::Selector(part)) => {
                if ratio.optional("counter").and_then(Field::bool) != Some(true) {
                    return Err("only counters can be counted; write `counter: true`".into());
                }
                let part = if good { Part::Good(part) } else { Part::Bad(part) };
                Ok(Indicator::Counters(CounterIndicator { total, part }))
            }
            (Source::Spans(_), Source::Selector(_)) | (Source::Selector(_), Source::Spans(_)) => {
                Err("its two metrics are of different types".into())
            }
        }
    }

    fn spans(self, total: &SpanSource, part: &SpanSource, good: bool) -> Result<Indicator, String> {
        if total.latency_over.is_some() {
            return Err("`latencyOver` in `total` is not known".into());
        }
        let total_filter = self.filter(total);
        let mut filter = self.filter(part);
        if part.service.is_none() {
            filter.service = total_filter.service.clone();
        }
        if part.environment.is_none() {
            filter.environment = total_filter.environment.clone();
        }
        let part = match part.latency_over {
            None if good => Part::Good(filter),
            None => Part::Bad(filter),
            // Slow is bad: what is not slow is good.
            Some(limit) if !good && filter.status.is_none() && filter.latency_max.is_none() => {
                Part::Good(SpanFilter { latency_max: Some(limit), ..filter })
            }
            Some(_) => return Err("`latencyOver` is known alone in `bad` only".into()),
        };
        let (Part::Good(filter) | Part::Bad(filter)) = &part;
        if filter.service != total_filter.service || filter.environment != total_filter.environment
        {
            return Err(
                "`total` and its part count spans of different services or environments".into()
            );
        }
        Ok(Indicator::Spans(SpanIndicator { total: total_filter, part }))
    }

    /// A threshold on the duration of spans: good is what took at most `value`.
    fn threshold(self, source: Source) -> Result<Indicator, String> {
        let Source::Spans(spans) = source else {
            return Err("a threshold is evaluated on the latency of spans only".into());
        };
        let unit =
            spans.unit.ok_or("write `latencyUnit: ms` or `latencyUnit: s` beside its service")?;
        let op = self.objective.optional("op").and_then(objective::operator);
        if !matches!(op, Some(Operator::AtMost | Operator::Below)) {
            return Err("a latency must be `lte` or `lt` its value".into());
        }
        let value =
            self.objective.optional("value").and_then(Field::number).ok_or("it has no `value`")?;
        let seconds = value * unit.as_secs_f64();
        let limit = std::time::Duration::try_from_secs_f64(seconds)
            .map_err(|_| "its `value` is no duration")?;
        let total = self.filter(&spans);
        let good = SpanFilter { latency_max: Some(limit), ..total.clone() };
        Ok(Indicator::Spans(SpanIndicator { total, part: Part::Good(good) }))
    }

    fn filter(self, source: &SpanSource) -> SpanFilter {
        source.filter(self.service, self.metadata.annotation(Metadata::ENVIRONMENT))
    }
}

/// The indicator that stands or is named in `place`.
fn sli<'r>(objects: &Objects<'r>, place: Map<'r>) -> Option<Map<'r>> {
    if let Some(inline) = place.optional("indicator") {
        return inline.any_map();
    }
    let name = place.optional("indicatorRef")?.text()?;
    objects.slis.get(name).filter(|object| object.valid).map(|Object { map, .. }| *map)
}
