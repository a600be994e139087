//! The text of the statement that writes a batch.
//!
//! Each part reads its rows from one JSON parameter, so that batches of the same parts have the same text, which is
//! prepared once. A guard fails, and everything with it, when a session or a turn was no longer as the batch took it to be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chassis::Engine;

use super::super::row::SESSION_COLUMNS;

/// The parts up to this number must change one row for each of theirs; how many that are is a parameter beside the rows.
pub(super) const GUARDED: usize = 4;
const UNLESS_KNOWN: &str = " ON CONFLICT DO NOTHING";
const KEEP_STATE: &str =
    " ON CONFLICT (session_id, agent_id) DO UPDATE SET state_json = excluded.state_json";

/// Where the value of a column comes from.
#[derive(Clone, Copy)]
enum Value {
    /// The text at this place of the row.
    Text(usize),
    /// The number at this place of the row.
    Number(usize),
    /// A value that is always the same.
    Fixed(&'static str),
}
use Value::{Fixed, Number, Text};

impl Value {
    fn sql(self) -> String {
        match self {
            Text(at) => format!("r.value->>{at}"),
            Number(at) => format!("CAST(r.value->>{at} AS BIGINT)"),
            Fixed(value) => value.to_owned(),
        }
    }
}

type Column = (&'static str, Value);

const TURNS: [Column; 18] = [
    ("turn_id", Text(0)),
    ("tenant", Text(1)),
    ("user_id", Text(2)),
    ("request_id", Text(3)),
    ("session_id", Text(4)),
    ("session_new", Number(5)),
    ("fingerprint", Text(6)),
    ("seq", Number(7)),
    ("state", Text(8)),
    ("lease_until_ms", Number(9)),
    ("created_ms", Number(10)),
    ("is_anonymous", Fixed("0")),
    ("attempt", Fixed("1")),
    ("fence", Fixed("1")),
    ("is_cancelled", Fixed("0")),
    ("provisional_json", Fixed("''")),
    ("ending_json", Fixed("''")),
    ("record_json", Fixed("''")),
];
const ENTRIES: [Column; 9] = [
    ("session_id", Text(0)),
    ("position", Number(1)),
    ("turn_id", Text(2)),
    ("request_id", Text(3)),
    ("role", Text(4)),
    ("agent_id", Text(5)),
    ("content", Text(6)),
    ("intent_summary", Text(7)),
    ("timestamp_ms", Number(8)),
];
const STATES: [Column; 3] =
    [("session_id", Text(0)), ("agent_id", Text(1)), ("state_json", Text(2))];
const SWITCHES: [Column; 4] = [
    ("handoff_id", Text(0)),
    ("session_id", Text(1)),
    ("to_agent", Text(2)),
    ("switched_ms", Number(3)),
];
const SETTLEMENTS: [Column; 5] = [
    ("charge_id", Text(0)),
    ("turn_id", Text(1)),
    ("order_json", Text(2)),
    ("due_ms", Number(3)),
    ("tries", Number(4)),
];
const OUTBOX: [Column; 8] = [
    ("event_id", Text(0)),
    ("session_id", Text(1)),
    ("event_type", Text(2)),
    ("payload_json", Text(3)),
    ("created_ms", Number(4)),
    ("due_ms", Number(4)),
    ("tries", Fixed("0")),
    ("is_streamed", Fixed("0")),
];

/// The texts for the batches that there were.
#[derive(Debug)]
pub(super) struct Texts {
    engine: Engine,
    known: Mutex<HashMap<Vec<usize>, Arc<str>>>,
}

impl Texts {
    pub(super) fn of_engine(engine: Engine) -> Self {
        Self { engine, known: Mutex::default() }
    }

    /// The statement that writes a batch of these parts, by their numbers. The parameters are the rows of each, followed
    /// by their number where the part is guarded.
    pub(super) fn of(&self, parts: &[usize]) -> Arc<str> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = known.get(parts) {
            return text.clone();
        }
        let text: Arc<str> = write(self.engine, parts).into();
        known.insert(parts.to_vec(), text.clone());
        text
    }
}

/// A part of a statement.
struct Part {
    number: usize,
    text: String,
    /// The parameter that says how many rows it has to change.
    count: Option<usize>,
}

fn write(engine: Engine, numbers: &[usize]) -> String {
    let mut parameter = 0;
    let parts = numbers.iter().map(|&number| {
        parameter += 1;
        let text = part_of(engine, (number, parameter));
        let is_guarded = number <= GUARDED;
        parameter += usize::from(is_guarded);
        Part { number, text, count: is_guarded.then_some(parameter) }
    });
    let parts: Vec<_> = parts.collect();
    match engine {
        Engine::Sqlite => one_after_the_other(&parts),
        Engine::Postgres => side_by_side(&parts),
    }
}

/// A list of statements, sent as one.
fn one_after_the_other(parts: &[Part]) -> String {
    let mut sql = "BEGIN IMMEDIATE;\n".to_owned();
    for part in parts {
        sql.push_str(&part.text);
        sql.push_str(";\n");
        if let Some(count) = part.count {
            // What is not JSON is an error, and ends the list here.
            sql.push_str(&format!("SELECT json(iif(changes() = ${count}, '1', '!'));\n"));
        }
    }
    sql.push_str("COMMIT");
    sql
}

/// One statement that commits by itself.
fn side_by_side(parts: &[Part]) -> String {
    let texts = parts.iter().map(|part| format!("p{} AS ({} RETURNING 1)", part.number, part.text));
    let holds = parts.iter().filter_map(|part| {
        let (number, count) = (part.number, part.count?);
        Some(format!("(SELECT COUNT(*) FROM p{number}) = ${count}"))
    });
    format!(
        "WITH {} SELECT CAST(1 / (CASE WHEN {} THEN 1 ELSE 0 END) AS BIGINT)",
        texts.collect::<Vec<_>>().join(",\n"),
        holds.collect::<Vec<_>>().join(" AND ")
    )
}

/// One part; its rows are `r`.
fn part_of(engine: Engine, (number, parameter): (usize, usize)) -> String {
    let rows = match engine {
        Engine::Sqlite => format!("json_each(${parameter}) AS r"),
        Engine::Postgres => format!("jsonb_array_elements(${parameter}::jsonb) AS r(value)"),
    };
    match number {
        1 => insert("sessions", &sessions(), &rows, UNLESS_KNOWN),
        2 => move_sessions(&rows),
        3 => insert("turns", &TURNS, &rows, UNLESS_KNOWN),
        4 => mark_turns(&rows),
        5 => insert("session_entries", &ENTRIES, &rows, ""),
        6 => insert("session_states", &STATES, &rows, KEEP_STATE),
        7 => insert("session_switches", &SWITCHES, &rows, UNLESS_KNOWN),
        8 => insert("turn_settlements", &SETTLEMENTS, &rows, UNLESS_KNOWN),
        9 => insert("session_outbox", &OUTBOX, &rows, ""),
        _ => drop_entries(engine, &rows),
    }
}

fn insert(table: &str, columns: &[Column], rows: &str, conflict: &str) -> String {
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    let values: Vec<_> = columns.iter().map(|(_, value)| value.sql()).collect();
    let (names, values) = (names.join(", "), values.join(", "));
    format!("INSERT INTO {table} ({names}) SELECT {values} FROM {rows} WHERE true{conflict}")
}

fn sessions() -> Vec<Column> {
    let columns = SESSION_COLUMNS.iter().enumerate();
    let value = |at, is_number| if is_number { Number(at) } else { Text(at) };
    columns.map(|(at, (name, is_number))| (*name, value(at, *is_number))).collect()
}

fn move_sessions(rows: &str) -> String {
    let columns = sessions();
    let sets = columns.iter().skip(1).map(|(name, value)| format!("{name} = {}", value.sql()));
    let sets: Vec<_> = sets.collect();
    format!(
        "UPDATE sessions SET {} FROM {rows} \
         WHERE sessions.session_id = r.value->>0 AND sessions.version = {}",
        sets.join(", "),
        Number(columns.len()).sql()
    )
}

/// A turn that runs goes on or ends; one that waits can only end. The turn is found by its id: in a condition of another
/// form, a planner without statistics reads the index of all turns under way instead.
fn mark_turns(rows: &str) -> String {
    format!(
        "UPDATE turns SET state = r.value->>2, ending_json = r.value->>3, \
         record_json = r.value->>4, provisional_json = r.value->>5, finished_ms = {} FROM {rows} \
         WHERE turns.turn_id = r.value->>0 AND turns.fence = {} AND CASE turns.state \
         WHEN 'running' THEN true WHEN 'done' THEN false ELSE r.value->>2 = 'done' END",
        Number(6).sql(),
        Number(1).sql()
    )
}

/// Drops the entries of a session before a position.
fn drop_entries(engine: Engine, rows: &str) -> String {
    let is_old = format!("e.session_id = r.value->>0 AND e.position < {}", Number(1).sql());
    match engine {
        Engine::Sqlite => format!(
            "DELETE FROM session_entries WHERE rowid IN \
             (SELECT e.rowid FROM {rows} JOIN session_entries e ON {is_old})"
        ),
        Engine::Postgres => format!("DELETE FROM session_entries e USING {rows} WHERE {is_old}"),
    }
}
