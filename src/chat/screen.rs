//! How a conversation looks: answers as text, what the mesh did for them dimmed.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::wire::Frame;

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default();

/// Whether a turn goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// More is to come.
    Running,
    /// It was answered, or asked back about.
    Answered,
    /// It ended with an error.
    Failed,
}

/// What a person sees.
pub(super) struct Screen<W> {
    out: W,
    is_quiet: bool,
    /// What each agent has said so far in this turn, piece by piece.
    heard: BTreeMap<String, String>,
    /// Whose words the cursor stands behind.
    speaker: Option<String>,
}

impl<W: Write> Screen<W> {
    pub(super) fn new(out: W, is_quiet: bool) -> Self {
        Self { out, is_quiet, heard: BTreeMap::new(), speaker: None }
    }

    /// A new turn begins.
    pub(super) fn begin(&mut self) {
        self.heard.clear();
        self.speaker = None;
    }

    /// Shows a frame of a turn.
    pub(super) fn show(&mut self, frame: &Frame) -> io::Result<Turn> {
        let said = &frame.payload;
        match frame.r#type.as_str() {
            "classified" => self.note(&format!(
                "{} {} ({}), language {}",
                text(said, "agent_id"),
                share(&said["confidence"]),
                text(said, "intent"),
                text(said, "language"),
            ))?,
            "routed" => {
                let (action, agent) = (text(said, "action"), text(said, "agent_id"));
                self.note(&format!("{action} {agent}: {}", text(said, "reason")))?;
            }
            "budget" => self.budget(said)?,
            "delta" => self.delta(text(said, "agent_id"), text(said, "text"))?,
            "handoff_started" => {
                let (from, to) = (text(said, "from_agent"), text(said, "to_agent"));
                self.note(&format!("{from} hands over to {to}: {}", text(said, "trigger")))?;
            }
            "handoff_rejected" => {
                self.heard.remove(text(said, "agent_id"));
                self.note(&format!(
                    "{} declines: {}",
                    text(said, "agent_id"),
                    text(said, "reason")
                ))?;
            }
            "handoff_completed" => self.note(&format!("{} goes on", text(said, "to_agent")))?,
            "result" => return self.result(said).map(|()| Turn::Answered),
            "error" => return self.error(said).map(|()| Turn::Failed),
            _ => {}
        }
        Ok(Turn::Running)
    }

    /// A line about the conversation and not of it.
    pub(super) fn note(&mut self, line: &str) -> io::Result<()> {
        if self.is_quiet {
            return Ok(());
        }
        self.end_line()?;
        writeln!(self.out, "{DIM}· {}{DIM:#}", printable(line))
    }

    fn budget(&mut self, said: &Value) -> io::Result<()> {
        let mut line =
            format!("budget {}, {} USD held", text(said, "action"), said["reserved_usd"]);
        if !said["remaining_usd"].is_null() {
            line.push_str(&format!(", {} USD left", said["remaining_usd"]));
        }
        if let Some(model) = said["model"].as_str() {
            line.push_str(&format!(", {model}"));
        }
        self.note(&line)
    }

    fn delta(&mut self, agent: &str, piece: &str) -> io::Result<()> {
        if self.speaker.as_deref() != Some(agent) {
            self.end_line()?;
            write!(self.out, "{BOLD}{}>{BOLD:#} ", printable(agent))?;
            self.speaker = Some(agent.to_owned());
        }
        self.heard.entry(agent.to_owned()).or_default().push_str(piece);
        write!(self.out, "{}", printable(piece))?;
        self.out.flush()
    }

    fn result(&mut self, said: &Value) -> io::Result<()> {
        for handoff in said["handoffs"].as_array().into_iter().flatten() {
            self.speech(text(handoff, "from_agent"), text(handoff, "message"))?;
        }
        if said["type"] == "clarification" {
            let (agent, reason) = (text(said, "suggested_agent"), text(said, "reason"));
            self.note(&format!("clarify {agent}: {reason}"))?;
        }
        self.speech("mesh", text(said, "message"))?;
        self.speech("mesh", text(said, "clarification_question"))?;
        self.speech(text(said, "agent_id"), text(said, "response"))?;
        let mut line = format!("{} ms", said["duration_ms"]);
        if !said["usage"].is_null() {
            line.push_str(&format!(", {} USD", said["usage"]["cost_usd"]));
        }
        if !said["budget"]["remaining_usd"].is_null() {
            line.push_str(&format!(", {} USD left", said["budget"]["remaining_usd"]));
        }
        if said["workflow_complete"] == true {
            line.push_str(", the conversation is complete");
        }
        self.note(&line)
    }

    /// Words in whole; those that already came piece by piece only end their line.
    fn speech(&mut self, speaker: &str, words: &str) -> io::Result<()> {
        self.end_line()?;
        if words.is_empty() || self.heard.get(speaker).is_some_and(|heard| heard == words) {
            return Ok(());
        }
        writeln!(self.out, "{BOLD}{}>{BOLD:#} {}", printable(speaker), printable(words))
    }

    fn error(&mut self, said: &Value) -> io::Result<()> {
        self.end_line()?;
        let (code, error) = (text(said, "code"), text(said, "error"));
        writeln!(self.out, "{RED}{}: {}{RED:#}", printable(code), printable(error))
    }

    fn end_line(&mut self) -> io::Result<()> {
        match self.speaker.take() {
            Some(_) => writeln!(self.out),
            None => Ok(()),
        }
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn share(value: &Value) -> impl Display {
    format!("{:.2}", value.as_f64().unwrap_or_default())
}

/// Without the characters that would command a terminal.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(is_quiet: bool, frames: &[(&str, Value)]) -> (String, Turn) {
        let mut screen = Screen::new(anstream::StripStream::new(Vec::new()), is_quiet);
        let mut turn = Turn::Running;
        for (kind, payload) in frames {
            let frame =
                Frame { r#type: (*kind).to_owned(), payload: payload.clone(), ..Frame::default() };
            turn = screen.show(&frame).unwrap();
        }
        (String::from_utf8(screen.out.into_inner()).unwrap(), turn)
    }

    #[test]
    fn what_came_piece_by_piece_is_not_said_again() {
        let delta = |text: &str| ("delta", json!({"agent_id": "sales", "text": text}));
        let result = |response: &str| {
            ("result", json!({"agent_id": "sales", "response": response, "duration_ms": 7}))
        };
        let (same, turn) = shown(true, &[delta("Two "), delta("euro"), result("Two euro")]);
        assert_eq!((same.as_str(), turn), ("sales> Two euro\n", Turn::Answered));
        let (other, _) = shown(true, &[delta("Two "), result("Three euro")]);
        assert_eq!(other, "sales> Two \nsales> Three euro\n", "the response is what counts");
    }

    #[test]
    fn a_handoff_is_seen_with_both_who_speak() {
        let (page, _) = shown(
            false,
            &[
                ("routed", json!({"agent_id": "sales", "action": "route", "reason": "sure"})),
                (
                    "handoff_started",
                    json!({"from_agent": "sales", "to_agent": "support", "trigger": "t"}),
                ),
                ("handoff_completed", json!({"to_agent": "support"})),
                (
                    "result",
                    json!({"agent_id": "support", "response": "Hello", "duration_ms": 7,
                        "handoffs": [{"from_agent": "sales", "message": "One moment"}],
                        "usage": {"cost_usd": 0.5}, "budget": {"remaining_usd": 9.5}}),
                ),
            ],
        );
        let wanted = "· route sales: sure\n· sales hands over to support: t\n· support goes on\n\
                      sales> One moment\nsupport> Hello\n· 7 ms, 0.5 USD, 9.5 USD left\n";
        assert_eq!(page, wanted);
    }

    #[test]
    fn a_question_and_an_error_end_a_turn_too() {
        let asked = json!({"type": "clarification", "clarification_question": "Which one?", "duration_ms": 1});
        assert_eq!(
            shown(true, &[("result", asked)]),
            ("mesh> Which one?\n".to_owned(), Turn::Answered)
        );
        let failed = json!({"code": "cancelled", "error": "The turn was cancelled"});
        let wanted = ("cancelled: The turn was cancelled\n".to_owned(), Turn::Failed);
        assert_eq!(shown(true, &[("error", failed)]), wanted);
    }

    #[test]
    fn an_answer_cannot_command_the_terminal() {
        let odd =
            json!({"agent_id": "a", "response": "\u{1b}[2Jgone\u{7}\r\nline", "duration_ms": 1});
        assert_eq!(shown(true, &[("result", odd)]).0, "a> [2Jgone\nline\n");
    }
}
