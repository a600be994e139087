//! The welcome desk: greets, says what the desks can do, and passes on what it recognises.

use serde::{Deserialize, Serialize};

use crate::ask::Ask;
use crate::courtesy::{is_farewell, is_greeting};
use crate::reply::Answer;
use crate::tongue::english_only;
use crate::topic::{Desk, elsewhere};
use crate::words::{says, words};

/// What this desk wants back.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct State {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    handoff_id: Option<String>,
}

/// Answers a message.
#[must_use]
pub(crate) fn answer(ask: &Ask<'_>) -> Answer {
    let state: State = ask.state();
    let text = ask.text();
    let is_new = ask.message.new_handoff(state.handoff_id.as_deref()).is_some();
    if !is_new && let Some(desk) = elsewhere(text, Desk::Welcome, ask.lexicon) {
        return ask.refer(desk, &[]).keeping(&state);
    }
    let state = State { handoff_id: ask.handoff_id() };
    if is_farewell(text) {
        return Answer::new(format!(
            "Thank you for writing to {}. Goodbye!",
            ask.business.shop.name
        ))
        .keeping(&state)
        .complete();
    }
    Answer::new(content(ask, text)).keeping(&state)
}

fn content(ask: &Ask<'_>, text: &str) -> String {
    let shop = &ask.business.shop;
    let words = words(text);
    let asks_what = [
        "what can you",
        "who are you",
        "what do you do",
        "how does this work",
        "options",
        "menu",
        "what is this",
    ];
    if is_greeting(text) {
        let name = ask.customer_name().map(|name| format!(", {name}")).unwrap_or_default();
        return format!("Hello{name}, and welcome to {}! {}", shop.name, desks(ask));
    }
    if says(&words, &asks_what) || says(&words, &["help"]) {
        return format!("This is {}. {}", shop.name, desks(ask));
    }
    if says(&words, &["how are you"]) {
        return format!("Very well, thank you: the coffee is fresh. {}", desks(ask));
    }
    let foreign = english_only(&ask.message.detected_language);
    let foreign = foreign.map(|sentence| format!("{sentence}\n\n")).unwrap_or_default();
    format!(
        "{foreign}I am not sure which desk can help with that. {} You can also call us on {}.",
        desks(ask),
        shop.phone
    )
}

fn desks(ask: &Ask<'_>) -> String {
    let categories = ask.business.catalogue.categories().join(", ");
    let services: Vec<_> =
        ask.business.services.all.iter().map(|service| service.name.to_lowercase()).collect();
    format!(
        "Here is what we can do for you:\n\
         - **Sales** finds, compares and prices what we sell ({categories}) and works out a total.\n\
         - **Support** looks up an order, and knows about delivery, returns, refunds, the guarantee and our opening hours.\n\
         - **Booking** makes, moves and cancels visits ({}).\n\n\
         What would you like to do?",
        services.join(", ")
    )
}
