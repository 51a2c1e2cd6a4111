//! Records that span lines, put together line by line: stack traces, indented continuations, or whatever a start pattern says.

mod trace;

use regex::Regex;

use trace::Trace;

/// How large a joined record may become. A record that would outgrow them is cut between two lines, and goes on in the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub lines_max: usize,
    /// Line ends count. One line alone may be longer: nothing is cut inside it.
    pub bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lines_max: 1000, bytes_max: 256 << 10 }
    }
}

/// A record of one or more lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined<T> {
    /// What came with its first line.
    pub tag: T,
    /// The lines, with `\n` between them.
    pub text: String,
    pub lines: usize,
    /// Whether it is the rest of the record before it, which had reached a limit.
    pub continues: bool,
}

/// Joins the lines of one stream. Each line comes with a tag, such as its time; the record has that of its first.
///
/// Blank lines are dropped unless a line that belongs to the record follows.
#[derive(Debug)]
pub struct Joiner<T> {
    start: Option<Regex>,
    limits: Limits,
    open: Option<Joined<T>>,
    trace: Trace,
    blanks: usize,
}

impl<T> Joiner<T> {
    /// Lines belong together when they look like it: what is indented deeper than the first line, and the traces of Java, Kotlin, Scala, .NET,
    /// Python, Go, Node.js, Ruby, PHP and Rust.
    pub fn new(limits: Limits) -> Self {
        Self { start: None, limits, open: None, trace: Trace::default(), blanks: 0 }
    }

    /// A record begins with a line that `start` matches and with no other.
    pub fn starting_with(start: Regex, limits: Limits) -> Self {
        Self { start: Some(start), ..Self::new(limits) }
    }

    /// Takes a line without its end. Gives the record before it when this one begins another.
    pub fn push(&mut self, tag: T, line: &str) -> Option<Joined<T>> {
        let line = line.trim_end_matches(['\r', '\n']);
        if line.trim_ascii().is_empty() {
            self.blanks = self.blanks.saturating_add(usize::from(self.open.is_some()));
            return None;
        }
        let blanks = std::mem::take(&mut self.blanks);
        let Some(open) = &mut self.open else {
            return self.begin(tag, line, false);
        };
        let belongs = match &self.start {
            Some(start) => !start.is_match(line),
            None => self.trace.continues(&open.text, line, blanks > 0),
        };
        if !belongs {
            return self.begin(tag, line, false);
        }
        let lines = open.lines.saturating_add(blanks).saturating_add(1);
        let bytes = open.text.len().saturating_add(blanks).saturating_add(1 + line.len());
        if lines > self.limits.lines_max || bytes > self.limits.bytes_max {
            return self.begin(tag, line, true);
        }
        open.text.extend(std::iter::repeat_n('\n', blanks + 1));
        open.text.push_str(line);
        open.lines = lines;
        None
    }

    /// Gives the record that is open; the caller decides when no more lines of it will come.
    pub fn flush(&mut self) -> Option<Joined<T>> {
        self.blanks = 0;
        self.open.take()
    }

    fn begin(&mut self, tag: T, line: &str, continues: bool) -> Option<Joined<T>> {
        if !continues && self.start.is_none() {
            self.trace = Trace::begin(line);
        }
        self.open.replace(Joined { tag, text: line.to_owned(), lines: 1, continues })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records of some text, with `|` between their lines.
    pub(super) fn joined(mut joiner: Joiner<usize>, text: &str) -> Vec<String> {
        let mut records: Vec<_> =
            text.lines().enumerate().filter_map(|(at, line)| joiner.push(at, line)).collect();
        records.extend(joiner.flush());
        for record in &records {
            assert_eq!(record.lines, record.text.lines().count());
        }
        records.into_iter().map(|record| record.text.replace('\n', "|")).collect()
    }

    #[test]
    fn a_pattern_begins_records() {
        let joiner = Joiner::starting_with(Regex::new(r"^\d+ ").unwrap(), Limits::default());
        let text = "lead\n1 a\nx\n\ny\n2 b\n\n3 c\r\nz";
        assert_eq!(joined(joiner, text), ["lead", "1 a|x||y", "2 b", "3 c|z"]);
    }

    #[test]
    fn limits_cut_between_lines_and_lose_none() {
        let limits = Limits { lines_max: 3, bytes_max: 1000 };
        assert_eq!(
            joined(Joiner::new(limits), "a\n b\n c\n d\n e\n f\n g\nh"),
            ["a| b| c", " d| e| f", " g", "h"]
        );
        let limits = Limits { lines_max: 100, bytes_max: 6 };
        assert_eq!(
            joined(Joiner::new(limits), "a\n bb\n c\n dddddddd\n e"),
            ["a| bb", " c", " dddddddd", " e"]
        );
        let mut joiner = Joiner::new(limits);
        let records: Vec<_> = ["a", " bbbbb", "c"]
            .iter()
            .enumerate()
            .filter_map(|(at, line)| joiner.push(at, line))
            .collect();
        assert_eq!(
            records.iter().map(|record| (record.tag, record.continues)).collect::<Vec<_>>(),
            [(0, false), (1, true)]
        );
    }

    #[test]
    fn many_blank_lines_cost_nothing() {
        let mut joiner = Joiner::new(Limits::default());
        joiner.push((), "a");
        for _ in 0..100_000 {
            assert_eq!(joiner.push((), ""), None);
        }
        assert_eq!(joiner.push((), "  b").unwrap().text, "a");
        assert_eq!(joiner.flush().unwrap().text, "  b");
    }
}
