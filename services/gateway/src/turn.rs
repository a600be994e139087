//! A turn as the gateway sees it: one call of the router, whose events go to who asked and to all who listen.

use std::sync::Arc;
use std::time::Duration;

use chassis::link;
use proto::v1::turn_event::Event;
use proto::v1::{Context, ConverseRequest, TurnEvent};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tonic::Streaming;
use tracing::Instrument as _;

use crate::auth::Principal;
use crate::fanout::{Owner, Publication};
use crate::frame::Frame;
use crate::front::Front;
use crate::identity::Identity;
use crate::message::Message;
use crate::problem::Problem;

/// What the router gets beyond the time of a turn, so that it is the one to say that the time is over.
const GRACE: Duration = Duration::from_millis(500);

/// A message with its sender, ready to be worked on.
pub(crate) struct Turn {
    pub(crate) request: ConverseRequest,
    /// The listener that hears the events directly.
    pub(crate) origin: Option<u64>,
    /// What has to happen first: the acceptance of the message before it.
    pub(crate) after: Option<oneshot::Receiver<()>>,
}

/// What happens in a turn, told to who asked.
pub(crate) enum Step {
    /// An event of the router, and how sockets see it.
    Event(Box<TurnEvent>, Option<Arc<Frame>>),
    /// The end, when the router itself did not tell it.
    Failure(Problem),
}

impl Step {
    /// Whether it had happened before.
    pub(crate) fn is_replay(&self) -> bool {
        matches!(self, Self::Event(event, _) if event.replay)
    }

    /// Whether nothing follows.
    pub(crate) fn is_last(&self) -> bool {
        match self {
            Self::Event(event, _) => {
                matches!(event.event, Some(Event::Result(_) | Event::Error(_)))
            }
            Self::Failure(_) => true,
        }
    }
}

/// Who asked. It must not make the turn wait, and may be gone before its end.
pub(crate) trait Listener: Send + Sync + 'static {
    /// Takes the next step.
    fn hear(&mut self, step: Step);
}

impl Turn {
    /// A message of a user under a request id.
    pub(crate) fn new(
        principal: &Principal,
        identity: &Identity,
        request_id: String,
        message: Message,
    ) -> Self {
        let claims = message.claims;
        let employee = claims.employee_id.unwrap_or_else(|| identity.user_id.clone());
        let display_name = message.display_name.unwrap_or_else(|| employee.clone());
        let context = Context {
            tenant: principal.tenant.clone(),
            key_id: principal.key_id.clone(),
            user_id: identity.user_id.clone(),
            request_id,
        };
        let request = ConverseRequest {
            context: Some(context),
            session_ref: message.session_ref,
            input: message.input,
            locale: message.locale,
            entry_point: message.entry_point,
            metadata_json: message.metadata_json,
            employee_id: employee,
            display_name,
            anonymous: identity.is_anonymous,
        };
        Self { request, origin: None, after: None }
    }

    /// The id under which it runs.
    pub(crate) fn request_id(&self) -> &str {
        self.request.context.as_ref().map_or("", |context| &context.request_id)
    }

    /// Starts the turn, which runs to its end whatever becomes of the listener.
    pub(crate) fn start(self, front: &Arc<Front>, listener: impl Listener) -> Result<(), Problem> {
        if front.drain.is_draining() {
            return Err(Problem::new("shutting_down").with_retry());
        }
        if front.config.turns_max <= front.drain.running() {
            metrics::counter!("calls.shed").increment(1);
            return Err(Problem::new("dependency_unavailable").with_retry());
        }
        let run = Run {
            front: front.clone(),
            origin: self.origin,
            listener: Box::new(listener),
            is_accepted: false,
        };
        let span = tracing::Span::current();
        let (request, after) = (self.request, self.after);
        let work = async move {
            if let Some(after) = after {
                let _ = after.await;
            }
            run.run(request).await;
        };
        front.drain.spawn_turn(work.instrument(span));
        Ok(())
    }
}

struct Run {
    front: Arc<Front>,
    origin: Option<u64>,
    listener: Box<dyn Listener>,
    is_accepted: bool,
}

impl Run {
    async fn run(mut self, request: ConverseRequest) {
        let began = Instant::now();
        let owner = request.context.as_ref().filter(|_| !request.anonymous);
        let owner = owner.map(|context| Owner::new(&context.tenant, &context.user_id));
        let limit = self.front.config.turn_timeout + GRACE;
        let converse = self.converse(request, owner.as_ref(), limit);
        let ended = tokio::time::timeout(limit, converse).await;
        if let Err(problem) = ended.unwrap_or_else(|_| Err(Problem::new("turn_timeout"))) {
            // The router counts the turns that it has ended; of this one it may know nothing.
            let labels = [("status", problem.code().to_owned()), ("agent_id", String::new())];
            metrics::counter!("orchestrator.requests", &labels).increment(1);
            self.listener.hear(Step::Failure(problem));
        }
        metrics::histogram!("orchestrator.requests.duration_ms", "component" => "gateway")
            .record(began.elapsed().as_secs_f64() * 1_000.0);
    }

    async fn converse(
        &mut self,
        request: ConverseRequest,
        owner: Option<&Owner>,
        limit: Duration,
    ) -> Result<(), Problem> {
        let mut router = self.front.peers.router();
        let mut events = router.converse(link::within(request, limit)).await?.into_inner();
        while let Some(event) = self.next(&mut events).await? {
            self.is_accepted |= matches!(event.event, Some(Event::Accepted(_)));
            let frame = Frame::of_event(&event).map(Arc::new);
            if let Some(owner) = owner.filter(|_| !event.replay) {
                self.publish(owner, &event, frame.clone());
            }
            let step = Step::Event(Box::new(event), frame);
            let is_last = step.is_last();
            self.listener.hear(step);
            if is_last {
                return Ok(());
            }
        }
        Err(self.lost())
    }

    async fn next(&self, events: &mut Streaming<TurnEvent>) -> Result<Option<TurnEvent>, Problem> {
        events.message().await.map_err(|status| {
            let problem = Problem::of_status(&status);
            // A stream that breaks says nothing but that the router is gone.
            if status.details().is_empty() && problem.code() != "turn_timeout" {
                tracing::warn!(code = ?status.code(), "the events of a turn broke off");
                return self.lost();
            }
            problem
        })
    }

    /// The end of a turn whose router is gone: its recovery finishes what was accepted.
    fn lost(&self) -> Problem {
        Problem::new(if self.is_accepted { "interrupted" } else { "dependency_unavailable" })
    }

    fn publish(&self, owner: &Owner, event: &TurnEvent, frame: Option<Arc<Frame>>) {
        if event.session_id.is_empty() {
            return;
        }
        let alias = match &event.event {
            Some(Event::Accepted(accepted)) => Some(accepted.session_ref.clone()),
            _ => None,
        };
        self.front.fanout.publish(Publication {
            owner: owner.clone(),
            session_id: event.session_id.clone(),
            alias: alias.filter(|alias| !alias.is_empty()),
            frame,
            origin: self.origin,
        });
    }
}
