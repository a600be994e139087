//! How much CPU a run takes, in this process and in the backends of its database on this machine.

use chassis::{Database, Engine};

/// Ticks a second, as Linux tells them to programs.
const TICKS: f64 = 100.0;

pub(super) struct Meter {
    database: Database,
}

impl Meter {
    pub(super) fn of(database: &Database) -> Self {
        Self { database: database.clone() }
    }

    /// Seconds so far: of this process, and of the database's.
    pub(super) async fn read(&self) -> [f64; 2] {
        [seconds("self"), self.backends().await]
    }

    async fn backends(&self) -> f64 {
        if self.database.engine == Engine::Sqlite {
            return 0.0;
        }
        let sql =
            "SELECT CAST(pid AS BIGINT) FROM pg_stat_activity WHERE datname = current_database()";
        let backends: Vec<(i64,)> =
            sqlx::query_as(sql).fetch_all(&self.database.pool).await.unwrap();
        backends.iter().map(|(pid,)| seconds(&pid.to_string())).sum()
    }
}

/// User and system time of a process; none where there is no such file.
fn seconds(process: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name of the program may hold anything but ends with the last bracket.
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}
