//! The end of transfers: the router says whether a switch was committed, and time ends what nobody accepted.

use chassis::clock;
use proto::v1::{CompleteRequest, Context};

use crate::exchange::{Error, Exchange};
use crate::peer::Slot;
use crate::report;
use crate::store::{Filter, StoreError};
use crate::transfer::{Illegal, State, Transfer};

/// Expired transfers that one sweep ends.
const SWEPT_MAX: i64 = 100;

impl Exchange {
    /// The switch was committed: the lease becomes the session's slot, the source's slot is given back. Doing it again
    /// changes nothing.
    pub(crate) async fn complete(&self, request: &CompleteRequest) -> Result<Transfer, Error> {
        let context = request.context.clone().unwrap_or_default();
        let mut transfer = self.owned(&context, &request.handoff_id).await?;
        let is_other = !request.agent_id.is_empty() && request.agent_id != transfer.to_agent;
        if is_other
            || !request.session_id.is_empty() && request.session_id != transfer.owner.session_id
        {
            return Err(Error::Foreign(transfer.id));
        }
        if transfer.state == State::Completed {
            return Ok(transfer);
        }
        if transfer.state != State::Accepted {
            let (from, to) = (transfer.state, State::Completed);
            return Err(Illegal { id: transfer.id, from, to }.into());
        }
        // The slots come first: if the process dies in between, the sweep of the router calls again.
        self.hand_slots_over(&context, &transfer, request.slot_ttl_ms).await?;
        transfer.completed(clock::now_ms())?;
        match self.store.save(&mut transfer).await {
            Ok(()) => report::completed(&transfer),
            Err(StoreError::Stale(id)) => return self.settled(&id, State::Completed).await,
            Err(error) => return Err(error.into()),
        }
        Ok(transfer)
    }

    async fn hand_slots_over(
        &self,
        context: &Context,
        transfer: &Transfer,
        slot_ttl_ms: i64,
    ) -> Result<(), Error> {
        let session = &transfer.owner.session_id;
        let ttl_ms = if 0 < slot_ttl_ms { slot_ttl_ms } else { self.config.lease_ms };
        let lease = Slot { agent_id: &transfer.to_agent, holder: &transfer.id, ttl_ms };
        let given_up = Slot { agent_id: &transfer.from_agent, holder: session, ttl_ms };
        let freeing = async {
            match transfer.from_agent.is_empty() {
                true => Ok(()),
                false => self.registry.release(context, given_up, None).await,
            }
        };
        let taking = self.registry.release(context, lease, Some(session));
        let (taken, freed) = futures::future::join(taking, freeing).await;
        taken?;
        freed?;
        Ok(())
    }

    /// The switch will not be committed: the lease is given back. Doing it again changes nothing.
    pub(crate) async fn abort(
        &self,
        context: &Context,
        handoff_id: &str,
        reason: &str,
    ) -> Result<Transfer, Error> {
        let mut transfer = self.owned(context, handoff_id).await?;
        let end = match transfer.state {
            State::Accepted => State::Aborted,
            State::Started | State::Compressed | State::Offered => State::Failed,
            State::Completed => {
                let (from, to) = (State::Completed, State::Aborted);
                return Err(Illegal { id: transfer.id, from, to }.into());
            }
            State::Rejected | State::Failed | State::Expired | State::Aborted => {
                return Ok(transfer);
            }
        };
        if !transfer.to_agent.is_empty() {
            self.release(context, &transfer, &transfer.to_agent).await;
        }
        transfer.ended(end, reason, clock::now_ms())?;
        match self.store.save(&mut transfer).await {
            Ok(()) => report::ended(&transfer),
            Err(StoreError::Stale(id)) => return self.settled(&id, end).await,
            Err(error) => return Err(error.into()),
        }
        Ok(transfer)
    }

    /// Somebody else was faster; that is no harm when they ended it the same way.
    async fn settled(&self, handoff_id: &str, end: State) -> Result<Transfer, Error> {
        let found = self.store.find(handoff_id).await?;
        let same = found.filter(|transfer| transfer.state == end);
        same.ok_or_else(|| StoreError::Stale(handoff_id.to_owned()).into())
    }

    /// The transfer of this id, when it is the caller's. A context without a user is the mesh itself.
    pub(crate) async fn owned(
        &self,
        context: &Context,
        handoff_id: &str,
    ) -> Result<Transfer, Error> {
        let is_owned = |transfer: &Transfer| {
            transfer.owner.tenant == context.tenant
                && (context.user_id.is_empty() || transfer.owner.user_id == context.user_id)
        };
        let found = self.store.find(handoff_id).await?.filter(is_owned);
        found.ok_or_else(|| Error::Missing(handoff_id.to_owned()))
    }

    /// Ends transfers that nobody accepted in time. What was accepted is the router's to end.
    pub(crate) async fn expire(&self) -> Result<usize, Error> {
        let now_ms = clock::now_ms();
        let filter = Filter {
            states: vec![State::Started, State::Compressed, State::Offered],
            expires_before_ms: Some(now_ms),
            limit: SWEPT_MAX,
            ..Filter::default()
        };
        let overdue = self.store.list(&filter).await?;
        let count = overdue.len();
        for mut transfer in overdue {
            let context = Context { tenant: transfer.owner.tenant.clone(), ..Context::default() };
            if !transfer.to_agent.is_empty() {
                self.release(&context, &transfer, &transfer.to_agent).await;
            }
            transfer.ended(State::Expired, "nobody accepted in time", now_ms)?;
            match self.store.save(&mut transfer).await {
                Ok(()) => report::ended(&transfer),
                // It moved on meanwhile, so it is not overdue in this state.
                Err(StoreError::Stale(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(count)
    }
}
