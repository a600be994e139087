//! The booking desk: a conversation that ends with a visit made, moved or cancelled.

mod decide;
pub(crate) mod diary;
mod draft;
mod name;
mod slots;
mod speak;
mod understand;

use sha2::{Digest as _, Sha256};

use self::decide::{Known, Step};
use self::diary::{Diary, Page};
use self::draft::{Draft, Goal};
use self::understand::{REFERENCE_ALPHABET, REFERENCE_LENGTH, Understood, understand};
use crate::ask::Ask;
use crate::courtesy::{is_farewell, is_greeting};
use crate::reply::{Answer, Reply};
use crate::sales;
use crate::topic::{Desk, elsewhere};
use crate::words::{says, stems, words};

/// How often a new reference is drawn when one is used already.
const REFERENCE_ATTEMPTS: u32 = 16;

/// Why the diary could not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The database failed; nothing has changed.
    #[error("the diary failed")]
    Store(#[from] sqlx::Error),
    /// A stored answer cannot be read.
    #[error("a stored answer cannot be read")]
    Reply(#[from] serde_json::Error),
    /// No reference could be drawn that is not used.
    #[error("{REFERENCE_ATTEMPTS} references in a row are used already")]
    Reference,
}

/// Answers a message. `complete` makes a reply of an answer. The same call again gets the stored reply of the
/// first, if that changed the diary.
pub(crate) async fn answer(
    ask: &Ask<'_>,
    diary: &Diary,
    complete: impl Fn(Answer) -> Reply,
) -> Result<Reply, Error> {
    let draft: Draft = ask.state();
    let is_new = ask.message.new_handoff(draft.handoff_id.as_deref()).is_some();
    let price = price_asked(ask, &draft);
    let understood = understand(ask, draft.clone(), is_new);
    if let Some(answer) = aside(ask, &draft, &understood, is_new) {
        return Ok(complete(answer));
    }
    let understood = Understood {
        draft: Draft { handoff_id: ask.handoff_id(), ..understood.draft },
        ..understood
    };
    let mut page = diary.page().await?;
    let call = (ask.message.session_id.as_str(), ask.message.request_id.as_str());
    if let Some(stored) = page.reply(call.0, call.1).await? {
        return Ok(serde_json::from_str(&stored)?);
    }
    let known = known(ask, &understood, &mut page).await?;
    let Step { content, draft, change, is_complete } = decide::decide(ask, understood, known);
    let content = price.into_iter().chain([content]).collect::<Vec<_>>().join(" ");
    let answer = Answer { is_complete, ..Answer::new(content).keeping(&draft) };
    let reply = complete(answer);
    if let Some(change) = change {
        let now_ms = ask.now.timestamp().as_millisecond();
        page.change(&change, now_ms).await?;
        page.keep(call, &serde_json::to_string(&reply)?, now_ms).await?;
        page.commit().await?;
    }
    Ok(reply)
}

/// What needs no diary: a message for another desk, a greeting, a goodbye, a question about the services.
fn aside(ask: &Ask<'_>, draft: &Draft, understood: &Understood, is_new: bool) -> Option<Answer> {
    let text = ask.text();
    let kept = Draft { handoff_id: ask.handoff_id(), ..draft.clone() };
    let is_going_on = draft.is_begun() && (understood.is_told || price_asked(ask, draft).is_some());
    if !is_new
        && !is_going_on
        && let Some(desk) = elsewhere(text, Desk::Booking, ask.lexicon)
    {
        return Some(ask.refer(desk, &[]).keeping(draft));
    }
    if is_farewell(text) && !understood.is_told {
        return Some(Answer::new("You are welcome. See you soon!").keeping(&kept).complete());
    }
    if is_greeting(text) && !draft.is_begun() && !is_new {
        let services = sales::services(ask.business);
        return Some(
            Answer::new(format!(
                "Hello, this is the booking desk. What may I book for you?\n{services}"
            ))
            .keeping(&kept),
        );
    }
    let asks_services = [
        "what services",
        "which services",
        "what can i book",
        "how long does",
        "how much",
        "what do you offer",
        "price",
        "prices",
    ];
    if says(&words(text), &asks_services) && understood.draft.service.is_none() && !is_new {
        let services = sales::services(ask.business);
        return Some(
            Answer::new(format!(
                "You can book:\n{services}\n\nWhich one would you like, and when?"
            ))
            .keeping(&kept),
        );
    }
    None
}

/// The price of the chosen service, when the customer asks for it in between.
fn price_asked(ask: &Ask<'_>, draft: &Draft) -> Option<String> {
    const PRICE: [&str; 5] = ["cost", "price", "how much", "expensive", "charge"];
    let service = ask.business.services.find(draft.service.as_deref()?)?;
    let names_product = stems(ask.text()).iter().any(|stem| ask.lexicon.telling.contains(stem));
    let asks = says(&words(ask.text()), &PRICE) && !names_product;
    asks.then(|| format!("{}: {}.", service.name, speak::price(ask, service)))
}

async fn known(ask: &Ask<'_>, understood: &Understood, page: &mut Page) -> Result<Known, Error> {
    let now_ms = ask.now.timestamp().as_millisecond();
    let draft = &understood.draft;
    let visits = match (&draft.reference, draft.goal) {
        (_, Goal::Book) => Vec::new(),
        (Some(reference), _) => page.find(reference).await?.into_iter().collect(),
        (None, _) if is_one_person(&ask.message.employee_id) => {
            page.of_customer(&ask.message.employee_id, now_ms).await?
        }
        (None, _) => Vec::new(),
    };
    let taken = page.taken(now_ms).await?;
    Ok(Known { taken, visits, unused_reference: unused_reference(ask, page).await? })
}

/// Whether an id stands for one customer. The mesh uses `anonymous` and `key:` for callers that it cannot tell apart.
fn is_one_person(customer: &str) -> bool {
    !customer.is_empty() && customer != "anonymous" && !customer.starts_with("key:")
}

async fn unused_reference(ask: &Ask<'_>, page: &mut Page) -> Result<String, Error> {
    for attempt in 0..REFERENCE_ATTEMPTS {
        let reference = reference(&ask.message.session_id, &ask.message.request_id, attempt);
        if page.find(&reference).await?.is_none() {
            return Ok(reference);
        }
    }
    Err(Error::Reference)
}

/// Drawn from ids that only the mesh knows, so that nobody can guess another's.
fn reference(session_id: &str, request_id: &str, attempt: u32) -> String {
    let digest = Sha256::digest(format!("{session_id}\n{request_id}\n{attempt}"));
    let letters = digest
        .iter()
        .take(REFERENCE_LENGTH)
        .map(|byte| char::from(REFERENCE_ALPHABET[usize::from(byte % 32)]));
    format!("B-{}", letters.collect::<String>())
}
