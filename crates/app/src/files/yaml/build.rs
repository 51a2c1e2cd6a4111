//! Builds the tree from the parser's events, without recursion.

use std::{collections::BTreeMap, sync::Arc};

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::{DEPTH_MAX, EXPANDED_BYTES_MAX, NODES_MAX, Node, Value, narrow};
use crate::files::{
    problem::{Code, Position, Report},
    text::shorten,
};

/// The documents of `text` up to the first that cannot be read.
pub(super) fn documents(text: &str, report: &Report) -> Vec<Node> {
    let mut builder = Builder::new(report);
    for event in Parser::new_from_str(text) {
        let step = match event {
            Ok((event, span)) => builder.event(event, position(span)),
            Err(error) => {
                let marker = error.marker();
                let at = Position { line: narrow(marker.line()), column: narrow(marker.col() + 1) };
                report.error(at, Code::SYNTAX, format!("not YAML: {}", error.info()), "");
                Err(Stop)
            }
        };
        if step.is_err() {
            break;
        }
    }
    builder.documents
}

/// Reading the file ends here; the reason was reported.
struct Stop;

struct Builder<'r> {
    report: &'r Report,
    documents: Vec<Node>,
    open: Vec<Open>,
    /// The document's finished nodes that have an anchor.
    anchors: BTreeMap<usize, Anchored>,
    nodes: usize,
    expanded_bytes: usize,
}

/// A mapping or sequence whose end has not come.
struct Open {
    at: Position,
    anchor: usize,
    kind: OpenKind,
    size: Size,
}

enum OpenKind {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<(Node, Node)>, key: Option<Node>, lines: BTreeMap<Arc<str>, u32> },
}

/// What an alias to a node costs.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
    depth: usize,
}

struct Anchored {
    node: Node,
    size: Size,
}

impl<'r> Builder<'r> {
    fn new(report: &'r Report) -> Self {
        Self {
            report,
            documents: Vec::new(),
            open: Vec::new(),
            anchors: BTreeMap::new(),
            nodes: 0,
            expanded_bytes: 0,
        }
    }

