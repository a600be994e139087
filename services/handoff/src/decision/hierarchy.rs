//! The first pass of the hierarchical policy: children of the source, else specialists of a target domain.

use std::cmp::Reverse;

use super::{Decision, Field, Question, Rules, Scored, millionths, primary};
use crate::roster::{Member, Roster};

/// The first of the children or specialists as the primary; nothing when there is none.
pub(super) fn nearest(
    roster: &Roster,
    question: &Question<'_>,
    rules: &Rules,
    field: &Field,
) -> Option<Decision> {
    let is_child = |member: Member<'_>| {
        !question.source.is_empty() && member.agent.parent_agent_id == question.source
    };
    let children =
        field.candidates.iter().filter(|scored| roster.at(scored.index).is_some_and(is_child));
    let mut kept: Vec<(Scored, i64)> = children.map(|scored| (*scored, 0)).collect();
    if kept.is_empty() {
        let specialist = |scored: &Scored| {
            let member = roster.at(scored.index)?;
            let fits = member.agent.specializations.iter().filter(|special| {
                let terms = roster.terms(std::slice::from_ref(&special.domain));
                0 < field.wish.domains.shared(&terms.known)
                    && millionths(special.min_confidence_threshold) <= scored.score.millionths
            });
            fits.map(|special| millionths(special.proficiency_level)).max()
        };
        kept = field.candidates.iter().filter_map(|one| Some((*one, specialist(one)?))).collect();
    }
    kept.sort_by_key(|(scored, skill)| {
        (Reverse(scored.score.millionths), Reverse(*skill), scored.index)
    });
    let target = kept.first()?.0;
    let kept: Vec<Scored> = kept.into_iter().map(|(scored, _)| scored).collect();
    let others = field.candidates.iter().filter(|scored| !kept.contains(scored));
    let order: Vec<Scored> = kept.iter().chain(others).copied().collect();
    Some(primary(target, &order, rules))
}
