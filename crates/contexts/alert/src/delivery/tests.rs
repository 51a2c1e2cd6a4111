//! The outbox under a control loop, a receiver that fails, and a journal that is replayed.

use std::{collections::BTreeSet, time::Duration};

use model::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::routing::{GroupBy, Timings};

const START: Timestamp = Timestamp::from_secs(1_795_400_000);

fn seconds(secs: u64) -> Timestamp {
    START + Duration::from_secs(secs)
}

fn destination(receiver: &str) -> Destination {
    Destination {
        receiver: receiver.into(),
        integration: 0,
        channel: Channel::Webhook,
        target: "https://hooks.example".into(),
        send_resolved: true,
        max_alerts: 0,
        group_by: GroupBy::All,
        timings: Timings::default(),
    }
}

fn incident() -> IncidentInfo {
    IncidentInfo {
        incident: "inc_1".into(),
        opened_at: START,
        is_page: true,
        acknowledged_at: None,
        resolved: false,
        progress: Progress::default(),
    }
}

/// A control loop: reconciles each second, makes every attempt that is due, and writes its facts down.
struct Outbox {
    state: State,
    journal: Vec<Fact>,
    minted: u128,
    /// What the receiver got: second, reason, id.
    got: Vec<(u64, Reason, NotificationId)>,
}

impl Outbox {
    fn new() -> Self {
        Self { state: State::default(), journal: Vec::new(), minted: 0, got: Vec::new() }
    }

    fn run(&mut self, command: &Command, now: Timestamp) {
        let facts = decide(&self.state, command, now).unwrap();
        facts.iter().for_each(|fact| apply(&mut self.state, fact));
        self.journal.extend(facts);
    }

    fn reconcile(&mut self, info: &IncidentInfo, to: &[Destination], now: Timestamp) {
        self.reconcile_with(info, to, &[], now);
    }

    fn reconcile_with(
        &mut self,
        info: &IncidentInfo,
        to: &[Destination],
        fallback: &[Destination],
        now: Timestamp,
    ) {
        let plan = reconcile(&self.state, info, to, fallback, now);
        for owed in plan.queue {
            self.minted += 1;
            let command = Command::Queue {
                notification: NotificationId::from_u128(self.minted),
                incident: Some(owed.incident),
                destination: owed.destination,
                reason: owed.reason,
                subject: "checkout burns".into(),
                payload: "{}".into(),
                told: Some(owed.told),
            };
            self.run(&command, now);
        }
        plan.abandon.iter().for_each(|command| self.run(command, now));
        let again = reconcile(&self.state, info, to, fallback, now);
        assert_eq!(
            (again.queue, again.abandon),
            (vec![], vec![]),
            "a plan that was applied is empty"
        );
    }

    /// Makes all attempts that are due; `answer` gives HTTP's status.
    fn send(&mut self, now: Timestamp, answer: impl Fn(&Attempt) -> u16) {
        for attempt in due(&self.state, &BTreeSet::new(), now) {
            let latency = Duration::from_millis(20);
            let status = answer(&attempt);
            let outcome = if status < 300 {
                self.got.push((now.since(START).as_secs(), attempt.reason, attempt.notification));
                Outcome::Delivered { status: Some(status), latency }
            } else {
                Outcome::Failed { status: Some(status), error: "refused".into(), latency }
            };
            self.run(&Command::Report { notification: attempt.notification, outcome }, now);
        }
    }

    fn got(&self) -> Vec<String> {
        self.got
            .iter()
            .map(|(second, reason, _)| format!("{second} s: {}", reason.as_str()))
            .collect()
    }
}

#[test]
fn a_page_leaves_at_once_and_its_news_are_folded() {
    let (mut outbox, to) = (Outbox::new(), [destination("ops")]);
    let mut info = incident();
    for second in 0..900 {
        info.progress.joined = [0, 1, 2, 3].into_iter().rev().find(|n| second >= n * 20).unwrap();
        info.progress.updated = u64::from(second >= 310);
        info.progress.escalated = u64::from(second >= 100);
        info.resolved = second >= 800;
        outbox.reconcile(&info, &to, seconds(second));
        outbox.send(seconds(second), |_| 200);
    }
    assert_eq!(
        outbox.got(),
        ["0 s: opened", "100 s: escalated", "400 s: updated", "800 s: resolved"]
    );
}

#[test]
fn a_ticket_waits_for_its_group() {
    let (mut outbox, to) = (Outbox::new(), [destination("ops")]);
    let info = IncidentInfo { is_page: false, ..incident() };
    assert_eq!(reconcile(&outbox.state, &info, &to, &[], START).next_at, Some(seconds(30)));
    for second in 0..60 {
        outbox.reconcile(&info, &to, seconds(second));
        outbox.send(seconds(second), |_| 200);
    }
    assert_eq!(outbox.got(), ["30 s: opened"]);
}

