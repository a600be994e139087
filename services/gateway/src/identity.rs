//! For whom a caller acts.

use chassis::fault::Violation;

use crate::auth::Principal;
use crate::problem::Problem;

/// The user of callers who name none, where that is allowed.
pub(crate) const ANONYMOUS: &str = "anonymous";
const USER_CHARACTERS_MAX: usize = 256;

/// Whom a request names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) user_id: Option<String>,
    pub(crate) employee_id: Option<String>,
    pub(crate) slack_user_id: Option<String>,
}

impl Claims {
    /// Of a user alone.
    pub(crate) fn of_user(user_id: Option<String>) -> Self {
        Self { user_id, ..Self::default() }
    }
}

/// What happens to a caller who names no user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nameless {
    /// Refused.
    Refused,
    /// Served without a session.
    Anonymous,
    /// Acts as a user named after the key.
    Key,
}

/// The user that a caller acts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) user_id: String,
    pub(crate) is_anonymous: bool,
}

impl Identity {
    fn of(user_id: &str) -> Self {
        Self { user_id: user_id.to_owned(), is_anonymous: false }
    }
}

/// Whether the text can name a user.
pub(crate) fn is_user(text: &str) -> bool {
    let count = text.chars().count();
    (1..=USER_CHARACTERS_MAX).contains(&count) && !text.chars().any(char::is_control)
}

/// The acting user: the one that the key is bound to, else the one that the request names.
pub(crate) fn resolve(
    principal: &Principal,
    claims: &Claims,
    nameless: Nameless,
) -> Result<Identity, Problem> {
    let named = [
        ("user_id", &claims.user_id),
        ("employee_id", &claims.employee_id),
        ("slack_user_id", &claims.slack_user_id),
    ];
    let violations: Vec<_> = named
        .iter()
        .filter(|(_, value)| value.as_deref().is_some_and(|text| !is_user(text)))
        .map(|(name, _)| Violation {
            path: (*name).to_owned(),
            message: "has 1 to 256 characters and no control characters".to_owned(),
        })
        .collect();
    if !violations.is_empty() {
        return Err(Problem::invalid(violations));
    }
    if let Some(bound) = &principal.bound_user {
        let is_own = claims.user_id.as_ref().is_none_or(|user| user == bound);
        return if is_own { Ok(Identity::of(bound)) } else { Err(Problem::new("forbidden")) };
    }
    let first = named.into_iter().find_map(|(_, value)| value.as_deref());
    match (first, nameless) {
        (Some(user), _) => Ok(Identity::of(user)),
        (None, Nameless::Refused) => Err(Problem::new("user_required")),
        (None, Nameless::Anonymous) => {
            Ok(Identity { user_id: ANONYMOUS.to_owned(), is_anonymous: true })
        }
        (None, Nameless::Key) => Ok(Identity::of(&format!("key:{}", principal.key_id))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(bound: Option<&str>) -> Principal {
        Principal {
            key_id: "web".to_owned(),
            tenant: "default".to_owned(),
            bound_user: bound.map(str::to_owned),
            scopes: Vec::new(),
            rate: None,
        }
    }

    fn claims(user: &str, employee: &str, slack: &str) -> Claims {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Claims { user_id: text(user), employee_id: text(employee), slack_user_id: text(slack) }
    }

    #[test]
    fn the_acting_user_is_found_in_order() {
        let cases = [
            (None, claims("u", "e", "s"), Nameless::Refused, Ok("u")),
            (None, claims("", "e", "s"), Nameless::Refused, Ok("e")),
            (None, claims("", "", "s"), Nameless::Refused, Ok("s")),
            (None, claims("", "", ""), Nameless::Refused, Err("user_required")),
            (None, claims("", "", ""), Nameless::Anonymous, Ok("anonymous")),
            (None, claims("", "", ""), Nameless::Key, Ok("key:web")),
            (Some("b"), claims("", "", ""), Nameless::Refused, Ok("b")),
            (Some("b"), claims("b", "e", ""), Nameless::Refused, Ok("b")),
            (Some("b"), claims("", "e", "s"), Nameless::Key, Ok("b")),
            (Some("b"), claims("u", "", ""), Nameless::Anonymous, Err("forbidden")),
        ];
        for (bound, claims, nameless, expected) in cases {
            let found = resolve(&principal(bound), &claims, nameless);
            let found = found.as_ref().map(|identity| identity.user_id.as_str());
            assert_eq!(found.map_err(Problem::code), expected, "{bound:?} {claims:?} {nameless:?}");
        }
    }

    #[test]
    fn who_names_nobody_is_anonymous_and_who_claims_the_name_is_not() {
        let nobody = resolve(&principal(None), &Claims::default(), Nameless::Anonymous).unwrap();
        assert!(nobody.is_anonymous);
        let claimed = resolve(&principal(None), &claims(ANONYMOUS, "", ""), Nameless::Anonymous);
        assert!(!claimed.unwrap().is_anonymous);
    }

    #[test]
    fn a_user_has_a_bounded_printable_name() {
        assert!(is_user(&"ü".repeat(256)) && is_user(" "));
        for odd in [String::new(), "x".repeat(257), "a\nb".to_owned(), "\u{7f}".to_owned()] {
            assert!(!is_user(&odd));
            let found = resolve(&principal(None), &Claims::of_user(Some(odd)), Nameless::Refused);
            assert_eq!(found.unwrap_err().code(), "invalid_request");
        }
    }
}
