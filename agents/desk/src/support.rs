//! The support desk: orders by their number, opening hours, and answers from the shop's pages. It says when it does not
//! know.

mod hours;
mod order;

use serde::{Deserialize, Serialize};

use crate::ask::Ask;
use crate::courtesy::{is_farewell, is_greeting};
use crate::index::{Hit, Index};
use crate::reply::Answer;
use crate::topic::{Desk, elsewhere};
use crate::words::{says, words};

/// What this desk wants back.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct State {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    handoff_id: Option<String>,
    /// The order that the conversation is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    /// The heading of the last answer, for questions such as `how long does it take`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    heading: Option<String>,
    /// How often the order number has been asked for without an answer.
    #[serde(default)]
    asked: u32,
    /// What the customer wanted to know when the number was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    question: Option<String>,
}

/// A page covers at least this share of a question that it answers.
const COVERAGE_MIN: f64 = 0.5;
/// A second section is named when it is nearly as good.
const ALSO_NEAR: f64 = 0.85;
/// How much of a question is kept while the order number is missing.
const QUESTION_CHARACTERS: usize = 500;

/// Answers a message. The index is that of the shop's sections.
#[must_use]
pub(crate) fn answer(ask: &Ask<'_>, index: &Index) -> Answer {
    let state: State = ask.state();
    let text = ask.text();
    let is_new = ask.message.new_handoff(state.handoff_id.as_deref()).is_some();
    let number = order::number(ask, text, 0 < state.asked);
    if !is_new
        && number.is_none()
        && let Some(desk) = elsewhere(text, Desk::Support, ask.lexicon)
    {
        let known =
            state.order_id.iter().map(|id| format!("It was about order {id}.")).collect::<Vec<_>>();
        return ask.refer(desk, &known).keeping(&state);
    }
    let state = State { handoff_id: ask.handoff_id(), ..state };
    match number {
        Some(number) => with_number(ask, index, &number, state),
        None => without_number(ask, index, state, is_new),
    }
}

fn with_number(ask: &Ask<'_>, index: &Index, number: &str, state: State) -> Answer {
    let Some(order) = ask.business.orders.find(number) else {
        let content = format!(
            "I cannot find an order {number}. {} Could you check the number and send it again?",
            order::where_to_find(ask.business)
        );
        return Answer::new(content).keeping(&State { asked: state.asked + 1, ..state });
    };
    let question = state.question.as_deref().unwrap_or_else(|| ask.text());
    let mut content = order::status(order, ask);
    if let Some(known) = concerning(ask, index, question) {
        content.push_str("\n\n");
        content.push_str(known);
    }
    let order_id = Some(order.order_id.clone());
    Answer::new(content).keeping(&State { order_id, asked: 0, question: None, ..state })
}

fn without_number(ask: &Ask<'_>, index: &Index, state: State, is_new: bool) -> Answer {
    let text = ask.text();
    let words = words(text);
    if is_farewell(text) {
        return Answer::new("You are welcome. Have a good day, and enjoy your coffee!")
            .keeping(&state)
            .complete();
    }
    if is_greeting(text) {
        let hello = "Hello, this is the support desk. I can look up an order, and I know about delivery, returns, refunds, \
                     the guarantee, care of machines and our opening hours. How can I help?";
        return Answer::new(hello).keeping(&state);
    }
    if let Some(content) = hours::answer(ask, &words) {
        return Answer::new(content).keeping(&state);
    }
    if order::is_about_own(&words) {
        let before = || {
            ask.message.said_before().into_iter().find_map(|said| order::number(ask, said, false))
        };
        return match state.order_id.clone().or_else(before) {
            Some(number) => with_number(ask, index, &number, state),
            None => ask_for_number(ask, index, state),
        };
    }
    if let Some(number) = state.order_id.clone().filter(|_| order::asks_how_far(&words)) {
        return with_number(ask, index, &number, state);
    }
    let hits = hits(index, text, &words, state.heading.as_deref());
    match hits.first().filter(|hit| COVERAGE_MIN <= hit.coverage) {
        Some(hit) => {
            let heading = Some(ask.business.sections[hit.section].heading.clone());
            let state = State { asked: 0, heading, ..state };
            Answer::new(told(ask, *hit, &hits)).keeping(&state)
        }
        None if 0 < state.asked => ask_for_number(ask, index, state),
        None => unknown(ask, state, is_new),
    }
}

/// The sections about a question; a short one that points back is put together with what was told last.
fn hits(index: &Index, text: &str, words: &[String], heading: Option<&str>) -> Vec<Hit> {
    const POINTING_WORDS_MAX: usize = 7;
    let is_pointing =
        words.len() <= POINTING_WORDS_MAX && says(words, &["it", "that", "this", "they"]);
    match heading.filter(|_| is_pointing) {
        Some(heading) => index.search(&format!("{text} {heading}")),
        None => index.search(text),
    }
}

fn ask_for_number(ask: &Ask<'_>, index: &Index, state: State) -> Answer {
    let shop = &ask.business.shop;
    let known = concerning(ask, index, ask.text());
    let where_to_find = order::where_to_find(ask.business);
    let content = match (state.asked, known) {
        (0, Some(known)) => format!("{known}\n\nWhat is the order number? {where_to_find}"),
        (0, None) => {
            format!("I am happy to help with your order. What is the order number? {where_to_find}")
        }
        (1, _) => format!(
            "Without the number I cannot look the order up. {where_to_find} If you cannot find it, call us on {}: we find the \
             order by your name.",
            shop.phone
        ),
        _ => format!(
            "Please call us on {} or write to {}: we find your order by your name.",
            shop.phone, shop.email
        ),
    };
    // What was told already is not told again with the order.
    let question = state.question.clone().or_else(|| known.is_none().then(|| cut(ask.text())));
    Answer::new(content).keeping(&State { asked: state.asked + 1, question, ..state })
}

/// What the pages say to a customer who wants something done with an order.
fn concerning<'a>(ask: &Ask<'a>, index: &Index, question: &str) -> Option<&'a str> {
    let hit = index.search(order::concern(question)?).first().copied()?;
    Some(&ask.business.sections[hit.section].body)
}

fn cut(question: &str) -> String {
    question.chars().take(QUESTION_CHARACTERS).collect()
}

fn told(ask: &Ask<'_>, hit: Hit, hits: &[Hit]) -> String {
    let section = &ask.business.sections[hit.section];
    let mut content = section.body.clone();
    if let Some(next) = hits.get(1).filter(|next| hit.score * ALSO_NEAR <= next.score) {
        let heading = &ask.business.sections[next.section].heading;
        content.push_str(&format!("\n\nI can also tell you about: {heading}."));
    }
    content
}

fn unknown(ask: &Ask<'_>, state: State, is_new: bool) -> Answer {
    let shop = &ask.business.shop;
    // A desk that was handed the customer tries what was said before rather than saying at once that it does not know.
    let wants_help = says(&words(ask.text()), &["help", "question", "problem", "issue", "support"]);
    let content = if is_new || wants_help {
        "I am glad to help. Is it about an order (then please send me its number), a return or refund, the guarantee, the care \
         of a machine, or something else?"
            .to_owned()
    } else {
        format!(
            "I do not know that, and I would rather not guess. Please call us on {} or write to {}: you have an answer within one \
             working day. I can look up an order, and I know about delivery, returns, the guarantee, machine care and the shop.",
            shop.phone, shop.email
        )
    };
    Answer::new(content).keeping(&state)
}
