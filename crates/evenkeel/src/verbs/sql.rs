//! `evenkeel sql`: SQL over spans and log records.

use serde_json::Value;
use server::wire::api::{SqlRequest, SqlRows};

use crate::{
    cli::{Remote, SqlArgs},
    client::Client,
    exit::{Exit, Failure},
    output::{self, Human},
};

pub(super) async fn run(client: &Client, remote: &Remote, args: SqlArgs) -> Result<Exit, Failure> {
    let SqlArgs { query, start, end, limit } = args;
    let request = SqlRequest { query, start, end, limit: Some(limit) };
    let found: SqlRows = client.post("evenkeel/v1/sql", &request).await?;
    found.damaged.iter().for_each(|one| output::note(one));
    if found.cut {
        output::note(&format!("there are more rows than {limit} (--limit)"));
    }
    output::print(remote.output, &found)?;
    Ok(Exit::Ok)
}

impl Human for SqlRows {
    fn human(&self) -> String {
        let header = self.columns.iter().map(|column| column.name.clone()).collect();
        let cell = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let rows = self.rows.iter().map(|row| row.iter().map(cell).collect());
        output::wide_table(header, rows)
    }
}
