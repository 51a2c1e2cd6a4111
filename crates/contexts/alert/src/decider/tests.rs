//! Firing once, resolving once, and replaying to the same state.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{Pending, Window};

const START: Timestamp = Timestamp::from_secs(1_795_400_000);

fn judgement(slo: &str, verdict: Verdict, secs: u64) -> Judgement {
    let window =
        Window { length: Duration::from_secs(300), bad: 10, total: 100, burn: Some(100.0) };
    Judgement {
        key: Key { slo: slo.into(), pair: "1h+5m".into() },
        service: "checkout".into(),
        environment: None,
        severity: Severity::Page,
        verdict,
        evidence: Evidence { threshold: 14.4, long: window, short: window },
        summary: "burning".into(),
        labels: Labels::from_pairs([("slo", slo)]),
        at: START + Duration::from_secs(secs),
        clear_since: None,
    }
}

/// The control loop around the decider, with its journal.
#[derive(Default)]
struct Loop {
    state: State,
    pending: Pending,
    journal: Vec<Fact>,
    minted: u128,
}

impl Loop {
    fn round(&mut self, judgements: Vec<Judgement>) -> Vec<String> {
        let Some(now) = judgements.first().map(|judgement| judgement.at) else { return Vec::new() };
        let judgements = self.pending.track(&self.state, judgements);
        let ids = judgements
            .iter()
            .map(|_| {
                self.minted += 1;
                AlertId::from_u128(self.minted)
            })
            .collect();
        self.run(&Command::Judge { judgements, ids }, now)
    }

    fn run(&mut self, command: &Command, now: Timestamp) -> Vec<String> {
        let facts = decide(&self.state, command, now).unwrap();
        for fact in &facts {
            apply(&mut self.state, fact);
        }
        let words = facts.iter().map(|fact| match fact {
            Fact::Fired { key, .. } => format!("{} fired", key.slo),
            Fact::Resolved { reason, .. } => format!("resolved: {reason:?}"),
        });
        let words = words.collect();
        self.journal.extend(facts);
        words
    }
}

/// One SLO's verdicts, a second each: `X` crossed, `.` clear, `?` unknown, digits repeat the one before.
fn check(script: &[(Verdict, u64)]) -> Vec<String> {
    let mut all = Loop::default();
    let mut second = 0;
    let mut words = Vec::new();
    for &(verdict, seconds) in script {
        for _ in 0..seconds {
            second += 1;
            let found = all.round(vec![judgement("a", verdict, second)]);
            words.extend(found.into_iter().map(|word| format!("{second} s: {word}")));
        }
    }
    words
}

#[test]
fn a_crossing_fires_once_and_resolves_when_clear_for_a_minute() {
    use Verdict::{Clear, Crossed, Unknown};
    assert_eq!(
        check(&[(Clear, 5), (Crossed, 30), (Clear, 100)]),
        ["6 s: a fired", "96 s: resolved: Clear"]
    );
    assert_eq!(
        check(&[(Crossed, 5), (Clear, 59), (Crossed, 1), (Clear, 59), (Crossed, 9)]),
        ["1 s: a fired"]
    );
    assert_eq!(check(&[(Crossed, 5), (Unknown, 100_000)]), ["1 s: a fired"]);
    assert_eq!(check(&[(Crossed, 5), (Clear, 30), (Unknown, 1), (Clear, 59)]), ["1 s: a fired"]);
    assert_eq!(check(&[(Unknown, 5), (Clear, 5)]), Vec::<String>::new());
    assert_eq!(
        check(&[(Crossed, 1), (Clear, 61), (Crossed, 1)]),
        ["1 s: a fired", "62 s: resolved: Clear", "63 s: a fired"]
    );
}

