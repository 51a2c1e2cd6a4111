//! The value of a query as JSON.

use app::query::{Cell, Column, MatrixSeries, Value};
use model::{Labels, Points};

use super::{histogram, json::Out};

/// Moments of a range query, with the text of each.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) start_ms: i64,
    pub(super) step_ms: i64,
    /// `[time,` of each step, one after the other.
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Grid {
    pub(super) fn new(start_ms: i64, step_ms: i64, steps: usize) -> Self {
        let mut out = Out::new();
        let mut grid =
            Self { start_ms, step_ms, text: Vec::new(), ends: Vec::with_capacity(steps) };
        let mut text = Vec::new();
        for step in 0..steps {
            out.raw("[");
            out.time(grid.at(step));
            out.raw(",");
            text.append(&mut std::mem::take(&mut out).into_bytes());
            grid.ends.push(text.len());
        }
        grid.text = text;
        grid
    }

    fn at(&self, step: usize) -> i64 {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        self.start_ms.saturating_add(self.step_ms.saturating_mul(step))
    }

    fn steps(&self) -> usize {
        self.ends.len()
    }

    fn open(&self, out: &mut Out, step: usize) {
        let from = if step == 0 { 0 } else { self.ends[step - 1] };
        out.raw_bytes(&self.text[from..self.ends[step]]);
    }
}

/// How many values there are to write, about.
pub(super) fn size(value: &Value, steps: usize) -> usize {
    match value {
        Value::Scalar(values) => values.len(),
        Value::String(_) => 1,
        Value::Vector(columns) => columns.len().saturating_mul(steps),
        Value::Matrix(series) => series.iter().map(|one| one.points.len() + 1).sum(),
    }
}

/// The value with at most `limit` series; whether there were more.
pub(super) fn truncate(value: &mut Value, limit: Option<usize>) -> bool {
    let Some(limit) = limit else { return false };
    match value {
        Value::Vector(columns) if columns.len() > limit => columns.truncate(limit),
        Value::Matrix(series) if series.len() > limit => series.truncate(limit),
        Value::Scalar(_) | Value::String(_) | Value::Vector(_) | Value::Matrix(_) => return false,
    }
    true
}

/// Puts the series of a matrix into the order of their labels.
pub(super) fn sort(value: &mut Value) {
    match value {
        Value::Vector(columns) if !columns.is_sorted_by(|a, b| a.labels <= b.labels) => {
            columns.sort_by(|a, b| a.labels.cmp(&b.labels));
        }
        Value::Matrix(series) if !series.is_sorted_by(|a, b| a.labels <= b.labels) => {
            series.sort_by(|a, b| a.labels.cmp(&b.labels));
        }
        Value::Scalar(_) | Value::String(_) | Value::Vector(_) | Value::Matrix(_) => {}
    }
}

/// `"resultType":…,"result":…` of an instant query.
pub(super) fn instant(out: &mut Out, value: &Value, at_ms: i64) {
    match value {
        Value::Scalar(values) => {
            out.raw("\"resultType\":\"scalar\",\"result\":");
            point(out, at_ms, values.first().copied().unwrap_or(f64::NAN));
        }
        Value::String(text) => {
            out.raw("\"resultType\":\"string\",\"result\":[");
            out.time(at_ms);
            out.raw(",");
            out.string(text);
            out.raw("]");
        }
        Value::Vector(columns) => {
            out.raw("\"resultType\":\"vector\",\"result\":");
            let found = columns.iter().filter_map(|one| Some((&one.labels, one.get(0)?)));
            out.list(found, |out, (labels, cell)| sample(out, labels, at_ms, cell));
        }
        Value::Matrix(series) => matrix(out, series),
    }
}

fn sample(out: &mut Out, labels: &Labels, at_ms: i64, cell: Cell<'_>) {
    out.raw("{\"metric\":");
    out.labels(labels);
    match cell {
        Cell::Float(value) => {
            out.raw(",\"value\":");
            point(out, at_ms, value);
        }
        Cell::Histogram(found) => {
            out.raw(",\"histogram\":[");
            out.time(at_ms);
            out.raw(",");
            histogram::write(out, found);
            out.raw("]");
        }
    }
    out.raw("}");
}

fn point(out: &mut Out, at_ms: i64, value: f64) {
    out.raw("[");
    out.time(at_ms);
    out.raw(",");
    out.quoted_number(value);
    out.raw("]");
}