    fn event(&mut self, event: Event<'_>, at: Position) -> Result<(), Stop> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::Scalar(text, style, anchor, tag) => {
                let style = self.style(style, tag.as_deref(), at);
                let size = Size { nodes: 1, bytes: text.len(), depth: 0 };
                let node = Node { at, value: Value::Scalar { text: text.into(), style } };
                self.count(1, at)?;
                self.finished(node, anchor, size)
            }
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq", at);
                self.start(at, anchor, OpenKind::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), "map", at);
                let lines = BTreeMap::new();
                self.start(at, anchor, OpenKind::Mapping { entries: Vec::new(), key: None, lines })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
        }
    }

    fn start(&mut self, at: Position, anchor: usize, kind: OpenKind) -> Result<(), Stop> {
        self.count(1, at)?;
        if self.open.len() >= DEPTH_MAX {
            return Err(self.too_deep(at));
        }
        self.open.push(Open { at, anchor, kind, size: Size { nodes: 1, bytes: 0, depth: 1 } });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stop> {
        let Some(Open { at, anchor, kind, size }) = self.open.pop() else { return Ok(()) };
        let value = match kind {
            OpenKind::Sequence(items) => Value::Sequence(items),
            OpenKind::Mapping { entries, .. } => Value::Mapping(self.merged(entries)),
        };
        self.finished(Node { at, value }, anchor, size)
    }

    fn alias(&mut self, anchor: usize, at: Position) -> Result<(), Stop> {
        let Some(Anchored { node, size }) = self.anchors.get(&anchor) else {
            let message = "the alias names no anchor that ends before it";
            self.report.error(
                at,
                Code::ALIAS,
                message,
                "define the anchor earlier in this document",
            );
            return Err(Stop);
        };
        // The node keeps the position of its anchor: that is the text to repair.
        let (size, node) = (*size, (self.nodes + size.nodes <= NODES_MAX).then(|| node.clone()));
        self.count(size.nodes, at)?;
        self.expanded_bytes += size.bytes;
        if self.expanded_bytes > EXPANDED_BYTES_MAX {
            let message = format!("the file's aliases add more than {EXPANDED_BYTES_MAX} bytes");
            self.report.error(at, Code::COMPLEXITY, message, "write less by alias");
            return Err(Stop);
        }
        if self.open.len() + size.depth > DEPTH_MAX {
            return Err(self.too_deep(at));
        }
        match node {
            Some(node) => self.finished(node, 0, size),
            None => Err(Stop),
        }
    }

    /// Puts a finished node where it belongs.
    fn finished(&mut self, node: Node, anchor: usize, size: Size) -> Result<(), Stop> {
        if anchor > 0 {
            // An anchor keeps a copy: nested anchors must not multiply for free.
            self.count(size.nodes, node.at)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), size });
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        open.size.nodes += size.nodes;
        open.size.bytes += size.bytes;
        open.size.depth = open.size.depth.max(size.depth + 1);
        match &mut open.kind {
            OpenKind::Sequence(items) => items.push(node),
            OpenKind::Mapping { entries, key, lines } => match key.take() {
                None => *key = Some(node),
                Some(key) => entry(self.report, entries, lines, (key, node)),
            },
        }
        Ok(())
    }

    fn count(&mut self, nodes: usize, at: Position) -> Result<(), Stop> {
        self.nodes += nodes;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        let message = format!("the file has more than {NODES_MAX} nodes, its aliases expanded");
        self.report.error(at, Code::COMPLEXITY, message, "split the file, or write less by alias");
        Err(Stop)
    }

    fn too_deep(&self, at: Position) -> Stop {
        let message = format!("mappings and lists are nested more than {DEPTH_MAX} deep");
        self.report.error(at, Code::COMPLEXITY, message, "");
        Stop
    }

    /// A scalar's style; `!!str` makes a plain one text.
    fn style(&self, style: ScalarStyle, tag: Option<&Tag>, at: Position) -> ScalarStyle {
        match tag {
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => {
                ScalarStyle::DoubleQuoted
            }
            Some(tag) if tag.is_yaml_core_schema() && is_plain_tag(&tag.suffix) => style,
            Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => ScalarStyle::DoubleQuoted,
            Some(tag) => {
                self.unknown_tag(tag, at);
                style
            }
            None => style,
        }
    }

    fn check_tag(&self, tag: Option<&Tag>, expected: &str, at: Position) {
        if let Some(tag) = tag
            && !(tag.is_yaml_core_schema() && tag.suffix == expected)
        {
            self.unknown_tag(tag, at);
        }
    }

    fn unknown_tag(&self, tag: &Tag, at: Position) {
        let message = format!("the tag `{}` is not known", shorten(&tag.to_string()));
        let hint = "leave it out; `!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!seq` and `!!map` are allowed";
        self.report.error(at, Code::TAG, message, hint);
    }

    /// Expands `<<`: what the mapping has itself wins, then the earlier of the merged ones.
    fn merged(&self, entries: Vec<(Node, Node)>) -> Vec<(Node, Node)> {
        if !entries.iter().any(|(key, _)| is_merge(key)) {
            return entries;
        }
        let (merges, mut own): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|(key, _)| is_merge(key));
        let mut have: std::collections::BTreeSet<Arc<str>> =
            own.iter().filter_map(|(key, _)| key.text().map(Arc::from)).collect();
        for source in merges.into_iter().flat_map(|(_, value)| self.sources(value)) {
            for (key, value) in source {
                if have.insert(key.text().unwrap_or_default().into()) {
                    own.push((key, value));
                }
            }
        }
        own
    }

    /// The mappings that a merge key's value names.
    fn sources(&self, value: Node) -> Vec<Vec<(Node, Node)>> {
        let nodes = match value.value {
            Value::Sequence(items) => items,
            other => vec![Node { at: value.at, value: other }],
        };
        let mut sources = Vec::new();
        for node in nodes {
            match node.value {
                Value::Mapping(entries) => sources.push(entries),
                Value::Scalar { .. } | Value::Sequence(_) => {
                    let message = "`<<` merges mappings only";
                    self.report.error(
                        node.at,
                        Code::WRONG_TYPE,
                        message,
                        "name a mapping by alias",
                    );
                }
            }
        }
        sources
    }
}

fn entry(
    report: &Report,
    entries: &mut Vec<(Node, Node)>,
    lines: &mut BTreeMap<Arc<str>, u32>,
    (key, value): (Node, Node),
) {
    let Value::Scalar { text, .. } = &key.value else {
        let message = format!("a key must be a scalar, not {}", key.describe());
        report.error(key.at, Code::WRONG_TYPE, message, "");
        return;
    };
    if let Some(line) = lines.get(text) {
        let message = format!("the key `{}` stands twice; first in line {line}", shorten(text));
        report.error(key.at, Code::DUPLICATE_KEY, message, "keep one of them");
        return;
    }
    lines.insert(text.clone(), key.at.line);
    entries.push((key, value));
}

fn is_plain_tag(suffix: &str) -> bool {
    matches!(suffix, "int" | "float" | "bool" | "null")
}

fn is_merge(key: &Node) -> bool {
    matches!(&key.value, Value::Scalar { text, style: ScalarStyle::Plain } if text.as_ref() == "<<")
}

fn position(span: Span) -> Position {
    Position { line: narrow(span.start.line()), column: narrow(span.start.col() + 1) }
}
