//! What a sequence of calls would be answered.

use chassis::clock;
use proto::v1;
use v1::simulation_result::Result as Played;
use v1::simulation_step::Step as Wire;

use super::Service;
use crate::Error;
use crate::convert::{self, invalid};
use crate::event::Event;
use crate::operation::{Answer, Operation, Refusal};
use crate::simulation::{Outcome, Simulation, Step};

/// The most steps of one simulation.
const STEPS_MAX: usize = 1_000;
/// The most definitions of one simulation.
const DEFINITIONS_MAX: usize = 1_000;
/// The most time before a step: ten years.
const PAUSE_MAX_MS: i64 = 10 * 366 * 24 * 60 * 60 * 1_000;

impl Service {
    pub(super) async fn simulated(
        &self,
        request: v1::SimulateRequest,
    ) -> Result<v1::SimulateResponse, Error> {
        if STEPS_MAX < request.steps.len() || DEFINITIONS_MAX < request.definitions.len() {
            return Err(invalid("steps", "at most 1000 steps and 1000 definitions"));
        }
        let (context, now_ms) = (request.context, clock::now_ms());
        let steps = request.steps.into_iter().enumerate().map(|(at, wire)| {
            self.step(&context, wire).map_err(|error| match error {
                Error::Invalid(path, message) => {
                    Error::Invalid(format!("steps[{at}].{path}"), message)
                }
                other => other,
            })
        });
        let steps = steps.collect::<Result<Vec<_>, _>>()?;
        let operations: Vec<Operation> = steps.iter().map(|step| step.operation.clone()).collect();
        let sheet = self.store.look(&operations, now_ms).await?;
        let mut simulation = Simulation::new(sheet, &self.rules, now_ms);
        if request.from_zero {
            simulation.empty();
        }
        let tenant = convert::tenant(context.as_ref());
        for definition in request.definitions {
            simulation.define(&tenant, convert::definition(definition)?);
        }
        let results = steps.iter().map(|step| result(simulation.play(step)));
        Ok(v1::SimulateResponse { results: results.collect() })
    }

    /// A step in the name of the caller, whatever context it names itself.
    fn step(&self, context: &Option<v1::Context>, wire: v1::SimulationStep) -> Result<Step, Error> {
        if !(0..=PAUSE_MAX_MS).contains(&wire.after_ms) {
            return Err(invalid("after_ms", "is not within 0 to ten years"));
        }
        let named = |own: Option<v1::Context>| {
            let user_id = own.map(|own| own.user_id).filter(|user_id| !user_id.is_empty());
            let context = context.clone().unwrap_or_default();
            Some(v1::Context { user_id: user_id.unwrap_or(context.user_id), ..context })
        };
        let operation = match wire.step.ok_or_else(|| invalid("step", "is missing"))? {
            Wire::Reserve(ask) => {
                let context = named(ask.context.clone());
                Operation::Reserve(self.ask(v1::ReserveRequest { context, ..ask })?)
            }
            Wire::Settle(bill) => {
                let context = named(bill.context.clone());
                Operation::Settle(convert::settle(v1::SettleRequest { context, ..bill })?)
            }
            Wire::Release(back) => {
                Operation::Release(convert::charge(context.as_ref(), back.charge_id)?)
            }
        };
        Ok(Step { after_ms: wire.after_ms, operation })
    }
}

fn result(outcome: Outcome) -> v1::SimulationResult {
    let played = match outcome.answer {
        Ok(Answer::Verdict(verdict)) => Played::Reserve(convert::decision(verdict)),
        Ok(Answer::Settled { state, actual_micros, estimated, books, .. }) => {
            let (state, scopes) = (state.name().to_owned(), convert::states(&books));
            Played::Settle(v1::SettleResponse {
                state,
                actual_micros,
                estimated,
                scopes,
                is_committed: false,
            })
        }
        Ok(Answer::Released { state, books }) => {
            let (state, scopes) = (state.name().to_owned(), convert::states(&books));
            Played::Release(v1::ReleaseResponse { state, scopes })
        }
        Err(refusal) => Played::Fault(fault(&refusal)),
        Ok(other) => {
            let message = format!("{other:?} answers no step");
            Played::Fault(v1::SimulationFault { code: "internal".to_owned(), message })
        }
    };
    let events = outcome.events.into_iter().map(event).collect();
    v1::SimulationResult { result: Some(played), events }
}

fn fault(refusal: &Refusal) -> v1::SimulationFault {
    let code = match refusal {
        Refusal::Unknown(_) => "not_found",
        Refusal::Amount(..) => "invalid_request",
        Refusal::Missing(_) => "budget_not_found",
        Refusal::Exists(_) => "budget_exists",
    };
    v1::SimulationFault { code: code.to_owned(), message: refusal.to_string() }
}

fn event(event: Event) -> v1::BudgetEvent {
    v1::BudgetEvent {
        id: 0,
        r#type: event.kind.to_owned(),
        scope: Some(convert::wire_scope(&event.owner.scope)),
        tenant: event.owner.tenant,
        period_id: event.period_id,
        timestamp_ms: event.timestamp_ms,
        payload_json: event.payload,
    }
}
