//! The order of the stages, and the columns that they name.

use crate::{
    ast::{
        Aggregation, Column, ColumnName, Condition, Function, Operator, SortKey, Stage, StageKind,
    },
    field::{Field, Known, Type},
    literal::quantity,
    parse::{self, Parsed},
    pipeline::{Groups, Keep, Output, Pipeline, Shape, Sort},
    span::{Problem, Span},
};

/// The stages one after the other.
pub(super) fn pipeline(stages: &[Stage]) -> Parsed<Pipeline> {
    let mut pipeline = Pipeline {
        shape: Shape::Records,
        keep: Vec::new(),
        sort: Vec::new(),
        limit: None,
        show: None,
    };
    for (at, stage) in stages.iter().enumerate() {
        if let Some(before) = stages.iter().take(at).find(|before| !fits(before, stage)) {
            return Err(misplaced(before, stage));
        }
        pipeline.add(stage)?;
    }
    Ok(pipeline)
}

/// How early a stage stands; `fields` may stand anywhere.
fn rank(kind: &StageKind) -> Option<u8> {
    Some(match kind {
        StageKind::Aggregate(_) | StageKind::Top { .. } | StageKind::Patterns => 0,
        StageKind::Where(_) => 1,
        StageKind::Sort(_) => 2,
        StageKind::Limit(_) => 3,
        StageKind::Fields(_) => return None,
    })
}

/// Whether `stage` may stand somewhere after `before`.
fn fits(before: &Stage, stage: &Stage) -> bool {
    match (rank(&before.kind), rank(&stage.kind)) {
        (Some(1), Some(1)) => true,
        (Some(one), Some(other)) => one < other,
        (None, None) => false,
        // A column can be shown only when it is there.
        (None, Some(rank)) => rank > 0,
        (Some(_), None) => true,
    }
}

fn name(kind: &StageKind) -> String {
    match kind {
        StageKind::Aggregate(aggregation) => aggregation
            .aggregates
            .first()
            .map_or_else(String::new, |first| first.function.to_string()),
        StageKind::Top { .. } => "top".to_owned(),
        StageKind::Where(_) => "where".to_owned(),
        StageKind::Sort(_) => "sort".to_owned(),
        StageKind::Limit(_) => "limit".to_owned(),
        StageKind::Fields(_) => "fields".to_owned(),
        StageKind::Patterns => "patterns".to_owned(),
    }
}

fn misplaced(before: &Stage, stage: &Stage) -> Problem {
    let (one, other) = (name(&before.kind), name(&stage.kind));
    let (first, second) = (rank(&before.kind), rank(&stage.kind));
    if first == Some(0) && second == Some(0) {
        return Problem::at(
            stage.span,
            format!("`{other}` cannot follow `{one}`: a query groups once"),
        )
        .hint("several aggregates go in one stage, as in `count, avg(duration) by service`");
    }
    if first == second {
        return Problem::at(stage.span, format!("a second `{other}`"));
    }
    Problem::at(stage.span, format!("`{other}` stands before `{one}`, not after it"))
        .hint("the order is: aggregate, where, sort, limit")
}

impl Pipeline {
    fn add(&mut self, stage: &Stage) -> Parsed<()> {
        match &stage.kind {
            StageKind::Aggregate(aggregation) => {
                self.shape = Shape::Groups(groups(aggregation, stage.span)?)
            }
            StageKind::Top { limit, by } => {
                let columns = vec![by.to_string(), Function::Count.to_string()];
                let by = vec![by.clone()];
                let aggregates = vec![Function::Count];
                self.shape = Shape::Groups(Groups { every: None, by, aggregates, columns });
                self.sort = vec![Sort { by: Output::Column(1), descending: true }];
                self.limit = Some(*limit);
            }
            StageKind::Patterns => self.shape = Shape::Patterns,
            StageKind::Where(conditions) => {
                for condition in conditions {
                    let keep = self.keep(condition)?;
                    self.keep.push(keep);
                }
            }
            StageKind::Sort(keys) => {
                let sort = |key: &SortKey| {
                    let by = self.output(&key.column, "sort")?;
                    Ok(Sort { by, descending: key.descending })
                };
                self.sort = keys.iter().map(sort).collect::<Parsed<_>>()?;
            }
            StageKind::Limit(limit) => self.limit = Some(*limit),
            StageKind::Fields(columns) => {
                let show = columns.iter().map(|column| self.output(column, "fields"));
                self.show = Some(show.collect::<Parsed<_>>()?);
            }
        }
        Ok(())
    }