#[test]
fn alerts_of_a_removed_slo_resolve() {
    let mut all = Loop::default();
    all.round(vec![judgement("a", Verdict::Crossed, 1), judgement("b", Verdict::Crossed, 1)]);
    let slos = BTreeSet::from(["b".into()]);
    let words = all.run(&Command::Retain { slos: slos.clone() }, START);
    assert_eq!(words, ["resolved: SloRemoved"]);
    assert_eq!(all.run(&Command::Retain { slos }, START), Vec::<String>::new());
    assert_eq!(all.state.firing().count(), 1);
    assert_eq!(all.state.resolved().count(), 1);
}

#[test]
fn ids_are_checked() {
    let state = State::default();
    let judgements = vec![judgement("a", Verdict::Crossed, 1), judgement("b", Verdict::Crossed, 1)];
    let id = AlertId::from_u128(1);
    let check = |ids: Vec<AlertId>| {
        let command = Command::Judge { judgements: judgements.clone(), ids };
        decide(&state, &command, START).unwrap_err().to_string()
    };
    insta::assert_snapshot!(check(vec![id]), @"cannot judge: 2 alerts would fire and there are 1 ids");
    insta::assert_snapshot!(check(vec![id, id]), @"cannot fire alert `alr_00000000000000000000000001`: the id is taken");
}

#[test]
fn what_resolved_long_ago_is_forgotten() {
    let mut all = Loop::default();
    for round in 0..1100 {
        all.round(vec![judgement("a", Verdict::Crossed, round * 100)]);
        all.run(&Command::Retain { slos: BTreeSet::new() }, START);
    }
    assert_eq!(all.state.resolved().count(), RESOLVED_KEPT_MAX);
    assert!(all.state.get(AlertId::from_u128(1)).is_none());
    assert!(all.state.get(AlertId::from_u128(1100)).is_some());
}

fn verdicts() -> impl Strategy<Value = Vec<(usize, usize, u64)>> {
    prop::collection::vec((0..3_usize, 0..3_usize, 1..40_u64), 1..200)
}

proptest! {
    /// Against a model that knows only "firing since" and "clear since".
    #[test]
    fn every_crossing_fires_exactly_once(rounds in verdicts()) {
        let names = ["a", "b", "c"];
        let mut all = Loop::default();
        let mut model: [(bool, Option<u64>, u32, u32); 3] = Default::default();
        let mut second = 0;
        for (slo, verdict, pause) in rounds {
            second += pause;
            let verdict = [Verdict::Crossed, Verdict::Clear, Verdict::Unknown][verdict];
            // The others are unknown in this round.
            let judgements = (0..3).map(|at| {
                judgement(names[at], if at == slo { verdict } else { Verdict::Unknown }, second)
            });
            all.round(judgements.collect());
            for (at, (firing, clear, fired, resolved)) in model.iter_mut().enumerate() {
                match if at == slo { verdict } else { Verdict::Unknown } {
                    Verdict::Crossed => {
                        *fired += u32::from(!*firing);
                        (*firing, *clear) = (true, None);
                    }
                    Verdict::Clear if *firing => {
                        let since = *clear.get_or_insert(second);
                        if second - since >= 60 {
                            *resolved += 1;
                            (*firing, *clear) = (false, None);
                        }
                    }
                    Verdict::Clear | Verdict::Unknown => *clear = None,
                }
            }
            for (at, (firing, ..)) in model.iter().enumerate() {
                let key = Key { slo: names[at].into(), pair: "1h+5m".into() };
                prop_assert_eq!(all.state.is_firing(&key), *firing);
            }
        }
        let fired = all.journal.iter().filter(|fact| matches!(fact, Fact::Fired { .. })).count();
        let expected: u32 = model.iter().map(|(_, _, fired, _)| fired).sum();
        prop_assert_eq!(fired, expected as usize);
        let resolved: u32 = model.iter().map(|(.., resolved)| resolved).sum();
        prop_assert_eq!(all.journal.len() - fired, resolved as usize);
        let mut replayed = State::default();
        all.journal.iter().for_each(|fact| apply(&mut replayed, fact));
        prop_assert_eq!(replayed, all.state);
    }
}
