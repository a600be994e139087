//! The four desks of one shop: takes a message, returns a priced reply.

use jiff::Timestamp;

use crate::ask::Ask;
use crate::booking::diary::Diary;
use crate::business::Business;
use crate::index::Index;
use crate::lexicon::Lexicon;
use crate::memory::Memory;
use crate::message::Message;
use crate::reply::{Answer, Reply, Usage};
use crate::topic::Desk;
use crate::{booking, sales, support, welcome};

/// The desks and what they share.
#[derive(Debug)]
pub(crate) struct Desks {
    business: Business,
    lexicon: Lexicon,
    pages: Index,
    products: Index,
    diary: Diary,
    memory: Memory,
}

impl Desks {
    /// Desks that answer from this shop's files and write into this diary.
    #[must_use]
    pub(crate) fn new(business: Business, diary: Diary) -> Self {
        let pages = Index::new(&business.sections);
        let products = Index::new(&sales::sections(&business.catalogue));
        let lexicon = Lexicon::new(&business);
        Self { business, lexicon, pages, products, diary, memory: Memory::default() }
    }

    /// Answers a message at a moment. The same call again gets the same reply.
    pub(crate) async fn answer(
        &self,
        desk: Desk,
        message: &Message,
        now_ms: i64,
    ) -> Result<Reply, booking::Error> {
        let call = (desk, message.session_id.clone(), message.request_id.clone());
        if let Some(reply) = self.memory.recall(&call) {
            return Ok(reply);
        }
        let now = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let now = now.to_zoned(self.business.shop.time_zone.0.clone());
        let ask = Ask { message, business: &self.business, lexicon: &self.lexicon, now: &now };
        let price = |answer: Answer| self.price(message, answer);
        let reply = match desk {
            Desk::Sales => price(sales::answer(&ask, &self.products)),
            Desk::Support => price(support::answer(&ask, &self.pages)),
            Desk::Booking => booking::answer(&ask, &self.diary, price).await?,
            Desk::Welcome => price(welcome::answer(&ask)),
        };
        Ok(self.memory.keep(call, reply))
    }

    fn price(&self, message: &Message, answer: Answer) -> Reply {
        const MICROS: f64 = 1_000_000.0;
        let usage = Usage {
            input_tokens: chassis::tokens::estimate(&message.raw_input),
            output_tokens: chassis::tokens::estimate(&answer.content),
            cost_usd: self.business.shop.desk_answer_usd.0 as f64 / MICROS,
        };
        Reply {
            content: answer.content,
            workflow_complete: answer.is_complete,
            workflow_state: answer.state,
            usage,
            handoff: answer.referral,
        }
    }
}

#[cfg(test)]
mod booking_tests;
#[cfg(test)]
mod tests;
