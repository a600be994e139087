//! What a command says: to people as text, to programs as JSON.

use std::io::{self, Write};
use std::process::ExitCode;

use chassis::fault::Fault;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use serde_json::{Map, Value};
use tonic::Status;

/// Something that a command has found out.
pub(crate) trait Answer: Serialize {
    /// Writes it for people.
    fn write(&self, out: &mut dyn Write) -> io::Result<()>;

    /// Whether it is what the caller hoped for; otherwise the exit code is 1.
    fn is_good(&self) -> bool {
        true
    }
}

/// Which way the cells of a column look.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    /// Names and texts.
    Left,
    /// Numbers.
    Right,
}

/// Prints an answer.
pub(crate) fn say(answer: &impl Answer, as_json: bool) -> anyhow::Result<ExitCode> {
    if as_json {
        write_json(answer)?;
    } else {
        answer.write(&mut anstream::stdout().lock())?;
    }
    Ok(if answer.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints JSON that people can read too.
pub(crate) fn write_json(value: &impl Serialize) -> anyhow::Result<()> {
    writeln!(anstream::stdout().lock(), "{}", serde_json::to_string_pretty(value)?)?;
    Ok(())
}

/// Prints why a service did not answer: as JSON where the answer would have stood, else as an error.
pub(crate) fn refuse(status: &Status, as_json: bool) -> anyhow::Result<ExitCode> {
    let fault = Fault::of(status);
    if as_json {
        let mut body: Map<String, Value> =
            fault.fields.into_iter().map(|(name, value)| (name, value.into())).collect();
        body.insert("error".to_owned(), fault.message.into());
        body.insert("code".to_owned(), fault.code.into());
        write_json(&body)?;
        return Ok(ExitCode::FAILURE);
    }
    let mut out = anstream::stderr().lock();
    writeln!(out, "{}: {}", fault.code, fault.message)?;
    for violation in &fault.violations {
        writeln!(out, "  {}: {}", violation.path, violation.message)?;
    }
    Ok(ExitCode::FAILURE)
}

/// An empty table with these columns, two spaces apart.
pub(crate) fn table(columns: &[(&str, Side)]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(columns.iter().map(|(name, _)| *name));
    for (column, (_, side)) in table.column_iter_mut().zip(columns) {
        column.set_padding((0, 2));
        column.set_cell_alignment(match side {
            Side::Left => CellAlignment::Left,
            Side::Right => CellAlignment::Right,
        });
    }
    table
}

/// Writes a table without the spaces behind its last column.
pub(crate) fn write_table(out: &mut dyn Write, table: &Table) -> io::Result<()> {
    writeln!(out, "{}", table.trim_fmt())
}
