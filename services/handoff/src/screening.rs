//! Words of agents that are about to enter another agent's context: attempts to instruct it are audited. They travel on
//! as quoted data, for what a customer's case needs may stand beside them (contract, section 24.1).

use chassis::screen::screen;
use proto::v1::CompressedContext;

use crate::transfer::Transfer;

/// Audits what agents said in a brief when it tries to instruct its reader.
pub(crate) fn audit(transfer: &Transfer, source_summary: &str, brief: &CompressedContext) {
    let replies = brief.recent_messages.iter().filter(|message| message.role == "agent");
    let facts = brief.key_facts.iter().map(|fact| fact.fact.as_str());
    let words = [transfer.reason.as_str(), source_summary, &brief.summary].into_iter();
    let words = words.chain(replies.map(|message| message.content.as_str())).chain(facts);
    let verdicts = words.map(screen);
    let Some(verdict) =
        verdicts.filter(|verdict| verdict.is_flagged()).max_by_key(|one| one.weight)
    else {
        return;
    };
    tracing::info!(
        audit = true,
        event_type = "security.prompt_injection",
        handoff_id = transfer.id,
        session_id = transfer.owner.session_id,
        tenant = transfer.owner.tenant,
        agent_id = transfer.from_agent,
        reasons = verdict.summary(),
        outcome = "success",
        "words of an agent look like an injection"
    );
}
