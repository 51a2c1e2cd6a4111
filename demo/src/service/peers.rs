//! Whom a service calls: the instances of each peer take turns.

use std::{
    collections::BTreeMap,
    sync::{
        RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::PeerOrder;

/// A peer was not given as `NAME=URL`.
#[derive(Debug, thiserror::Error)]
#[error("peer `{text}` is not written as `name=http://host:port`")]
pub(crate) struct BadPeer {
    text: String,
}

#[derive(Debug, Default)]
pub(super) struct Peers {
    addresses: RwLock<BTreeMap<String, Vec<String>>>,
    turn: AtomicUsize,
}

impl Peers {
    /// Each text is `NAME=URL`; a name that comes again has one more instance.
    pub(super) fn parse(texts: &[String]) -> Result<Self, BadPeer> {
        let mut addresses: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for text in texts {
            let pair = text.split_once('=').filter(|(_, url)| url.starts_with("http://"));
            let (name, url) = pair.ok_or_else(|| BadPeer { text: text.clone() })?;
            addresses.entry(name.to_owned()).or_default().push(url.to_owned());
        }
        Ok(Self { addresses: RwLock::new(addresses), turn: AtomicUsize::new(0) })
    }

    /// From now on the named peers are there; others stay.
    pub(super) fn replace(&self, order: PeerOrder) {
        if let Ok(mut addresses) = self.addresses.write() {
            addresses.extend(order);
        }
    }

    /// All instances of `name`, the one whose turn it is first.
    pub(super) fn in_turn(&self, name: &str) -> Vec<String> {
        let Ok(addresses) = self.addresses.read() else { return Vec::new() };
        let mut urls = addresses.get(name).cloned().unwrap_or_default();
        if !urls.is_empty() {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % urls.len();
            urls.rotate_left(turn);
        }
        urls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(texts: &[&str]) -> Result<Peers, BadPeer> {
        Peers::parse(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn instances_take_turns() {
        let peers = peers(&["cart=http://a", "cart=http://b", "auth=http://c"]).unwrap();
        let first: Vec<String> = (0..4).map(|_| peers.in_turn("cart").remove(0)).collect();
        assert_eq!(first, ["http://a", "http://b", "http://a", "http://b"]);
        assert!(peers.in_turn("search").is_empty());
    }

    #[test]
    fn an_order_replaces_only_whom_it_names() {
        let peers = peers(&["cart=http://a", "auth=http://c"]).unwrap();
        peers.replace(BTreeMap::from([("cart".to_owned(), vec!["http://z".to_owned()])]));
        assert_eq!(
            (peers.in_turn("cart"), peers.in_turn("auth")),
            (vec!["http://z".into()], vec!["http://c".into()])
        );
    }

    #[test]
    fn other_spellings_are_refused() {
        assert_eq!(
            peers(&["cart"]).unwrap_err().to_string(),
            "peer `cart` is not written as `name=http://host:port`"
        );
    }
}