#[test]
fn it_is_said_again_until_somebody_acknowledges() {
    let (mut outbox, to) = (Outbox::new(), [destination("ops")]);
    for minute in 0..60 * 30 {
        let acknowledged_at = (minute >= 60 * 13).then(|| seconds(60 * 60 * 13));
        let info = IncidentInfo { acknowledged_at, ..incident() };
        outbox.reconcile(&info, &to, seconds(minute * 60));
        outbox.send(seconds(minute * 60), |_| 200);
    }
    assert_eq!(
        outbox.got(),
        ["0 s: opened", "14400 s: repeat", "28800 s: repeat", "43200 s: repeat"]
    );
}

#[test]
fn a_failing_receiver_is_tried_by_the_schedule_under_one_id() {
    let (mut outbox, to) = (Outbox::new(), [destination("ops")]);
    let mut tried = Vec::new();
    for second in 0..200 {
        outbox.reconcile(&incident(), &to, seconds(second));
        tried.extend(due(&outbox.state, &BTreeSet::new(), seconds(second)).iter().map(|attempt| {
            assert_eq!(attempt.notification, NotificationId::from_u128(1));
            (second, attempt.attempt)
        }));
        outbox.send(seconds(second), |_| if second < 100 { 503 } else { 200 });
    }
    assert_eq!(tried, [(0, 1), (1, 2), (6, 3), (21, 4), (51, 5), (111, 6)]);
    assert_eq!(outbox.got(), ["111 s: opened"]);
}

#[test]
fn acknowledging_ends_the_retries_but_not_the_first_attempt() {
    let (mut outbox, to) = (Outbox::new(), [destination("down"), destination("up")]);
    outbox.reconcile(&incident(), &to, START);
    let acknowledged = IncidentInfo { acknowledged_at: Some(START), ..incident() };
    outbox.reconcile(&acknowledged, &to, START);
    assert_eq!(outbox.state.waiting(), 2);
    for second in 0..100 {
        outbox.send(seconds(second), |attempt| if &*attempt.receiver == "up" { 200 } else { 500 });
        outbox.reconcile(&acknowledged, &to, seconds(second));
    }
    let statuses: Vec<_> =
        outbox.state.records().map(|record| (record.status, record.attempts)).collect();
    let reason = AbandonReason::Acknowledged;
    assert_eq!(
        statuses,
        [(Status::Abandoned { at: START, reason }, 1), (Status::Delivered { at: START }, 1)]
    );
}

#[test]
fn acknowledging_says_nothing_about_what_comes_later() {
    let (mut outbox, to) = (Outbox::new(), [destination("ops")]);
    let mut info = IncidentInfo { is_page: false, opened_at: START, ..incident() };
    for second in 0..200 {
        if second == 60 {
            info.acknowledged_at = Some(seconds(60));
        }
        if second == 100 {
            (info.is_page, info.progress.escalated) = (true, 1);
        }
        outbox.reconcile(&info, &to, seconds(second));
        outbox.send(seconds(second), |attempt| if attempt.attempt < 3 { 500 } else { 200 });
    }
    assert_eq!(outbox.got(), ["36 s: opened", "106 s: escalated"]);
}

#[test]
fn opened_again_pages_at_once_where_the_end_was_not_told() {
    let to = [Destination { send_resolved: false, ..destination("ops") }];
    let (mut outbox, mut info) = (Outbox::new(), incident());
    for second in 0..300 {
        info.resolved = (100..200).contains(&second);
        info.progress.reopened = u64::from(second >= 200);
        outbox.reconcile(&info, &to, seconds(second));
        outbox.send(seconds(second), |_| 200);
    }
    assert_eq!(outbox.got(), ["0 s: opened", "200 s: opened"]);
}

#[test]
fn a_page_that_reaches_nobody_within_a_minute_goes_to_the_fallback_too() {
    let check = |acknowledged_at: Option<u64>, up_at: u64| {
        let mut outbox = Outbox::new();
        let (to, fallback) =
            ([destination("ops"), destination("audit")], [destination("boss"), destination("ops")]);
        let mut told = Vec::new();
        for second in 0..400 {
            let acknowledged_at = acknowledged_at.filter(|at| second >= *at).map(seconds);
            let info = IncidentInfo { acknowledged_at, resolved: second >= 300, ..incident() };
            outbox.reconcile_with(&info, &to, &fallback, seconds(second));
            let before = outbox.got.len();
            let is_up = |name: &str| name == "boss" || (name == "audit" && second >= up_at);
            outbox
                .send(seconds(second), |attempt| if is_up(&attempt.receiver) { 200 } else { 500 });
            let new = outbox.got[before..].iter().map(|(at, reason, id)| {
                let to = &outbox.state.get(*id).unwrap().receiver;
                format!("{at} s: {to} {}", reason.as_str())
            });
            told.extend(new.collect::<Vec<_>>());
        }
        told
    };
    assert_eq!(check(None, 1000), ["60 s: boss opened", "300 s: boss resolved"]);
    assert_eq!(check(None, 50), ["51 s: audit opened", "300 s: audit resolved"], "one got it");
    assert_eq!(check(Some(30), 1000), [""; 0], "somebody knows");
}

