//! What handlers ask of a request: the caller with a scope, the body, parts of the path and the query.

use std::collections::HashMap;
use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use bytes::{Bytes, BytesMut};
use chassis::link;
use http::request::Parts;
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use proto::v1::Context;

use crate::auth::{Principal, Scope};
use crate::front::Front;
use crate::identity::{self, Claims, Identity, Nameless};
use crate::middleware::admit::Admitted;
use crate::middleware::outer::RequestId;
use crate::problem::Problem;
use crate::tickets::Ticket;

/// What one call of a peer may take.
const PEER_LIMIT: Duration = Duration::from_secs(10);
/// What sending a body may take.
const BODY_LIMIT: Duration = Duration::from_secs(30);
/// The type of a body that most routes read.
pub(crate) const JSON: &str = "application/json";
/// How much of a body that is too large is read, so that its sender hears the answer.
const DRAIN_BYTES_MAX: usize = 16 << 20;
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

/// A scope as a type, so that a handler's signature says what it demands.
pub(crate) trait Demand: Send + Sync {
    const SCOPE: Scope;
}

/// Demands `chat`.
pub(crate) struct Chat;
/// Demands `read`.
pub(crate) struct Read;
/// Demands `admin`.
pub(crate) struct Admin;

impl Demand for Chat {
    const SCOPE: Scope = Scope::Chat;
}

impl Demand for Read {
    const SCOPE: Scope = Scope::Read;
}

impl Demand for Admin {
    const SCOPE: Scope = Scope::Admin;
}

/// Who asks, with the scope that the handler demands.
pub(crate) struct Caller<D> {
    pub(crate) principal: Arc<Principal>,
    pub(crate) ticket: Option<Arc<Ticket>>,
    pub(crate) request_id: String,
    named_user: Option<String>,
    demand: PhantomData<D>,
}

impl<D: Demand> FromRequestParts<Arc<Front>> for Caller<D> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Front>) -> Result<Self, Problem> {
        let caller = Self::of(parts)?;
        caller.principal.require(D::SCOPE)?;
        Ok(caller)
    }
}

impl<D> Caller<D> {
    /// Who asks, whatever its scopes.
    pub(crate) fn of(parts: &Parts) -> Result<Self, Problem> {
        let admitted = parts.extensions.get::<Admitted>();
        let admitted = admitted.ok_or_else(|| Problem::new("authentication_required"))?;
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
        let header = parts
            .headers
            .get("x-user-id")
            .and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
        let query = || Query::of(parts).take("user_id");
        Ok(Self {
            principal: admitted.principal.clone(),
            ticket: admitted.ticket.clone(),
            request_id: request_id.unwrap_or_default(),
            named_user: header.map(str::to_owned).or_else(query),
            demand: PhantomData,
        })
    }

    /// The acting user of a request that names one in its body, if not there then beside it.
    pub(crate) fn acting(&self, claims: Claims, nameless: Nameless) -> Result<Identity, Problem> {
        let is_named = claims != Claims::default();
        let claims = if is_named { claims } else { self.named() };
        identity::resolve(&self.principal, &claims, nameless)
    }

    /// The context of a call for the user that the request names beside its body.
    pub(crate) fn context(&self) -> Result<Context, Problem> {
        let identity = self.acting(Claims::default(), Nameless::Refused)?;
        Ok(self.context_of(&identity))
    }

    /// The context of a call that concerns no user, or, with scope admin and no user named, all of the tenant.
    pub(crate) fn context_at_large(&self) -> Result<(Context, bool), Problem> {
        let identity = self.acting(Claims::default(), Nameless::Key)?;
        let is_named = self.named_user.is_some() || self.principal.bound_user.is_some();
        Ok((self.context_of(&identity), self.principal.may(Scope::Admin) && !is_named))
    }

    /// The context of a view on own things, which with scope admin and no user named are all of the tenant.
    pub(crate) fn context_for_view(&self) -> Result<(Context, bool), Problem> {
        if self.principal.may(Scope::Admin) {
            self.context_at_large()
        } else {
            Ok((self.context()?, false))
        }
    }

    /// The context of a call for this user.
    pub(crate) fn context_of(&self, identity: &Identity) -> Context {
        Context {
            tenant: self.principal.tenant.clone(),
            key_id: self.principal.key_id.clone(),
            user_id: identity.user_id.clone(),
            request_id: self.request_id.clone(),
        }
    }

