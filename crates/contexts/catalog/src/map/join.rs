//! The two spans of a call find each other by the client's span id, whichever comes first.

use std::{
    collections::{BTreeMap, VecDeque, btree_map::Entry},
    mem,
    sync::Arc,
    time::Duration,
};

use model::{Resource, Span, SpanId, SpanStatus, Timestamp, TraceId};

use super::{
    Call, EdgeKey, Node, ServiceMap,
    node::{Role, role},
};
use crate::limits;

/// How long a span waits for its other half; after that nobody answered. A span that comes again within it counts once.
const WAIT: Duration = Duration::from_secs(30);
/// Spans that one client's span may have for answers.
const CALLEES_MAX: usize = 64;
/// Links of a consumer that are followed to a producer.
const LINKS_MAX: usize = 8;

/// A trace's and a span's id, as numbers: they are compared a lot.
type Id = (u128, u64);

#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    /// By the client's or producer's id; a consumer stands under its own id as well.
    halves: BTreeMap<Id, Half>,
    /// Oldest first, with the time at which it gives up.
    queue: VecDeque<(Timestamp, Id)>,
}

#[derive(Clone, Debug, Default)]
struct Half {
    caller: Option<Arc<Caller>>,
    callees: Vec<Arc<Callee>>,
    /// Somebody answered the call or took the message; for a consumer's own id, its delivery is told.
    answered: bool,
    /// The queue that a producer did not name is known from a consumer.
    named: bool,
}

/// A span that calls or sends.
#[derive(Debug)]
struct Caller {
    resource: Arc<Resource>,
    sends: bool,
    /// Who is called: a peer or a queue.
    target: Option<Node>,
    call: Call,
}

/// A span that serves or takes.
#[derive(Debug)]
struct Callee {
    id: Id,
    resource: Arc<Resource>,
    takes: bool,
    queue: Option<Node>,
    call: Call,
}

impl EdgeKey {
    fn new(resource: &Resource, from: Node, to: Node) -> Self {
        Self { environment: resource.environment.clone(), from, to }
    }
}

impl ServiceMap {
    pub(super) fn note(&mut self, span: &Span) {
        let resource = Arc::clone(&span.resource);
        let call = Call {
            at: span.start,
            took: span.duration(),
            failed: span.status == SpanStatus::Error,
            answered: true,
        };
        let caller = |sends, target| {
            Arc::new(Caller { resource: Arc::clone(&resource), sends, target, call })
        };
        let callee = |takes, queue| {
            let resource = Arc::clone(&resource);
            Arc::new(Callee { id: own(span), resource, takes, queue, call })
        };
        match role(span) {
            Role::Nothing => {}
            Role::Calls(peer) => {
                self.call(span, caller(false, peer));
            }
            Role::Queries(database) => {
                if self.call(span, caller(false, None)) {
                    self.answer(own(span));
                    self.record(key(&resource, database, true), call);
                }
            }
            Role::Sends { queue, created } => {
                if self.call(span, caller(true, queue.clone()))
                    && let Some(queue) = queue.filter(|_| !created)
                {
                    self.record(key(&resource, queue, true), call);
                }
            }
            Role::Takes(queue) => {
                let callee = callee(true, queue.clone());
                if !self.take(own(span), callee.clone()) {
                    return;
                }
                if let Some(queue) = queue {
                    self.answer(own(span));
                    self.record(key(&resource, queue, false), call);
                }
                for id in senders(span) {
                    self.take(id, callee.clone());
                }
            }
            Role::Serves => {
                if let Some(id) = parent(span) {
                    self.take(id, callee(false, None));
                }
            }
        }
    }

    /// Notes a caller, and joins it with those who came before it; whether it is new.
    fn call(&mut self, span: &Span, caller: Arc<Caller>) -> bool {
        let half = self.half(own(span));
        if half.caller.is_some() {
            return false;
        }
        half.caller = Some(Arc::clone(&caller));
        let callees = half.callees.clone();
        for callee in callees {
            self.join(own(span), &caller, &callee);
        }
        true
    }

    /// Notes who serves or takes, and joins it with its caller if that has come; whether it is new.
    fn take(&mut self, id: Id, callee: Arc<Callee>) -> bool {
        let half = self.half(id);
        if half.callees.len() >= CALLEES_MAX
            || half.callees.iter().any(|known| known.id == callee.id)
        {
            return false;
        }
        half.callees.push(Arc::clone(&callee));
        if let Some(caller) = half.caller.clone() {
            self.join(id, &caller, &callee);
        }
        true
    }