#[test]
fn resolved_does_not_overtake_opened_and_replaces_it_when_it_fails() {
    let (mut outbox, to) = (Outbox::new(), [destination("ops")]);
    outbox.reconcile(&incident(), &to, START);
    let resolved = IncidentInfo { resolved: true, ..incident() };
    outbox.reconcile(&resolved, &to, START);
    let first = due(&outbox.state, &BTreeSet::new(), START);
    assert_eq!(first.iter().map(|attempt| attempt.reason).collect::<Vec<_>>(), [Reason::Opened]);
    let in_flight = BTreeSet::from([first[0].notification]);
    assert_eq!(due(&outbox.state, &in_flight, START), []);
    assert_eq!(next_due(&outbox.state, &in_flight), None);
    outbox.send(START, |_| 500);
    outbox.reconcile(&resolved, &to, START);
    outbox.send(START, |_| 200);
    assert_eq!(outbox.got(), ["0 s: resolved"]);
    assert_eq!(outbox.state.waiting(), 0);
}

#[test]
fn the_order_of_a_thread_is_that_of_its_queue_and_not_of_its_ids() {
    let mut outbox = Outbox::new();
    for (id, reason) in [(9, Reason::Opened), (3, Reason::Resolved)] {
        let command = Command::Queue {
            notification: NotificationId::from_u128(id),
            incident: Some("inc_1".into()),
            destination: destination("ops"),
            reason,
            subject: "checkout burns".into(),
            payload: "{}".into(),
            told: Some(Progress::default()),
        };
        outbox.run(&command, START);
    }
    (0..2).for_each(|_| outbox.send(START, |_| 200));
    assert_eq!(outbox.got(), ["0 s: opened", "0 s: resolved"]);
}

#[test]
fn gone_means_gone_and_a_late_answer_still_counts() {
    let (mut outbox, to) = (Outbox::new(), [destination("ops")]);
    outbox.reconcile(&incident(), &to, START);
    outbox.send(START, |_| 410);
    let id = NotificationId::from_u128(1);
    let reason = AbandonReason::Gone;
    assert_eq!(outbox.state.get(id).unwrap().status, Status::Abandoned { at: START, reason });
    let latency = Duration::ZERO;
    let failed = Outcome::Failed { status: None, error: "timeout".into(), latency };
    let report = |outcome| Command::Report { notification: id, outcome };
    assert_eq!(decide(&outbox.state, &report(failed), START), Ok(vec![]));
    outbox.run(&report(Outcome::Delivered { status: Some(200), latency }), START);
    assert_eq!(outbox.state.get(id).unwrap().status, Status::Delivered { at: START });
}

#[test]
fn a_clock_that_jumps_loses_no_page() {
    let (mut outbox, to) = (Outbox::new(), [destination("ops")]);
    outbox.reconcile(&incident(), &to, START);
    outbox.send(START, |_| 500);
    let year = 365 * 86_400;
    for second in 0..600 {
        outbox.send(seconds(year + second), |_| 500);
    }
    assert_eq!(outbox.state.waiting(), 1);
    outbox.send(seconds(year + 700), |_| 200);
    assert_eq!(outbox.got(), [format!("{} s: opened", year + 700)]);
}

#[test]
fn a_receiver_that_is_down_for_good_is_given_up_after_a_day_and_told_again_later() {
    let (mut outbox, to) = (Outbox::new(), [destination("ops")]);
    for minute in 0..60 * 25 {
        outbox.reconcile(&incident(), &to, seconds(minute * 60));
        outbox.send(seconds(minute * 60), |_| 500);
    }
    let records: Vec<_> = outbox.state.records().map(|r| (r.reason, r.status)).collect();
    let expired = Status::Abandoned { at: seconds(86_400), reason: AbandonReason::Expired };
    assert_eq!(records[0], (Reason::Opened, expired));
    assert!(matches!(records[1], (Reason::Repeat, Status::Waiting { .. })), "{records:?}");
    assert_eq!(
        outbox.state.get(NotificationId::from_u128(1)).unwrap().recent.len(),
        ATTEMPTS_KEPT_MAX
    );
}

