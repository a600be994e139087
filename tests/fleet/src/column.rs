//! One of each service, and how they find each other.

use std::net::SocketAddr;
use std::path::Path;

use crate::{Ports, Program};

/// The key of every caller.
pub const KEY: &str = "a-key-for-the-fleet";
/// What services show each other.
const TOKEN: &str = "a-token-for-the-fleet";

/// The program of a service, and the variable that tells others where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// The name of its program.
    pub name: &'static str,
    variable: &'static str,
}

const fn service(name: &'static str, variable: &'static str) -> Service {
    Service { name, variable }
}

/// All six, in the order in which a column lists them.
pub const SERVICES: [Service; 6] = [
    service("gateway", "GATEWAY_ADDR"),
    service("classifier", "CLASSIFIER_ADDR"),
    service("registry", "REGISTRY_ADDR"),
    service("budget", "BUDGET_ADDR"),
    service("router", "ROUTER_ADDR"),
    service("handoff", "HANDOFF_ADDR"),
];

/// Where one of each service listens.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Where customers reach its gateway.
    pub http: SocketAddr,
    /// Where the services reach each other, in the order of [`SERVICES`].
    pub grpc: [SocketAddr; 6],
}

impl Column {
    /// On ports of its own.
    pub fn draw(ports: &mut Ports) -> anyhow::Result<Self> {
        let http = ports.draw()?;
        let mut grpc = [http; 6];
        for address in &mut grpc {
            *address = ports.draw()?;
        }
        Ok(Self { http, grpc })
    }

    /// Where a service of this column listens.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<SocketAddr> {
        let at = SERVICES.iter().position(|service| service.name == name)?;
        self.grpc.get(at).copied()
    }

    /// The program of one of its services, with these settings beside those of the column.
    #[must_use]
    pub fn program(
        &self,
        service: Service,
        (programs, folder): (&Path, &Path),
        settings: &[(&str, String)],
    ) -> Program {
        let mut program = Program::new(programs.join(service.name), &[], folder);
        let listen = self.address(service.name).unwrap_or(self.http);
        let mut set = |name: &str, value: String| program.variables.push((name.to_owned(), value));
        set("PORT", self.http.port().to_string());
        set("GRPC_LISTEN", listen.to_string());
        set("INTERNAL_TOKEN", TOKEN.to_owned());
        for (service, address) in SERVICES.iter().zip(self.grpc) {
            set(service.variable, format!("http://{address}"));
        }
        for (name, value) in settings {
            set(name, value.clone());
        }
        program
    }
}

/// What every process of a mesh is told whose definitions lie in `agents` below the folder: all is on, and no limit is
/// reached.
pub fn common(folder: &Path) -> anyhow::Result<Vec<(&'static str, String)>> {
    let budgets = folder.join("budgets.yaml");
    let text = "budgets:\n  - {scope: \"org:mesh\", limit_usd: 100000, period: none}\n  \
                - {scope: \"user:*\", limit_usd: 1000, period: none}\n";
    std::fs::write(&budgets, text)?;
    Ok(vec![
        ("ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
        ("API_KEY", KEY.to_owned()),
        ("AGENT_REGISTRY_DIR", folder.join("agents").display().to_string()),
        ("AGENT_ENDPOINT_ALLOWLIST", "127.0.0.1".to_owned()),
        ("BUDGETS_FILE", budgets.display().to_string()),
        ("RATE_LIMIT_MAX_REQUESTS", "10000000".to_owned()),
        ("RATE_LIMIT_IP_MAX_REQUESTS", "10000000".to_owned()),
        ("LOG_LEVEL", "error".to_owned()),
    ])
}
