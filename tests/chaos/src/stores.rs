//! A Postgres and a Redis of our own, or those that tests use.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use chassis::config::Environment;
use fleet::{Ports, Program, Signal};

/// Who runs Postgres where we are root, in the order of preference; it refuses root.
const USERS: [&str; 3] = ["mesh-tests", "postgres", "nobody"];
/// Where distributions put the programs of Postgres.
const POSTGRES: &str = "/usr/lib/postgresql";
/// How long the files of a new database may take.
const INITDB_LIMIT: Duration = Duration::from_secs(60);

/// Where the stores are, and what runs them.
pub(crate) struct Stores {
    /// A URL of Postgres.
    pub(crate) database: String,
    /// A URL of Redis.
    pub(crate) redis: String,
    /// Those of our own, with the signal at which each ends.
    pub(crate) programs: Vec<(Program, Signal)>,
}

impl Stores {
    /// Makes ready what there is.
    pub(crate) async fn prepare(folder: &Path, ports: &mut Ports) -> anyhow::Result<Self> {
        let mut env = Environment::of_process();
        let path = env.text_or("PATH", "/usr/local/bin:/usr/bin:/bin");
        let paths: Vec<PathBuf> = std::env::split_paths(&path).collect();
        if let (Some(postgres), Some(redis)) = (postgres(&paths), find(&paths, "redis-server")) {
            return Self::own(folder, (&postgres, &redis), ports).await;
        }
        let given = (env.text("TEST_DATABASE_URL"), env.text("TEST_REDIS_URL"));
        let (Some(database), Some(redis)) = given else {
            anyhow::bail!(
                "there is neither initdb and redis-server, nor TEST_DATABASE_URL and TEST_REDIS_URL"
            );
        };
        crate::say("the stores are not ours: only services are hurt");
        Ok(Self { database, redis, programs: Vec::new() })
    }

    async fn own(
        folder: &Path,
        (postgres, redis): (&Path, &Path),
        ports: &mut Ports,
    ) -> anyhow::Result<Self> {
        let data = folder.join("postgres");
        std::fs::create_dir(&data)?;
        // The server may not be us, and has to reach its own folder.
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
        let user = server_user(folder)?;
        if let Some((user, group)) = user {
            chown(&data, Some(user), Some(group))?;
        }
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700))?;
        let place = data.display().to_string();
        let new = ["-D", &place, "-U", "postgres", "--auth=trust", "--locale=C", "--encoding=UTF8"];
        let program = |name: &str, arguments: &[&str]| Program {
            user,
            logs: Some(folder.join("logs")),
            ..Program::new(postgres.join(name), arguments, &data)
        };
        let mut initdb = program("initdb", &new).start()?;
        let made = tokio::time::timeout(INITDB_LIMIT, initdb.ended()).await.context("initdb")??;
        anyhow::ensure!(made.success(), "initdb failed: {made}");
        let (sql, cache) = (ports.draw()?, ports.draw()?);
        let port = sql.port().to_string();
        let serve = ["-D", &place, "-p", &port, "-c", "listen_addresses=127.0.0.1"];
        // Processes die here, the machine does not: what was written is not lost, and recovery is short.
        let bounds =
            ["-c", "unix_socket_directories=", "-c", "max_connections=200", "-c", "fsync=off"];
        let server = program("postgres", &[&serve[..], &bounds[..]].concat());
        let port = cache.port().to_string();
        let serve = ["--port", &port, "--bind", "127.0.0.1", "--save", ""];
        let mut cache_server = Program::new(redis.to_owned(), &serve, folder);
        cache_server.name = "redis".to_owned();
        cache_server.logs = Some(folder.join("logs"));
        Ok(Self {
            database: format!("postgres://postgres@{sql}/postgres"),
            redis: format!("redis://{cache}"),
            programs: vec![(server, Signal::INT), (cache_server, Signal::TERM)],
        })
    }
}

fn find(paths: &[PathBuf], name: &str) -> Option<PathBuf> {
    paths.iter().map(|path| path.join(name)).find(|path| path.is_file())
}

/// The folder with both programs that we need.
fn postgres(paths: &[PathBuf]) -> Option<PathBuf> {
    let installed = std::fs::read_dir(POSTGRES).into_iter().flatten().flatten();
    let installed = installed.map(|version| version.path().join("bin"));
    let linked = find(paths, "initdb").and_then(|path| path.canonicalize().ok());
    let linked = linked.and_then(|path| Some(path.parent()?.to_owned()));
    let has_both =
        |bin: &PathBuf| ["initdb", "postgres"].iter().all(|name| bin.join(name).is_file());
    linked.into_iter().chain(installed).find(has_both)
}

/// The user and group of somebody without rights, where we are root.
fn server_user(folder: &Path) -> anyhow::Result<Option<(u32, u32)>> {
    if std::fs::metadata(folder)?.uid() != 0 {
        return Ok(None);
    }
    let known = std::fs::read_to_string("/etc/passwd")?;
    let ids = |name: &str| {
        let mut fields = known
            .lines()
            .map(|line| line.split(':'))
            .find_map(|mut fields| (fields.next() == Some(name)).then_some(fields))?;
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let found = USERS.into_iter().find_map(ids);
    found.map(Some).context("there is no user without rights who could run Postgres")
}
