//! The file of keys.

use std::collections::HashSet;

use serde::Deserialize;

use super::digest::Digest;
use super::{Principal, Scope};
use crate::config::Rate;
use crate::identity;

/// Keys that one file may define.
const KEYS_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    keys: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    sha256: String,
    tenant: String,
    #[serde(default)]
    user_id: Option<String>,
    scopes: Vec<String>,
    #[serde(default)]
    rate_limit: Option<Limit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    max: i64,
    window_ms: i64,
}

/// The keys that the text defines, or what is wrong with it. A message never shows a digest.
pub(super) fn parse(text: &str) -> Result<Vec<(Digest, Principal)>, String> {
    let document: Document = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    if KEYS_MAX < document.keys.len() {
        return Err(format!("{} keys are more than {KEYS_MAX}", document.keys.len()));
    }
    let mut ids = HashSet::new();
    let mut keys = Vec::with_capacity(document.keys.len());
    for entry in document.keys {
        let id = entry.id.clone();
        let key = principal(entry).map_err(|fault| format!("key '{id}': {fault}"))?;
        // The plain key of API_KEY is `main`.
        if id == super::keys::MAIN || !ids.insert(id.clone()) {
            return Err(format!("key '{id}': the id is taken"));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn principal(entry: Entry) -> Result<(Digest, Principal), String> {
    if !is_name(&entry.id, 128, |c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
        return Err("the id has 1 to 128 letters, digits, dots, dashes or underscores".to_owned());
    }
    if !is_name(&entry.tenant, 64, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        return Err("the tenant has 1 to 64 small letters, digits or dashes".to_owned());
    }
    if entry.user_id.as_deref().is_some_and(|user| !identity::is_user(user)) {
        return Err("user_id has 1 to 256 characters and no control characters".to_owned());
    }
    let digest = Digest::from_hex(&entry.sha256).ok_or("sha256 has 64 hexadecimal digits")?;
    let scope = |name: &String| {
        Scope::from_name(name)
            .ok_or_else(|| format!("the scope '{name}' is none of chat, read, admin"))
    };
    let scopes = entry.scopes.iter().map(scope).collect::<Result<_, _>>()?;
    let rate = entry.rate_limit.map(rate).transpose()?;
    let Entry { id: key_id, tenant, user_id: bound_user, .. } = entry;
    Ok((digest, Principal { key_id, tenant, bound_user, scopes, rate }))
}

fn is_name(text: &str, longest: usize, allowed: fn(char) -> bool) -> bool {
    (1..=longest).contains(&text.len()) && text.chars().all(allowed)
}

fn rate(limit: Limit) -> Result<Rate, String> {
    let is_valid =
        (1..=10_000_000).contains(&limit.max) && (1_000..=86_400_000).contains(&limit.window_ms);
    if !is_valid {
        return Err("rate_limit has a max from 1 and a window_ms from 1000".to_owned());
    }
    Ok(Rate { max: limit.max, window_ms: limit.window_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(line: &str) -> String {
        let digest = Digest::of("k").to_hex();
        let mut lines = vec![
            "id: web-shop".to_owned(),
            format!("sha256: \"{digest}\""),
            "tenant: default".to_owned(),
            "user_id: null".to_owned(),
            "scopes: [chat, read]".to_owned(),
        ];
        let field = line.split(':').next().unwrap();
        lines.retain(|old| !old.starts_with(field));
        lines.push(line.to_owned());
        format!("keys:\n  - {}\n", lines.join("\n    "))
    }

    #[test]
    fn a_key_is_read_with_all_its_fields() {
        let keys = parse(&with("rate_limit: {max: 600, window_ms: 60000}")).unwrap();
        let (digest, principal) = &keys[0];
        assert!(digest.equals(&Digest::of("k")));
        let expected = Principal {
            key_id: "web-shop".to_owned(),
            tenant: "default".to_owned(),
            bound_user: None,
            scopes: vec![Scope::Chat, Scope::Read],
            rate: Some(Rate { max: 600, window_ms: 60_000 }),
        };
        assert_eq!(principal, &expected);
        assert!(principal.may(Scope::Chat) && !principal.may(Scope::Admin));
        let bound = parse(&with("user_id: anna")).unwrap();
        assert_eq!(bound[0].1.bound_user.as_deref(), Some("anna"));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_digest() {
        let cases = [
            (with("colour: red"), "colour"),
            (with("tenant: Default"), "tenant"),
            (with("scopes: [fly]"), "'fly'"),
            (with("sha256: \"abc\""), "64 hexadecimal"),
            (with("id: main"), "taken"),
            (with("id: \"\""), "the id has"),
            (with("user_id: \"\""), "user_id"),
            (with("rate_limit: {max: 0, window_ms: 60000}"), "rate_limit"),
            (with("rate_limit: {max: 1, window_ms: 60000, burst: 2}"), "burst"),
            ("keys: 7".to_owned(), ""),
            (
                format!("{}{}", with("user_id: a"), with("user_id: b").replace("keys:\n", "")),
                "taken",
            ),
        ];
        for (text, expected) in cases {
            let fault = parse(&text).unwrap_err();
            assert!(fault.contains(expected), "{text}\n{fault}");
            assert!(!fault.contains(&Digest::of("k").to_hex()), "{fault}");
        }
    }
}