    fn output(&self, column: &Column, stage: &str) -> Parsed<Output> {
        match (&self.shape, &column.name) {
            (Shape::Groups(groups), _) => groups.column(column).map(Output::Column),
            (Shape::Patterns, _) => {
                Err(Problem::at(column.span, format!("`{stage}` cannot follow `patterns`"))
                    .hint("patterns come with the most frequent first; only `limit` follows"))
            }
            (Shape::Records, ColumnName::Name(name)) => {
                let field = parse::field(name).unwrap_or_else(|| Field::named(name));
                Ok(Output::Field(field))
            }
            (Shape::Records, ColumnName::Function(function)) => {
                Err(Problem::at(column.span, format!("there is no column `{function}`"))
                    .hint(format!("aggregate first, as in `{function} by service`")))
            }
        }
    }

    fn keep(&self, condition: &Condition) -> Parsed<Keep> {
        let Shape::Groups(groups) = &self.shape else {
            return Err(Problem::at(
                condition.column.span,
                "`where` compares results of an aggregation, and there is none before it",
            )
            .hint("conditions on records stand before the first `|`"));
        };
        let column = groups.column(&condition.column)?;
        let number = quantity(&condition.value).map(|(number, _)| number);
        let is_group = column < groups.columns.len() - groups.aggregates.len();
        if number.is_none() && (!is_group || condition.comparison.is_order()) {
            let message = format!("expected a number, found `{}`", condition.value);
            return Err(
                Problem::at(condition.value_span, message).hint("write `5`, `300ms` or `10KB`")
            );
        }
        Ok(Keep { column, comparison: condition.comparison, number, text: condition.value.clone() })
    }
}

impl Groups {
    /// The index of a column: by the name that it was given, else by its canonical one.
    fn column(&self, column: &Column) -> Parsed<usize> {
        let at = |name: &str| self.columns.iter().position(|other| other == name);
        let of = |function: &str| {
            let at = self.aggregates.iter().position(|other| other.to_string() == function)?;
            Some(self.columns.len() - self.aggregates.len() + at)
        };
        let found = match &column.name {
            ColumnName::Function(function) => of(&function.to_string()),
            ColumnName::Name(name) => {
                at(name).or_else(|| at(&parse::field(name)?.to_string())).or_else(|| of(name))
            }
        };
        found.ok_or_else(|| {
            let name = column.to_string();
            let problem = Problem::at(column.span, format!("there is no column `{name}`"));
            let columns = self.columns.iter().map(String::as_str);
            problem.hint(format!("columns are {}", self.columns.join(", "))).nearest(&name, columns)
        })
    }
}

fn groups(aggregation: &Aggregation, span: Span) -> Parsed<Groups> {
    for aggregate in &aggregation.aggregates {
        if let Function::Of(operator, field) = &aggregate.function {
            fitting(*operator, field, aggregate.span)?;
        }
    }
    let columns = parse::columns(aggregation);
    for (at, column) in columns.iter().enumerate() {
        if columns.iter().take(at).any(|other| other == column) {
            let of = columns.len() - aggregation.aggregates.len();
            let aggregate = at.checked_sub(of).and_then(|at| aggregation.aggregates.get(at));
            let span = aggregate.map_or(span, |aggregate| aggregate.span);
            return Err(Problem::at(span, format!("two columns are called `{column}`"))
                .hint("name one of them, as in `count as requests`"));
        }
    }
    Ok(Groups {
        every: aggregation.every,
        by: aggregation.by.clone(),
        aggregates: aggregation
            .aggregates
            .iter()
            .map(|aggregate| aggregate.function.clone())
            .collect(),
        columns,
    })
}

/// Whether the values of a field can be added or ordered.
fn fitting(operator: Operator, field: &Field, span: Span) -> Parsed<()> {
    let numbers =
        matches!(field.values(), None | Some(Type::Duration | Type::Severity | Type::Integer));
    let fits = match operator {
        Operator::Count | Operator::Uniq => true,
        Operator::Min | Operator::Max => numbers || field.values() == Some(Type::Time),
        Operator::Sum | Operator::Avg | Operator::Quantile(_) => numbers,
    };
    if fits {
        return Ok(());
    }
    let message = format!("`{operator}` needs a field with numbers, which `{field}` has not");
    let known = Field::Known(Known::Duration);
    Err(Problem::at(span, message).hint(format!("as in `{operator}({known})`")))
}