    fn named(&self) -> Claims {
        Claims::of_user(self.named_user.clone())
    }
}

/// A call of a peer with its deadline.
pub(crate) fn call<T>(message: T) -> tonic::Request<T> {
    link::within(message, PEER_LIMIT)
}

/// A body of JSON that is there.
pub(crate) struct Json(pub(crate) Bytes);

impl FromRequest<Arc<Front>> for Json {
    type Rejection = Problem;

    async fn from_request(request: Request, front: &Arc<Front>) -> Result<Self, Problem> {
        let is_json = kind(request.headers()) == JSON;
        let bytes = read(request.into_body(), front.config.body_bytes_max).await?;
        if is_json { Ok(Self(bytes)) } else { Err(Problem::of_media(JSON)) }
    }
}

/// A body of JSON that may be missing, which counts as an empty object.
pub(crate) struct OptionalJson(pub(crate) Bytes);

impl FromRequest<Arc<Front>> for OptionalJson {
    type Rejection = Problem;

    async fn from_request(request: Request, front: &Arc<Front>) -> Result<Self, Problem> {
        let is_json = kind(request.headers()) == JSON;
        let bytes = read(request.into_body(), front.config.body_bytes_max).await?;
        if bytes.is_empty() {
            return Ok(Self(Bytes::from_static(b"{}")));
        }
        if is_json { Ok(Self(bytes)) } else { Err(Problem::of_media(JSON)) }
    }
}

/// The type of a body, in small letters and without its parameters.
pub(crate) fn kind(headers: &HeaderMap) -> String {
    let value = header_text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The whole body of a request, up to a bound.
pub(crate) async fn read(mut body: Body, most: usize) -> Result<Bytes, Problem> {
    match tokio::time::timeout(BODY_LIMIT, gather(&mut body, most)).await {
        Ok(Some(Ok(bytes))) => Ok(bytes),
        // Its sender went away or stalled.
        Ok(Some(Err(_))) | Err(_) => Err(Problem::new("invalid_json")),
        Ok(None) => {
            // Who is cut off while sending does not hear the answer.
            let _ = tokio::time::timeout(DRAIN_LIMIT, drain(&mut body)).await;
            Err(Problem::new("payload_too_large"))
        }
    }
}

/// The whole body, or nothing when it is too large.
async fn gather(body: &mut Body, most: usize) -> Option<Result<Bytes, axum::Error>> {
    let mut gathered = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => return Some(Err(error)),
        };
        let Ok(data) = frame.into_data() else { continue };
        if most < gathered.len() + data.len() {
            return None;
        }
        gathered.extend_from_slice(&data);
    }
    Some(Ok(gathered.freeze()))
}

async fn drain(body: &mut Body) {
    let mut drained = 0;
    while let Some(Ok(frame)) = body.frame().await {
        drained += frame.data_ref().map_or(0, Bytes::len);
        if DRAIN_BYTES_MAX < drained {
            return;
        }
    }
}

/// Parts of the path, in order.
pub(crate) struct Path(Vec<String>);

impl Path {
    /// The only part.
    pub(crate) fn one(mut self) -> String {
        self.0.pop().unwrap_or_default()
    }

    /// Both parts.
    pub(crate) fn two(mut self) -> (String, String) {
        let second = self.0.pop().unwrap_or_default();
        (self.0.pop().unwrap_or_default(), second)
    }
}

impl FromRequestParts<Arc<Front>> for Path {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, front: &Arc<Front>) -> Result<Self, Problem> {
        let nowhere = |path: &str| Problem::no_path(path);
        match RawPathParams::from_request_parts(parts, front).await {
            Ok(values) => Ok(Self(values.iter().map(|(_, value)| value.to_owned()).collect())),
            Err(_) => Err(nowhere(parts.uri.path())),
        }
    }
}

/// The query of a request; of a name given twice the first counts.
pub(crate) struct Query(HashMap<String, String>);

impl Query {
    pub(crate) fn of(parts: &Parts) -> Self {
        let text = parts.uri.query().unwrap_or_default();
        let mut values = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            values.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Self(values)
    }

    /// A value; empty counts as absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).filter(|value| !value.is_empty())
    }

    /// A value of another type.
    pub(crate) fn parsed<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.take(name) else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| Problem::invalid_field(name, "is not valid"))
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

/// The headers that matter to a handler.
pub(crate) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
        .filter(|text| !text.is_empty())
}
