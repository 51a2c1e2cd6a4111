//! Fills the sections.

#[cfg(test)]
mod tests;

use crate::{
    actions,
    document::{Block, Draft, Section},
    input::{FactorKind, Input},
    limits,
    words::{counted, date, due, duration, percent, time},
};

/// Writes the draft.
pub fn draft(input: &Input) -> Draft {
    let section = |heading, blocks| Section { heading, blocks };
    let sections = vec![
        section("Overview", overview(input)),
        section("What happened", what_happened(input)),
        section("Contributing factors", factors(input)),
        section("Resolution", resolution(input)),
        section("Impact", impact(input)),
        section("Responders", responders(input)),
        section("Timeline", timeline(input)),
        section("How'd we do?", how_we_did(input)),
        section("Action items", action_items(input)),
        section("Messaging", messaging(input)),
    ];
    Draft { title: format!("Postmortem: {} {}", input.name, clip(&input.title)), sections }
}

fn overview(input: &Input) -> Vec<Block> {
    let end = input.ended.as_ref();
    let lasted = match end {
        Some(end) => format!("lasted {}", duration(end.at.since(input.start()))),
        None => "is not over".to_owned(),
    };
    let mut text = format!(
        "On {}, requests to {} failed. The incident was {} and {lasted}.",
        date(input.start()),
        input.place(),
        input.severity,
    );
    if let Some(factor) = input.main_factor() {
        text.push_str(&format!(" The evidence points to the {}.", factor.name()));
    }
    let mut rows = vec![
        row("Incident", &input.name),
        row("Service", &input.place()),
        row("Owner", &input.owner(&input.service)),
        row("Severity", &input.severity),
        row("Status", "draft"),
        row("Drafted (UTC)", &time(input.drafted_at)),
    ];
    if let Some(end) = end {
        rows.push(row("Review due", &date(due(&input.severity, end.at))));
    }
    vec![Block::Paragraph(text), Block::Table { head: vec!["", ""], rows }]
}

fn row(name: &str, value: &str) -> Vec<String> {
    vec![name.to_owned(), clip(value)]
}

fn what_happened(input: &Input) -> Vec<Block> {
    let mut text = match input.began_at {
        Some(began) => format!(
            "Failures began at {} UTC. {} later, at {}, {} was opened: {}.",
            time(began),
            duration(input.opened_at.since(began)),
            time(input.opened_at),
            input.name,
            clip(&input.title),
        ),
        None => format!(
            "{} was opened at {} UTC: {}.",
            input.name,
            time(input.opened_at),
            clip(&input.title)
        ),
    };
    if let Some(factor) = input.main_factor()
        && let Some(at) = factor.at
    {
        text.push_str(&format!(" Before that, at {}, came the {}.", time(at), factor.name()));
    }
    if let Some(mitigation) = &input.mitigation {
        let how = if mitigation.automatic { "automatically" } else { "by hand" };
        text.push_str(&format!(
            " At {} it was mitigated {how}: {}.",
            time(mitigation.at),
            clip(&mitigation.what)
        ));
    }
    vec![
        Block::Paragraph(text),
        Block::Ask("Tell the story in a few sentences for someone who was not there."),
    ]
}

fn factors(input: &Input) -> Vec<Block> {
    if input.factors.is_empty() {
        return vec![Block::Ask(
            "No change and no failing dependency was found. What made this possible?",
        )];
    }
    let shown = input.factors.iter().take(limits::FACTORS_MAX);
    let items = shown.map(|factor| {
        let when = factor.at.map(|at| format!(" at {}", time(at))).unwrap_or_default();
        let mut name = factor.name();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let share = percent(factor.score.clamp(0.0, 1.0));
        format!("{name}{when}, explains {share} of the failures: {}.", clip(&factor.evidence))
    });
    vec![
        Block::List(items.collect()),
        Block::Ask(
            "Which conditions let this reach users? Think of tests, reviews, limits, defaults, signals.",
        ),
    ]
}

