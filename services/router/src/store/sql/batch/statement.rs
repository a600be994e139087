//! The texts of the statements that write a batch.
//!
//! A server gets one statement, each part of which reads its rows from one JSON parameter, so that batches of the same
//! parts have the same text, which is prepared once. An embedded file gets one statement a row, which is no way to
//! anywhere. A guard fails, and everything with it, when a session or a turn was no longer as the batch took it to be.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::super::row::SESSION_COLUMNS;

/// How many parts there are.
pub(super) const PARTS: usize = 10;
/// The parts up to this number must change one row for each of theirs; how many that are is a parameter beside the rows.
pub(super) const GUARDED: usize = 4;
/// What a session is made with and keeps. An index over nothing else is left alone.
const SESSION_FIXED: [&str; 5] = ["session_id", "tenant", "user_id", "external_key", "created_ms"];
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

/// Where the rows of a part come from.
#[derive(Clone, Copy)]
enum Rows {
    /// A JSON list in the parameter of this number.
    List(usize),
    /// The parameters are the one row.
    Single,
}

impl Rows {
    fn value(self, value: Value) -> String {
        match (self, value) {
            (_, Fixed(value)) => value.to_owned(),
            (Self::List(_), Text(at)) => format!("r.value->>{at}"),
            (Self::List(_), Number(at)) => format!("CAST(r.value->>{at} AS BIGINT)"),
            (Self::Single, Text(at) | Number(at)) => format!("?{}", at + 1),
        }
    }

    /// What follows a word like FROM, where there is a list.
    fn after(self, word: &str) -> String {
        match self {
            Self::List(parameter) => {
                format!(" {word} jsonb_array_elements(${parameter}::jsonb) AS r(value)")
            }
            Self::Single => String::new(),
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

/// The statement of each part for one row.
pub(super) static SINGLE: LazyLock<[String; PARTS]> =
    LazyLock::new(|| std::array::from_fn(|at| part_of(at + 1, Rows::Single)));

/// The texts for the batches that there were.
#[derive(Debug, Default)]
pub(super) struct Texts {
    known: Mutex<HashMap<Vec<usize>, Arc<str>>>,
}

impl Texts {
    /// The statement that writes a batch of these parts, by their numbers. The parameters are the rows of each, followed
    /// by their number where the part is guarded.
    pub(super) fn of(&self, parts: &[usize]) -> Arc<str> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = known.get(parts) {
            return text.clone();
        }
        let text: Arc<str> = side_by_side(parts).into();
        known.insert(parts.to_vec(), text.clone());
        text
    }
}

/// One statement that commits by itself.
fn side_by_side(parts: &[usize]) -> String {
    let (mut parameter, mut texts, mut holds) = (0, Vec::new(), Vec::new());
    for &number in parts {
        parameter += 1;
        let text = part_of(number, Rows::List(parameter));
        texts.push(format!("p{number} AS ({text} RETURNING 1)"));
        if number <= GUARDED {
            parameter += 1;
            holds.push(format!("(SELECT COUNT(*) FROM p{number}) = ${parameter}"));
        }
    }
    format!(
        "WITH {} SELECT CAST(1 / (CASE WHEN {} THEN 1 ELSE 0 END) AS BIGINT)",
        texts.join(",\n"),
        holds.join(" AND ")
    )
}

fn part_of(number: usize, rows: Rows) -> String {
    match number {
        1 => insert("sessions", &sessions(), rows, UNLESS_KNOWN),
        2 => move_sessions(rows),
        3 => insert("turns", &TURNS, rows, UNLESS_KNOWN),
        4 => mark_turns(rows),
        5 => insert("session_entries", &ENTRIES, rows, ""),
        6 => insert("session_states", &STATES, rows, KEEP_STATE),
        7 => insert("session_switches", &SWITCHES, rows, UNLESS_KNOWN),
        8 => insert("turn_settlements", &SETTLEMENTS, rows, UNLESS_KNOWN),
        9 => insert("session_outbox", &OUTBOX, rows, ""),
        _ => drop_entries(rows),
    }
}

fn insert(table: &str, columns: &[Column], rows: Rows, conflict: &str) -> String {
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    let values: Vec<_> = columns.iter().map(|(_, value)| rows.value(*value)).collect();
    let (names, values) = (names.join(", "), values.join(", "));
    let rows = match rows {
        Rows::List(_) => format!("SELECT {values}{} WHERE true", rows.after("FROM")),
        Rows::Single => format!("VALUES ({values})"),
    };
    format!("INSERT INTO {table} ({names}) {rows}{conflict}")
}

fn sessions() -> Vec<Column> {
    let columns = SESSION_COLUMNS.iter().enumerate();
    let value = |at, is_number| if is_number { Number(at) } else { Text(at) };
    columns.map(|(at, (name, is_number))| (*name, value(at, *is_number))).collect()
}

fn move_sessions(rows: Rows) -> String {
    let columns = sessions();
    let moving = columns.iter().filter(|(name, _)| !SESSION_FIXED.contains(name));
    let sets = moving.map(|(name, value)| format!("{name} = {}", rows.value(*value)));
    format!(
        "UPDATE sessions SET {}{} WHERE sessions.session_id = {} AND sessions.version = {}",
        sets.collect::<Vec<_>>().join(", "),
        rows.after("FROM"),
        rows.value(Text(0)),
        rows.value(Number(columns.len()))
    )
}

/// A turn that runs goes on or ends; one that waits can only end. The turn is found by its id: in a condition of another
/// form, a planner without statistics reads the index of all turns under way instead.
fn mark_turns(rows: Rows) -> String {
    let state = rows.value(Text(2));
    format!(
        "UPDATE turns SET state = {state}, ending_json = {}, record_json = {}, provisional_json = {}, \
         finished_ms = {}{} WHERE turns.turn_id = {} AND turns.fence = {} AND CASE turns.state \
         WHEN 'running' THEN true WHEN 'done' THEN false ELSE {state} = 'done' END",
        rows.value(Text(3)),
        rows.value(Text(4)),
        rows.value(Text(5)),
        rows.value(Number(6)),
        rows.after("FROM"),
        rows.value(Text(0)),
        rows.value(Number(1)),
    )
}

/// Drops the entries of a session before a position.
fn drop_entries(rows: Rows) -> String {
    format!(
        "DELETE FROM session_entries{} WHERE session_entries.session_id = {} \
         AND session_entries.position < {}",
        rows.after("USING"),
        rows.value(Text(0)),
        rows.value(Number(1))
    )
}
