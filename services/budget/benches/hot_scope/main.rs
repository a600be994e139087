//! Reservations and settles a second on ONE hot scope, each pair through the RPCs and committed in full, against one
//! transaction a call on the same tables in the same run.
//!
//!     TEST_DATABASE_URL=postgres://… cargo bench -p budget [-- --seconds 3]

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark fails where it stands, and prints"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use chassis::{Database, Engine};

mod alone;
mod cpu;
mod grouped;

use cpu::Meter;

const CALLERS: [usize; 4] = [1, 16, 64, 256];
/// Connections of those who go one by one.
const CONNECTIONS: u32 = 16;
const SECONDS: f64 = 2.0;

/// A way to reserve and settle one call.
#[async_trait::async_trait]
trait Till: Send + Sync {
    async fn pair(&self, charge: &str);
}

/// What a run came to.
struct Run {
    pairs: usize,
    elapsed: Duration,
    /// How long each pair took, sorted.
    times: Vec<Duration>,
    /// CPU of this process and of the database's, for each pair.
    cpu: [f64; 2],
}

impl Run {
    #[expect(clippy::cast_precision_loss, reason = "a benchmark has few pairs")]
    fn rate(&self) -> f64 {
        self.pairs as f64 / self.elapsed.as_secs_f64()
    }

    /// In milliseconds.
    fn at(&self, part: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            clippy::cast_possible_truncation,
            reason = "a place among the times"
        )]
        let place = ((self.times.len() as f64 * part) as usize).min(self.times.len() - 1);
        self.times[place].as_secs_f64() * 1e3
    }
}

async fn run(till: Arc<dyn Till>, callers: usize, seconds: f64, meter: &Meter) -> Run {
    till.pair("warm/up").await;
    let (before, start) = (meter.read().await, Instant::now());
    let end = start + Duration::from_secs_f64(seconds);
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let till = till.clone();
            tokio::spawn(async move {
                let mut times = Vec::new();
                while Instant::now() < end {
                    let began = Instant::now();
                    till.pair(&format!("{caller}/{}", times.len())).await;
                    times.push(began.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    let (elapsed, after) = (start.elapsed(), meter.read().await);
    times.sort_unstable();
    let pairs = times.len();
    #[expect(clippy::cast_precision_loss, reason = "a benchmark has few pairs")]
    let cpu = [0, 1].map(|of| (after[of] - before[of]) * 1e6 / pairs as f64);
    Run { pairs, elapsed, times, cpu }
}

async fn fresh(engine: Engine) -> Database {
    let database = match engine {
        Engine::Sqlite => chassis::testing::sqlite().await,
        Engine::Postgres => {
            let url = chassis::testing::postgres_url().await;
            Database::postgres(&url, CONNECTIONS).await.unwrap()
        }
    };
    budget::migrate(&database).await.unwrap();
    database
}

async fn measure(engine: Engine, callers: usize, seconds: f64) {
    let database = fresh(engine).await;
    let meter = Meter::of(&database);
    let one = run(alone::till(&database).await, callers, seconds, &meter).await;
    let database = fresh(engine).await;
    let meter = Meter::of(&database);
    let all = run(grouped::till(&database).await, callers, seconds, &meter).await;
    println!(
        "{engine:?} {callers:>4} callers | alone {:>6.0} pairs/s, p50 {:>7.2} ms | grouped {:>6.0} pairs/s, \
         p50 {:>6.2} ms, p99 {:>6.2} ms | x {:>5.1} | CPU a pair {:>4.0} us here, {:>4.0} us in the database",
        one.rate(),
        one.at(0.5),
        all.rate(),
        all.at(0.5),
        all.at(0.99),
        all.rate() / one.rate(),
        all.cpu[0],
        all.cpu[1],
    );
}

fn main() {
    let mut arguments = std::env::args();
    let seconds = arguments.find(|argument| argument == "--seconds").and_then(|_| arguments.next());
    let seconds = seconds.map_or(SECONDS, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for engine in [Engine::Postgres, Engine::Sqlite] {
        for callers in CALLERS {
            runtime.block_on(measure(engine, callers, seconds));
        }
    }
}
