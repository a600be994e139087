//! The bodies of requests. What they break is told by the handlers, which read them field by field.

#![expect(dead_code, reason = "these types are written for their schemas")]

use utoipa::ToSchema;

use super::word;

/// What a customer says.
#[derive(ToSchema)]
pub(crate) struct Message {
    /// The text; control characters other than tab and line breaks are removed before it is counted.
    #[schema(
        min_length = 1,
        max_length = 10_000,
        pattern = r"[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]",
        example = "I need help with my order"
    )]
    input: String,
    /// The customer. Needed, unless the key is bound to one or another name below is given.
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\x00-\x1F\x7F-\x9F]*$",
        example = "user-1"
    )]
    user_id: Option<String>,
    /// The customer by another name; the same as user_id unless given.
    #[schema(min_length = 1, max_length = 256, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    employee_id: Option<String>,
    /// The customer in Slack; required with the entry point slack.
    #[schema(min_length = 1, max_length = 256, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    slack_user_id: Option<String>,
    /// How agents address the customer.
    #[schema(min_length = 1, max_length = 256)]
    display_name: Option<String>,
    /// Where the message comes from.
    #[schema(min_length = 1, max_length = 256)]
    entry_point: Option<String>,
    /// The session to go on with: an id of the mesh, or a name of the client's own. Without one it is the latest.
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._:-]+$")]
    session_id: Option<String>,
    /// The language of the text as a BCP 47 tag.
    #[schema(max_length = 64, pattern = "^[a-z]{2,3}(-[A-Z]{2})?$", example = "en")]
    locale: Option<String>,
    /// Passed on to the agent unchanged; up to 16 KiB. A task_id in it names a budget.
    #[schema(value_type = Option<Object>)]
    metadata: Option<()>,
}

/// How to end a session.
#[derive(ToSchema)]
pub(crate) struct Close {
    /// How it ended; completed unless given.
    status: Option<word::SessionEnd>,
    /// What came of it.
    #[schema(min_length = 1, max_length = 5_000)]
    summary: Option<String>,
}

/// How a session is to change hands.
#[derive(ToSchema)]
pub(crate) struct Handoff {
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// To whom; chosen by skills and load unless given.
    #[schema(min_length = 1, max_length = 64)]
    target_agent: Option<String>,
    /// What the receiver has to be able to do.
    #[schema(max_items = 50)]
    required_skills: Option<Vec<String>>,
    /// The sort of handoff; found from the other fields unless given.
    trigger: Option<word::Trigger>,
    /// What the receiver should know.
    #[schema(min_length = 1, max_length = 5_000)]
    summary: Option<String>,
    /// How the receiver is chosen; as configured unless given.
    policy: Option<word::Policy>,
    /// How the conversation is shortened; as configured unless given.
    strategy: Option<word::Strategy>,
    /// Whether the receiver sees the history from before.
    include_history: Option<bool>,
    /// Whether the receiver has to accept first.
    require_acceptance: Option<bool>,
}

/// The availability of an agent.
#[derive(ToSchema)]
pub(crate) struct SetAvailability {
    availability: word::Availability,
}

/// What becomes of a breaker.
#[derive(ToSchema)]
pub(crate) struct SetBreaker {
    action: word::BreakerAction,
}

/// A connection that a ticket is for.
#[derive(ToSchema)]
pub(crate) struct TicketRequest {
    /// The only session that it is good for.
    #[schema(
        rename = "sessionId",
        min_length = 1,
        max_length = 128,
        pattern = "^[A-Za-z0-9._:-]+$"
    )]
    session_id: Option<String>,
    /// The customer.
    #[schema(min_length = 1, max_length = 256, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    user_id: Option<String>,
}

/// A limit and what happens on the way to it.
#[derive(ToSchema)]
pub(crate) struct BudgetDefinition {
    /// The scope of the path again, if at all.
    scope: Option<String>,
    /// In US dollars, with at most six decimals.
    #[schema(minimum = 0.01, maximum = 1_000_000, multiple_of = 0.01)]
    limit_usd: f64,
    /// none, hourly, daily, weekly, monthly or a cron expression.
    #[schema(min_length = 1, max_length = 256, example = "daily")]
    period: Option<String>,
    policy: Option<BudgetPolicy>,
}

