//! An answer in pieces.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::response::sse::{Event as Sent, Sse};
use axum::response::{IntoResponse as _, Response};
use chassis::clock;
use futures::{Stream, stream};
use proto::v1::turn_event::Event;
use serde::Serialize;
use tokio::sync::mpsc;

use super::{MODEL, error, id, session};
use crate::problem::Problem;
use crate::routes::answer::{Begun, Said, mark, result_of};
use crate::sse::heartbeat;
use crate::turn::Step;

/// What stands between the words of two agents.
const PAUSE: &str = "\n\n";

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'static str,
    choices: [Choice<'a>; 1],
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    delta: Delta<'a>,
    finish_reason: Option<&'static str>,
}

#[derive(Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
}

/// Streams the answer of a turn that was accepted.
pub(super) fn respond(begun: Begun) -> Response {
    let Begun { request_id, first, rest } = begun;
    let (replay, session_id) = (first.is_replay(), session_of(&first));
    let tongue =
        Tongue { id: id(&request_id), created: clock::now_ms() / 1_000, told: Told::default() };
    let mut response =
        Sse::new(chunks(tongue, first, rest)).keep_alive(heartbeat()).into_response();
    let headers = response.headers_mut();
    mark(headers, &request_id, replay);
    headers.extend(session(&session_id));
    response
}

fn session_of(step: &Step) -> String {
    match step {
        Step::Event(event, _) => event.session_id.clone(),
        Step::Failure(_) => String::new(),
    }
}

fn chunks(
    tongue: Tongue,
    first: Step,
    rest: mpsc::Receiver<Step>,
) -> impl Stream<Item = Result<Sent, Infallible>> + Send {
    let begin =
        VecDeque::from([tongue.chunk(Delta { role: Some("assistant"), content: None }, None)]);
    stream::unfold((begin, Some(first), Some(rest), tongue), async |state| {
        let (mut ready, mut first, mut rest, mut tongue) = state;
        while ready.is_empty() {
            let step = match first.take() {
                Some(step) => step,
                None => rest.as_mut()?.recv().await?,
            };
            if step.is_last() {
                rest = None;
            }
            ready.extend(tongue.speak(step));
        }
        Some((Ok(ready.pop_front()?), (ready, first, rest, tongue)))
    })
}

/// Turns steps into chunks.
struct Tongue {
    id: String,
    created: i64,
    told: Told,
}

impl Tongue {
    fn speak(&mut self, step: Step) -> Vec<Sent> {
        if step.is_last() {
            return match result_of(step).and_then(|result| Said::of(&result)) {
                Ok(said) => self.end(&said),
                Err(problem) => self.fail(&problem),
            };
        }
        match step {
            Step::Event(event, _) => match event.event {
                Some(Event::Delta(delta)) => {
                    let text = self.told.delta(&delta.agent_id, &delta.text);
                    vec![self.chunk(Delta { role: None, content: Some(&text) }, None)]
                }
                _ => Vec::new(),
            },
            Step::Failure(_) => Vec::new(),
        }
    }

    fn end(&mut self, said: &Said) -> Vec<Sent> {
        let rest = self.told.rest(said.text());
        let content = (!rest.is_empty())
            .then(|| self.chunk(Delta { role: None, content: Some(&rest) }, None));
        let stop = self.chunk(Delta::default(), Some("stop"));
        content.into_iter().chain([stop, Sent::default().data("[DONE]")]).collect()
    }

    fn fail(&self, problem: &Problem) -> Vec<Sent> {
        vec![Sent::default().data(error(problem)), Sent::default().data("[DONE]")]
    }

    fn chunk(&self, delta: Delta<'_>, finish_reason: Option<&'static str>) -> Sent {
        let choices = [Choice { index: 0, delta, finish_reason }];
        let (id, object, created) = (self.id.as_str(), "chat.completion.chunk", self.created);
        let chunk = Chunk { id, object, created, model: MODEL, choices };
        Sent::default().data(serde_json::to_string(&chunk).expect("a chunk is JSON"))
    }
}

/// What was told already. It cannot be taken back, so what an answer has beyond it follows.
#[derive(Default)]
struct Told {
    agent_id: String,
    text: String,
}

impl Told {
    fn delta(&mut self, agent_id: &str, text: &str) -> String {
        let is_other = !self.text.is_empty() && self.agent_id != agent_id;
        let text = if is_other { format!("{PAUSE}{text}") } else { text.to_owned() };
        agent_id.clone_into(&mut self.agent_id);
        self.text.push_str(&text);
        text
    }

    fn rest(&self, answer: &str) -> String {
        if self.text.ends_with(answer) {
            return String::new();
        }
        // The present agent may have told the beginning of its answer, after what others said.
        let starts = std::iter::once(self.text.as_str())
            .chain(self.text.match_indices(PAUSE).map(|(at, _)| &self.text[at + PAUSE.len()..]));
        let told = starts.filter(|told| !told.is_empty()).find(|told| answer.starts_with(told));
        match told {
            Some(told) => answer[told.len()..].to_owned(),
            None if self.text.is_empty() => answer.to_owned(),
            None => format!("{PAUSE}{answer}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_not_told_again() {
        type Deltas = [(&'static str, &'static str)];
        let cases: [(&Deltas, &str, &str); 6] = [
            (&[], "Hello.", "Hello."),
            (&[("a", "Hel"), ("a", "lo.")], "Hello.", ""),
            (&[("a", "Hel")], "Hello.", "lo."),
            (&[("a", "One moment."), ("b", "Hel")], "Hello.", "lo."),
            (&[("a", "One moment."), ("b", "Hello.")], "Hello.", ""),
            (&[("a", "Something else")], "Hello.", "\n\nHello."),
        ];
        for (deltas, answer, expected) in cases {
            let mut told = Told::default();
            for (agent, text) in deltas {
                told.delta(agent, text);
            }
            assert_eq!(told.rest(answer), expected, "{deltas:?}");
        }
    }
}
