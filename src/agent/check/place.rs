//! Where an agent is: whether the mesh would call it there, and whether it says how it is.

use std::time::Duration;

use chassis::address::{Allowlist, Target};
use chassis::connect::{ConnectError, resolve, system};
use chassis::wire::{Outgoing, request};
use http::{HeaderMap, Method};
use url::Url;

use super::direct;
use super::finding::{Finding, Rule, Verdict};

/// What a probe of the mesh may take.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

const ADDRESS: Rule = Rule::should(
    "address",
    "The mesh calls only public addresses. Name this one in AGENT_ENDPOINT_ALLOWLIST (host, host:port or network).",
);
const ENCRYPTION: Rule =
    Rule::should("encryption", "Serve it over https: what customers write goes this way.");
const HEALTH: Rule = Rule::must(
    "health",
    "Answer `GET /health` at the origin of the endpoint within 5 seconds: 200 when the agent can work. After three failures it counts as offline.",
);

/// Looks at the URL and at `/health`.
pub(super) async fn check(url: &Url, allowed: &[String]) -> anyhow::Result<Vec<Finding>> {
    let allowlist = Allowlist::parse(allowed)?;
    Ok(vec![
        ADDRESS.judge(address(url, &allowlist).await),
        ENCRYPTION.judge(encryption(url)),
        HEALTH.judge(health(url).await),
    ])
}

async fn address(url: &Url, allowlist: &Allowlist) -> Verdict {
    let target = match Target::parse(url.as_str(), allowlist) {
        Ok(target) => target,
        Err(refused) => return Verdict::Failed(refused.to_string()),
    };
    match resolve(&target, allowlist, &*system()).await {
        Ok(_) => Verdict::Passed(format!("{} may be called", target.host())),
        Err(ConnectError::Refused(refused)) => Verdict::Failed(refused.to_string()),
        Err(error) => Verdict::Failed(error.to_string()),
    }
}

fn encryption(url: &Url) -> Verdict {
    let is_local = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Verdict::Passed("https".to_owned()),
        _ if is_local => Verdict::Skipped("it runs on this machine".to_owned()),
        scheme => Verdict::Failed(scheme.to_owned()),
    }
}

async fn health(url: &Url) -> Verdict {
    let page = format!("{}/health", url.origin().ascii_serialization());
    let Ok(uri) = page.parse() else { return Verdict::Failed(format!("{page} is no URL")) };
    let wire = direct::wire(url);
    let probe = wire.send(request(Method::GET, &uri, HeaderMap::new(), Outgoing::default()));
    let response = match tokio::time::timeout(PROBE_LIMIT, probe).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Verdict::Failed(format!("{page}: {error}")),
        Err(_) => return Verdict::Failed(format!("{page} is silent for 5 s")),
    };
    match response.status().as_u16() {
        404 => Verdict::Skipped(format!("{page} is not there: nobody hears when the agent is ill")),
        status @ 500.. => Verdict::Failed(format!("{page} has status {status}")),
        status => Verdict::Passed(format!("status {status}")),
    }
}
