//! Which desk a message is for: weighed cues, so that a desk passes on only what clearly belongs elsewhere.

use crate::lexicon::Lexicon;
use crate::reply::Referral;
use crate::words::{find, stems};

/// The desks, as agents of the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Desk {
    /// Finds, compares, prices.
    Sales,
    /// Knows the pages and the orders.
    Support,
    /// Books, moves, cancels.
    Booking,
    /// Greets and says who does what.
    Welcome,
}

impl Desk {
    /// Every desk.
    pub(crate) const ALL: [Self; 4] = [Self::Sales, Self::Support, Self::Booking, Self::Welcome];

    /// Its agent id, which is also its path.
    #[must_use]
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Sales => "sales",
            Self::Support => "support",
            Self::Booking => "booking",
            Self::Welcome => "default-agent",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sales => "sales desk",
            Self::Support => "support desk",
            Self::Booking => "booking desk",
            Self::Welcome => "welcome desk",
        }
    }
}

/// From this weight on a message clearly belongs to a desk, if no other comes near.
const CLEAR: u32 = 3;

/// Phrases in the words of customers, compared by their stems: the desk that they speak for, and how much.
pub(crate) const CUES: [(Desk, u32, &str); 9] = [
    (
        Desk::Booking,
        4,
        "appointment | reschedule | book a | book an | book me | booking | make a reservation | time slot",
    ),
    (
        Desk::Booking,
        3,
        "book | schedule | reserve | my visit | slot | come in | come by | bring in | bring it in | drop off | free times | times are free | \
         what times do you have | times are available | which times",
    ),
    (
        Desk::Booking,
        2,
        "class | course | lesson | visit | calendar | demo | tasting | repair | serviced",
    ),
    (
        Desk::Support,
        4,
        "refund | money back | send back | send it back | bring back | warranty | guarantee | track | order number | \
         my order | my parcel | my package | my delivery | where is my | wheres my | order status | opening hours | complaint | \
         complain | manager | speak to | talk to | real person | human agent | invoice | delivery | shipping | postage",
    ),
    (
        Desk::Support,
        3,
        "return | exchange | parcel | package | deliver | charged | bill | damaged | faulty | broken | defective | \
         not working | doesnt work | stopped working | open on | are you open | you open | do you close | when do you open | \
         password | descale | leak | parking | wrong item | arrived",
    ),
    (
        Desk::Support,
        2,
        "order | hours | address | payment | pay with | problem | issue | clean | policy",
    ),
    (
        Desk::Sales,
        4,
        "in stock | compare | difference between | quote | discount | price | cheapest | on sale",
    ),
    (
        Desk::Sales,
        3,
        "cost | buy | purchase | stock | recommend | catalogue | catalog | do you sell | offer | cheaper | \
         which is better | suggest | looking for | product | gift card",
    ),
    (Desk::Sales, 2, "how much | do you have | do you carry"),
];

/// How much speaks for each desk, in the order of [`Desk::ALL`].
#[must_use]
pub(crate) fn weigh(text: &str, lexicon: &Lexicon) -> [u32; 4] {
    let text = stems(text);
    let mut weights = [0; 4];
    for (desk, weight, phrases) in &lexicon.cues {
        if phrases.iter().any(|phrase| find(&text, phrase).is_some()) {
            weights[*desk as usize] += weight;
        }
    }
    if text.iter().any(|stem| lexicon.telling.contains(stem)) {
        weights[Desk::Sales as usize] += 2;
    }
    if lexicon.categories.iter().any(|category| category.iter().all(|stem| text.contains(stem))) {
        weights[Desk::Sales as usize] += 1;
    }
    weights
}

/// The desk that a message clearly belongs to, if it is another one.
#[must_use]
pub(crate) fn elsewhere(text: &str, here: Desk, lexicon: &Lexicon) -> Option<Desk> {
    let weights = weigh(text, lexicon);
    let own = weights[here as usize];
    let (desk, best) = Desk::ALL
        .into_iter()
        .zip(weights)
        .max_by_key(|(desk, weight)| (*weight, std::cmp::Reverse(*desk)))?;
    let second = Desk::ALL
        .into_iter()
        .zip(weights)
        .filter(|(other, _)| *other != desk)
        .map(|(_, weight)| weight)
        .max()?;
    let is_clear = CLEAR <= best && own + 2 <= best && second < best;
    (desk != here && is_clear).then_some(desk)
}

/// Passing a customer on: what they read, and what the next desk is told.
#[must_use]
pub(crate) fn refer(desk: Desk, text: &str, known: &[String]) -> (String, Referral) {
    const QUOTED_CHARACTERS: usize = 300;
    let quoted: String = text.chars().take(QUOTED_CHARACTERS).collect();
    let mut summary = format!("The customer wrote: \"{quoted}\".");
    for fact in known {
        summary.push(' ');
        summary.push_str(fact);
    }
    let referral = Referral {
        reason: format!("This is for the {}.", desk.name()),
        target_agent: desk.id().to_owned(),
        required_skills: vec![desk.id().to_owned()],
        summary,
    };
    (format!("Let me pass you to our {}.", desk.name()), referral)
}
