//! `mesh explain REQUEST_ID`: why a turn went where it went, as a running mesh has stored it.

mod page;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use chassis::config::{Common, Environment, Ports};
use chassis::link::{Link, within};
use proto::v1::router_client::RouterClient;
use proto::v1::{Context, ExplainRequest};

use self::page::Page;
use crate::answer;

/// What the answer may take.
const LIMIT: Duration = Duration::from_secs(10);

const EXAMPLE: &str = "\
Examples:
  mesh explain 4e8400a6-f9b3-4c92-913d-c205c53197bf
  mesh explain 4e8400a6-f9b3-4c92-913d-c205c53197bf --json | jq .gate";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// The tenant that the request belongs to.
    #[arg(long, default_value = "default")]
    tenant: String,
    /// Print the record as JSON, as it is stored and as the route /requests/{request_id}/explain answers.
    #[arg(long)]
    json: bool,
    /// The id that the answer carried as `request_id` and in the header X-Request-Id.
    request_id: String,
}

/// Asks the router at ROUTER_ADDR for the decision record and prints it.
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
    match RouterClient::new(link).explain(within(request, LIMIT)).await {
        Ok(answer) => {
            let page = Page::of(answer.into_inner().record_json).context("a record is JSON")?;
            answer::say(&page, arguments.json)
        }
        Err(status) => answer::refuse(&status, arguments.json),
    }
}