fn resolution(input: &Input) -> Vec<Block> {
    let mut blocks = Vec::new();
    if let Some(mitigation) = &input.mitigation {
        blocks.push(Block::Paragraph(format!(
            "Mitigated at {} UTC by {}: {}.",
            time(mitigation.at),
            mitigation.by,
            clip(&mitigation.what)
        )));
    }
    if let Some(end) = &input.ended {
        let how = if end.automatic {
            "by the recovery test".to_owned()
        } else {
            format!("by {}", clip(&end.by))
        };
        let at = time(end.at);
        blocks
            .push(Block::Paragraph(format!("Resolved at {at} UTC {how}: {}.", clip(&end.reason))));
    }
    if input.reopened > 0 {
        let times = counted(u64::from(input.reopened), "time", "times");
        blocks.push(Block::Paragraph(format!("It was reopened {times} in between.")));
    }
    blocks.push(Block::Ask("What was tried that did not help?"));
    blocks
}

fn impact(input: &Input) -> Vec<Block> {
    let mut rows = Vec::new();
    let until = input.ended.as_ref().map_or(input.drafted_at, |end| end.at);
    let lasted = duration(until.since(input.start()));
    rows.push(row(&format!("Time in {}", input.severity), &lasted));
    if let Some(impact) = &input.impact {
        rows.push(row("Bad events", &format!("{} of {}", impact.bad_events, impact.total_events)));
        rows.push(row(
            "Users affected",
            &impact.users_affected_share.map_or("not known".to_owned(), percent),
        ));
    }
    for objective in &input.objectives {
        let spent = match objective.budget_spent {
            Some(spent) => format!("{} of the error budget spent", percent(spent)),
            None => "share of the error budget not known".to_owned(),
        };
        let name = format!("{} ({} %)", objective.slo, trimmed(objective.target * 100.0));
        rows.push(row(&name, &spent));
    }
    let services: Vec<_> = input.affected.iter().map(|one| &*one.service).collect();
    rows.push(row("Services", &services.join(", ")));
    vec![
        Block::Table { head: vec!["Measure", "Value"], rows },
        Block::Ask("Support requests, orders lost, commitments broken?"),
    ]
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn responders(input: &Input) -> Vec<Block> {
    if input.responders.is_empty() {
        return vec![Block::Ask("Nobody is on record. Who took part, and in which role?")];
    }
    let items = input.responders.iter().map(|responder| match responder.did.as_slice() {
        [] => clip(&responder.name),
        did => clip(&format!("{}: {}", responder.name, did.join(", "))),
    });
    vec![Block::List(items.collect())]
}

fn timeline(input: &Input) -> Vec<Block> {
    let mut events: Vec<_> = input.timeline.iter().collect();
    events.sort_by_key(|event| (event.at, event.seq));
    let rows = events.iter().take(limits::TIMELINE_MAX).map(|event| {
        let fact = event.seq.map(|seq| format!("#{seq}")).unwrap_or_default();
        vec![time(event.at), clip(&event.what), clip(&event.actor), fact]
    });
    let head = vec!["UTC", "Event", "Actor", "Fact"];
    let mut blocks = vec![Block::Table { head, rows: rows.collect() }];
    let more = events.len().saturating_sub(limits::TIMELINE_MAX);
    if more > 0 {
        blocks.push(Block::Paragraph(format!("{more} later events stand in the journal.")));
    }
    blocks
}

fn how_we_did(input: &Input) -> Vec<Block> {
    let opened = input.opened_at;
    let since = |from: model::Timestamp, to: Option<model::Timestamp>| match to {
        Some(to) => duration(to.since(from)),
        None => "not on record".to_owned(),
    };
    let detection = input.began_at.map(|_| opened);
    let rows = vec![
        row("Detected, from the first failure", &since(input.start(), detection)),
        row(
            "Acknowledged, from the page",
            &since(opened, input.acknowledged.as_ref().map(|a| a.0)),
        ),
        row("Mitigated, from the page", &since(opened, input.mitigation.as_ref().map(|m| m.at))),
        row("Resolved, from the page", &since(opened, input.ended.as_ref().map(|end| end.at))),
    ];
    vec![
        Block::Table { head: vec!["Step", "Took"], rows },
        Block::Heading("What went well"),
        listed(went_well(input)),
        Block::Heading("What could go better"),
        listed(could_go_better(input)),
    ]
}

fn listed(items: Vec<String>) -> Block {
    if items.is_empty() {
        Block::Ask("Nothing on record says so. What do you think?")
    } else {
        Block::List(items)
    }
}

fn went_well(input: &Input) -> Vec<String> {
    let mut items = Vec::new();
    if input.began_at.is_some() && input.opened_at.since(input.start()) <= actions::DETECTION_SLOW {
        let took = duration(input.opened_at.since(input.start()));
        items.push(format!("The failure was seen {took} after it began."));
    }
    if let Some(factor) = input.main_factor() {
        items.push(format!("The evidence named the {} by itself.", factor.name()));
    }
    if input.deploys_blocked > 0 {
        let blocked = counted(u64::from(input.deploys_blocked), "deploy", "deploys");
        items.push(format!("The gate held {blocked} back meanwhile."));
    }
    if input.mitigation.as_ref().is_some_and(|mitigation| mitigation.automatic) {
        items
            .push("The mitigation ran by itself, on evidence that the policy asks for.".to_owned());
    }
    items
}

fn could_go_better(input: &Input) -> Vec<String> {
    let mut items = Vec::new();
    if input.opened_at.since(input.start()) > actions::DETECTION_SLOW {
        let took = duration(input.opened_at.since(input.start()));
        items.push(format!("The failure went unseen for {took}."));
    }
    if input.acknowledged.is_none() {
        items.push("Nobody acknowledged the page.".to_owned());
    }
    if input.main_factor().is_none() {
        items.push("The evidence named no cause.".to_owned());
    }
    if input
        .factors
        .first()
        .is_some_and(|one| one.kind == FactorKind::Deploy && one.reference.is_none())
    {
        items.push("The suspect deploy was not on record.".to_owned());
    }
    if input.reopened > 0 {
        items.push("It was declared over before it was.".to_owned());
    }
    items
}

fn action_items(input: &Input) -> Vec<Block> {
    vec![
        Block::Paragraph("Suggested by the facts; keep, change or strike.".to_owned()),
        actions::table(input),
    ]
}

fn messaging(input: &Input) -> Vec<Block> {
    let state = if input.ended.is_some() { "is resolved" } else { "is being worked on" };
    let share = input.impact.as_ref().and_then(|impact| impact.users_affected_share);
    let users = match share {
        Some(share) => format!("{} of users", percent(share)),
        None => "Some users".to_owned(),
    };
    let minutes = input.ended.as_ref().map(|end| duration(end.at.since(input.start())));
    let lasted = minutes.map(|lasted| format!(" for {lasted}")).unwrap_or_default();
    vec![
        Block::Heading("Internal"),
        Block::Paragraph(format!(
            "{} ({}) on {} {state}. {users} saw failures{lasted} from {} UTC on.",
            input.name,
            input.severity,
            input.place(),
            time(input.start()),
        )),
        Block::Heading("External"),
        Block::Paragraph(format!(
            "On {}, from {} UTC on, some requests failed{lasted}. The problem {state}. We are sorry.",
            date(input.start()),
            time(input.start()).split(' ').nth(1).unwrap_or_default(),
        )),
        Block::Ask("Say what users could not do, and what they need to do now, if anything."),
    ]
}

/// A text that was given, on one line and within its limit, without the period that the sentence around it brings.
fn clip(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    if line.chars().count() <= limits::TEXT_CHARS_MAX {
        return line.to_owned();
    }
    line.chars().take(limits::TEXT_CHARS_MAX - 1).chain(['…']).collect()
}
