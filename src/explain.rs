//! `mesh explain REQUEST_ID`: why a turn went where it went, as a running mesh has stored it.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use chassis::config::{Common, Environment, Ports};
use chassis::link::{Link, within};
use proto::v1::router_client::RouterClient;
use proto::v1::{Context, ExplainRequest};
use serde_json::Value;

use crate::answer;

/// What the answer may take.
const LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mesh explain 4e8400a6-f9b3-4c92-913d-c205c53197bf | jq .gate")]
pub(crate) struct Arguments {
    /// The tenant that the request belongs to.
    #[arg(long, default_value = "default")]
    tenant: String,
    /// The id that the answer carried as `request_id` and in the header X-Request-Id.
    request_id: String,
}

/// Asks the router at ROUTER_ADDR and prints the decision record as JSON.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut env = Environment::of_process();
    let common = Common::read(&mut env, Ports { grpc: 50050, admin: 9464 }, "./mesh.db");
    let router = env.url_or("ROUTER_ADDR", "http://127.0.0.1:50054");
    env.finish()?;
    let link = Link::remote(&router, common.internal_token.as_deref());
    let context = Context { tenant: arguments.tenant, ..Context::default() };
    let request = ExplainRequest {
        context: Some(context),
        request_id: arguments.request_id,
        any_owner: true,
    };
    let answer = RouterClient::new(link).explain(within(request, LIMIT)).await;
    match answer {
        Ok(answer) => {
            let record: Value = serde_json::from_str(&answer.into_inner().record_json)
                .context("a record is JSON")?;
            answer::write_json(&record)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(status) => answer::refuse(&status, false),
    }
}