/// What happens on the way to a limit.
#[derive(ToSchema)]
pub(crate) struct BudgetPolicy {
    /// The share of the limit from which the rules apply; 0.8 unless given, and at most hard_cap.
    #[schema(minimum = 0, maximum = 1)]
    soft_cap: Option<f64>,
    /// The share of the limit at which calls are denied; 1 unless given.
    #[schema(minimum = 0, maximum = 1)]
    hard_cap: Option<f64>,
    /// Further shares that are told as events.
    notify_at: Option<Vec<Share>>,
    /// Cheaper models from the soft cap on.
    #[schema(max_items = 50)]
    auto_downgrade: Option<Vec<DowngradeRule>>,
    /// Tools that are taken away from the soft cap on.
    #[schema(max_items = 50)]
    disable_tools: Option<Vec<String>>,
    /// Whether a call may use the very last of the limit.
    strict_projection: Option<bool>,
}

/// A number from 0 to 1.
#[derive(ToSchema)]
#[schema(value_type = f64, minimum = 0, maximum = 1)]
pub(crate) struct Share(f64);

/// From which models to which.
#[derive(ToSchema)]
pub(crate) struct DowngradeRule {
    /// The models that are replaced; * is every one.
    #[schema(min_items = 1, max_items = 50)]
    from: Vec<String>,
    /// The cheaper one.
    #[schema(min_length = 1, max_length = 256)]
    to: String,
}

/// A call that is only asked about.
#[derive(ToSchema)]
pub(crate) struct BudgetCheck {
    /// Whose money the call would use.
    #[schema(min_items = 1, max_items = 10)]
    scopes: Vec<ScopeName>,
    /// The model; the default estimate applies unless given.
    #[schema(min_length = 1, max_length = 256)]
    model: Option<String>,
    #[schema(minimum = 0)]
    input_tokens: Option<i64>,
    #[schema(minimum = 0)]
    max_output_tokens: Option<i64>,
    /// What the call costs besides its tokens.
    #[schema(minimum = 0, maximum = 1_000, multiple_of = 0.01)]
    per_call_usd: Option<f64>,
    /// The whole cost, instead of token counts.
    #[schema(minimum = 0, maximum = 1_000, multiple_of = 0.01)]
    estimate_usd: Option<f64>,
    /// The tools that the call would use.
    #[schema(max_items = 100)]
    tools: Option<Vec<String>>,
}

/// A budget scope.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum ScopeName {
    /// As one text.
    Text(ScopeText),
    /// In two parts.
    Parts {
        r#type: word::ScopeType,
        #[schema(min_length = 1, max_length = 256)]
        key: String,
    },
}

/// A budget scope as type:key.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^(org|user|session|agent|task):[^\\x00-\\x1F\\x7F-\\x9F]{1,256}$", example = "user:user-1")]
pub(crate) struct ScopeText(String);

/// What a front end for OpenAI sends.
#[derive(ToSchema)]
pub(crate) struct ChatRequest {
    /// mesh; other names are ignored.
    #[schema(example = "mesh")]
    model: Option<String>,
    /// The conversation, of which the last message of the user counts.
    #[schema(min_items = 1, max_items = 10_000)]
    messages: Vec<ChatMessage>,
    /// The customer.
    #[schema(min_length = 1, max_length = 256, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    user: Option<String>,
    /// Whether to answer in pieces.
    stream: Option<bool>,
}

/// One message of a conversation.
#[derive(ToSchema)]
pub(crate) struct ChatMessage {
    /// user, assistant, system or another.
    #[schema(example = "user")]
    role: String,
    /// A text, or parts of which the texts count.
    #[schema(value_type = ChatContent)]
    content: (),
}

/// A text, or a list of parts.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum ChatContent {
    Text(String),
    Parts(Vec<ChatPart>),
}

/// A part of a message.
#[derive(ToSchema)]
pub(crate) struct ChatPart {
    /// text, or another type, which is passed over.
    r#type: String,
    text: Option<String>,
}

/// A message of JSON-RPC 2.0.
#[derive(ToSchema)]
pub(crate) struct RpcMessage {
    /// 2.0.
    #[schema(pattern = r"^2\.0$", example = "2.0")]
    jsonrpc: String,
    /// Missing in a notification.
    #[schema(value_type = Option<RpcId>)]
    id: Option<()>,
    #[schema(example = "tools/list")]
    method: String,
    #[schema(value_type = Option<Object>)]
    params: Option<()>,
}

/// The id of a message.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum RpcId {
    Text(String),
    Number(i64),
}