fn matrix(out: &mut Out, series: &[MatrixSeries]) {
    out.raw("\"resultType\":\"matrix\",\"result\":");
    out.list(series, |out, one| {
        out.raw("{\"metric\":");
        out.labels(&one.labels);
        points(out, &one.points);
        out.raw("}");
    });
}

fn points(out: &mut Out, points: &Points) {
    if !points.times.is_empty() {
        out.raw(",\"values\":");
        let all = points.times.iter().zip(&points.values);
        out.list(all, |out, (at, value)| point(out, *at, *value));
    }
    if !points.histograms.is_empty() {
        out.raw(",\"histograms\":");
        out.list(&points.histograms, |out, one| {
            out.raw("[");
            out.time(one.at_ms);
            out.raw(",");
            histogram::write(out, &one.histogram);
            out.raw("]");
        });
    }
}

/// `"resultType":"matrix","result":…` of a range query.
pub(super) fn range(out: &mut Out, value: &Value, grid: &Grid) {
    match value {
        Value::Scalar(values) => {
            out.raw("\"resultType\":\"matrix\",\"result\":[{\"metric\":{},\"values\":");
            let all = values.iter().take(grid.steps()).enumerate();
            out.list(all, |out, (step, value)| cell(out, grid, step, *value));
            out.raw("}]");
        }
        Value::Vector(columns) => {
            out.raw("\"resultType\":\"matrix\",\"result\":");
            let any = |column: &&Column| (0..grid.steps()).any(|step| column.get(step).is_some());
            out.list(columns.iter().filter(any), |out, one| column(out, one, grid));
        }
        Value::Matrix(series) => matrix(out, series),
        Value::String(_) => out.raw("\"resultType\":\"matrix\",\"result\":[]"),
    }
}

fn cell(out: &mut Out, grid: &Grid, step: usize, value: f64) {
    grid.open(out, step);
    out.quoted_number(value);
    out.raw("]");
}

fn column(out: &mut Out, column: &Column, grid: &Grid) {
    out.raw("{\"metric\":");
    out.labels(&column.labels);
    let (mut floats, mut histograms) = (0, 0);
    for step in 0..grid.steps() {
        if let Some(Cell::Float(value)) = column.get(step) {
            out.raw(if floats == 0 { ",\"values\":[" } else { "," });
            floats += 1;
            cell(out, grid, step, value);
        } else if column.get(step).is_some() {
            histograms += 1;
        }
    }
    out.raw(if floats > 0 { "]" } else { "" });
    if histograms > 0 {
        let mut first = true;
        for step in 0..grid.steps() {
            if let Some(Cell::Histogram(found)) = column.get(step) {
                out.raw(if std::mem::replace(&mut first, false) {
                    ",\"histograms\":["
                } else {
                    ","
                });
                grid.open(out, step);
                histogram::write(out, found);
                out.raw("]");
            }
        }
        out.raw("]");
    }
    out.raw("}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Out)) -> String {
        let mut out = Out::new();
        out.raw("{");
        write(&mut out);
        out.raw("}");
        String::from_utf8(out.into_bytes()).unwrap()
    }

    #[test]
    fn values_are_written_as_prometheus_has_them() {
        let labels = Labels::from_pairs([("a", "b")]);
        let grid = Grid::new(0, 500, 3);
        let column = Column::from_floats(labels.clone(), [Some(1.0), None, Some(0.5)]);
        let value = Value::Vector(vec![column, Column::from_floats(Labels::default(), [None; 3])]);
        assert_eq!(
            written(|out| range(out, &value, &grid)),
            r#"{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[0,"1"],[1,"0.5"]]}]}"#
        );
        let value = Value::Scalar(vec![1.0, 2.0, f64::NAN]);
        assert_eq!(
            written(|out| range(out, &value, &grid)),
            r#"{"resultType":"matrix","result":[{"metric":{},"values":[[0,"1"],[0.500,"2"],[1,"NaN"]]}]}"#
        );
        let value = Value::Vector(vec![Column::from_floats(labels, [Some(2.1415)])]);
        assert_eq!(
            written(|out| instant(out, &value, 123_400)),
            r#"{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[123.400,"2.1415"]}]}"#
        );
        assert_eq!(
            written(|out| instant(out, &Value::String("x\"".into()), 1000)),
            r#"{"resultType":"string","result":[1,"x\""]}"#
        );
        assert_eq!(
            written(|out| instant(out, &Value::Vector(Vec::new()), 1000)),
            r#"{"resultType":"vector","result":[]}"#
        );
    }
}
