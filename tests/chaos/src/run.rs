//! One run: everything is started, hurt, healed and looked at.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::agents::Desks;
use crate::check;
use crate::client::Client;
use crate::evidence::Evidence;
use crate::mesh::Mesh;
use crate::plan::Plan;
use crate::report::Report;
use crate::say;
use crate::user::Crowd;

/// How long everything may take to work again once nobody breaks it.
const HEAL_LIMIT: Duration = Duration::from_secs(30);
/// How long users may take after that to have every message answered.
const FINISH_LIMIT: Duration = Duration::from_secs(60);

/// What a run is told.
#[derive(Clone, Debug)]
pub struct Order {
    /// What decides who is hurt when, and what users say.
    pub seed: u64,
    /// How long processes are hurt.
    pub length: Duration,
    /// How many users talk at once.
    pub users: u16,
    /// The folder of the programs of the mesh.
    pub programs: PathBuf,
}

/// Does as it is told, and ends all that it has started.
pub async fn run(order: &Order) -> anyhow::Result<Report> {
    let folder = tempfile::Builder::new().prefix("mesh-chaos-").tempdir()?;
    let desks = Desks::open(order.seed).await?;
    let mesh = Mesh::start(folder.path(), &std::path::absolute(&order.programs)?, &desks).await?;
    let client = Client::new(&mesh.gateways)?;
    mesh.wait_until_healthy(&client, HEAL_LIMIT).await?;

    let began = Instant::now();
    let plan = Plan::of(order.seed, mesh.victims.len(), order.length);
    let quiet = CancellationToken::new();
    let crowd = Crowd::gather(order.seed, order.users, &client, &quiet);
    mesh.suffer(&plan, began).await;
    tokio::time::sleep_until(began + order.length).await;
    quiet.cancel();
    mesh.wait_until_healthy(&client, HEAL_LIMIT).await?;
    let stories = crowd.finish(FINISH_LIMIT).await?;

    let evidence =
        Evidence::gather((stories, desks.bills()), (&mesh.database, &mesh.redis), client).await?;
    let violations = check::all(&evidence).await?;
    let report = Report::of(order.seed, (&plan, &mesh), &evidence, violations);
    mesh.stop().await;
    if !report.is_clean() {
        let kept = folder.keep();
        say(&format!("the logs are in {}", kept.join("logs").display()));
    }
    Ok(report)
}