    fn join(&mut self, id: Id, caller: &Caller, callee: &Callee) {
        self.answer(id);
        if caller.sends {
            self.join_message(id, caller, callee);
        // A service that calls itself is no dependency.
        } else if caller.resource.service != callee.resource.service {
            let call = Call { failed: caller.call.failed || callee.call.failed, ..caller.call };
            let to = Node::service(&callee.resource.service);
            self.record(key(&caller.resource, to, true), call);
        }
    }

    /// Each end told its queue when it came; what remains is an end that names none.
    fn join_message(&mut self, id: Id, caller: &Caller, callee: &Callee) {
        if let Some(queue) = &callee.queue {
            if caller.target.is_none() && !mem::replace(&mut self.half(id).named, true) {
                self.record(key(&caller.resource, queue.clone(), true), caller.call);
            }
        } else if !mem::replace(&mut self.half(callee.id).answered, true) {
            match &caller.target {
                Some(queue) => {
                    self.record(key(&callee.resource, queue.clone(), false), callee.call);
                }
                None if caller.resource.service == callee.resource.service => {}
                None => {
                    let to = Node::service(&callee.resource.service);
                    self.record(key(&caller.resource, to, true), callee.call);
                }
            }
        }
    }

    fn answer(&mut self, id: Id) {
        self.half(id).answered = true;
    }

    fn half(&mut self, id: Id) -> &mut Half {
        if self.waiting.halves.len() >= limits::PENDING_MAX
            && !self.waiting.halves.contains_key(&id)
        {
            self.counts.cut_short += 1;
            self.give_up_oldest();
        }
        match self.waiting.halves.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                self.waiting.queue.push_back((self.now + WAIT, id));
                new.insert(Half::default())
            }
        }
    }

    /// Stops waiting for what has waited long enough.
    pub(super) fn give_up(&mut self) {
        while self.waiting.queue.front().is_some_and(|(until, _)| *until <= self.now) {
            self.give_up_oldest();
        }
    }

    fn give_up_oldest(&mut self) {
        let Some((_, id)) = self.waiting.queue.pop_front() else { return };
        let Some(half) = self.waiting.halves.remove(&id) else { return };
        match half.caller {
            Some(caller) if !half.answered && !caller.sends => match &caller.target {
                Some(peer) => {
                    let call = Call { answered: false, ..caller.call };
                    self.record(key(&caller.resource, peer.clone(), true), call);
                }
                None => self.counts.unnamed += 1,
            },
            Some(_) => {}
            None => {
                let unseen = half.callees.iter().filter(|callee| !callee.takes);
                self.counts.callers_unseen += unseen.count() as u64;
            }
        }
    }

    /// What waits on either side, as if it had come to this map.
    pub(super) fn take_waiting(&mut self, other: Waiting) {
        for (id, half) in other.halves {
            let mine = self.half(id);
            mine.answered |= half.answered;
            mine.named |= half.named;
            let known = mine.callees.len();
            let new: Vec<Arc<Callee>> = half
                .callees
                .into_iter()
                .filter(|callee| mine.callees.iter().all(|known| known.id != callee.id))
                .take(CALLEES_MAX - known)
                .collect();
            let (old, own) = (mine.callees.clone(), mine.caller.clone());
            mine.callees.extend(new.iter().cloned());
            if mine.caller.is_none() {
                mine.caller.clone_from(&half.caller);
            }
            // Each was joined with its own side already.
            match (own, half.caller) {
                (Some(caller), None) => {
                    new.into_iter().for_each(|one| self.join(id, &caller, &one))
                }
                (None, Some(caller)) => {
                    old.into_iter().for_each(|one| self.join(id, &caller, &one))
                }
                (None, None) | (Some(_), Some(_)) => {}
            }
        }
    }
}

/// From the service to `other`, or from `other` to the service.
fn key(resource: &Resource, other: Node, outwards: bool) -> EdgeKey {
    let own = Node::service(&resource.service);
    let (from, to) = if outwards { (own, other) } else { (other, own) };
    EdgeKey::new(resource, from, to)
}

fn id(TraceId(trace): TraceId, SpanId(span): SpanId) -> Id {
    (u128::from_be_bytes(trace), u64::from_be_bytes(span))
}

fn own(span: &Span) -> Id {
    id(span.trace_id, span.span_id)
}

fn parent(span: &Span) -> Option<Id> {
    let parent = span.parent.filter(|parent| *parent != SpanId::default())?;
    Some(id(span.trace_id, parent))
}

/// Whose message a span may be the other half of: its parent's, or what it links to.
fn senders(span: &Span) -> impl Iterator<Item = Id> + '_ {
    let links = span.links.iter().take(LINKS_MAX).map(|link| id(link.trace_id, link.span_id));
    parent(span).into_iter().chain(links)
}