#[test]
fn refuses_what_it_cannot_hold() {
    let command = |id, payload: String| Command::Queue {
        notification: NotificationId::from_u128(id),
        incident: None,
        destination: destination("ops"),
        reason: Reason::Test,
        subject: "test".into(),
        payload: payload.into(),
        told: None,
    };
    let mut outbox = Outbox::new();
    for id in 0..10_000 {
        outbox.run(&command(id, "{}".to_owned()), START);
    }
    let check =
        |id, payload| decide(&outbox.state, &command(id, payload), START).unwrap_err().to_string();
    insta::assert_snapshot!(check(1, "{}".to_owned()), @"cannot queue notification `ntf_00000000000000000000000001`: the id is taken");
    insta::assert_snapshot!(check(10_001, "x".repeat(300_000)), @"cannot queue notification `ntf_000000000000000000000009rh`: its payload has 300000 bytes; at most 262144");
    insta::assert_snapshot!(check(10_001, "{}".to_owned()), @"cannot queue notification `ntf_000000000000000000000009rh`: 10000 are waiting to be delivered already");
    let report = Command::Abandon {
        notification: NotificationId::from_u128(20_000),
        reason: AbandonReason::ReceiverRemoved,
    };
    insta::assert_snapshot!(decide(&outbox.state, &report, START).unwrap_err(), @"notification `ntf_00000000000000000000000kh0` is not known");
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Join,
    Escalate,
    Update,
    Acknowledge,
    Resolve,
    /// The process dies and reads its journal.
    Crash,
    /// The first receiver goes down or comes back.
    Toggle,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1..400_u64).prop_map(Step::Wait),
        1 => Just(Step::Join),
        1 => Just(Step::Escalate),
        1 => Just(Step::Update),
        1 => Just(Step::Acknowledge),
        1 => Just(Step::Resolve),
        2 => Just(Step::Crash),
        2 => Just(Step::Toggle),
    ]
}

proptest! {
    #[test]
    fn nothing_owed_is_lost_and_the_journal_replays(steps in prop::collection::vec(step(), 1..60)) {
        let (mut outbox, to) = (Outbox::new(), [destination("shaky"), destination("sound")]);
        let (mut info, mut second, mut down) = (incident(), 0, false);
        for step in steps {
            let mut wait = 1;
            match step {
                Step::Wait(secs) => wait = secs,
                Step::Join => info.progress.joined += 1,
                Step::Escalate => info.progress.escalated += 1,
                Step::Update => info.progress.updated += 1,
                Step::Acknowledge => info.acknowledged_at = Some(seconds(second)),
                Step::Resolve => info.resolved = true,
                Step::Toggle => down = !down,
                Step::Crash => {
                    let mut replayed = State::default();
                    outbox.journal.iter().for_each(|fact| apply(&mut replayed, fact));
                    prop_assert_eq!(&replayed, &outbox.state);
                    outbox.state = replayed;
                }
            }
            for _ in 0..wait.min(100) {
                let now = seconds(second);
                outbox.reconcile(&info, &to, now);
                // Once what is first in a thread was tried, what is behind it is due.
                for _ in 0..64 {
                    outbox.send(now, |attempt| if down && &*attempt.receiver == "shaky" { 503 } else { 200 });
                }
                prop_assert!(due(&outbox.state, &BTreeSet::new(), now).is_empty());
                prop_assert_eq!(next_due(&outbox.state, &BTreeSet::new()).is_none(), outbox.state.waiting() == 0);
                second += 1;
            }
            second += wait.saturating_sub(100);
        }
        // The sound receiver heard first that it opened, and last how it stands.
        let sound: Vec<_> = outbox.state.records().filter(|r| &*r.receiver == "sound").collect();
        if let Some(first) = sound.first() {
            prop_assert_eq!(first.reason, Reason::Opened);
            prop_assert_eq!(sound.iter().filter(|r| r.reason == Reason::Opened).count(), 1);
        }
        let resolved = sound.iter().filter(|r| r.reason == Reason::Resolved).count();
        prop_assert_eq!(resolved, usize::from(info.resolved && !sound.is_empty()));
        // Nobody gets a notification twice from a receiver that answers.
        let mut ids: Vec<_> = outbox.got.iter().map(|(.., id)| *id).collect();
        ids.sort_unstable();
        let before = ids.len();
        ids.dedup();
        prop_assert_eq!(ids.len(), before);
        // Within a day nothing but an acknowledgement or the end abandons.
        for record in outbox.state.records() {
            if let Status::Abandoned { reason, .. } = record.status {
                prop_assert!(matches!(reason, AbandonReason::Acknowledged | AbandonReason::Superseded));
            }
        }
    }
}
