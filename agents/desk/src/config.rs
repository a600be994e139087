//! Settings of the shipped agents.

use std::net::SocketAddr;
use std::path::PathBuf;

use chassis::config::Environment;

/// Where the desks listen, what they know, and where they write.
#[derive(Clone, Debug)]
pub struct Config {
    /// DESK_LISTEN.
    pub listen: SocketAddr,
    /// DESK_BUSINESS_DIR: the owner's files.
    pub business_dir: PathBuf,
    /// DESK_DATA_PATH: the database of bookings.
    pub data_path: PathBuf,
}

impl Config {
    /// Reads the settings.
    pub fn read(env: &mut Environment) -> Self {
        Self {
            listen: env.address("DESK_LISTEN", "127.0.0.1:4100"),
            business_dir: env.path("DESK_BUSINESS_DIR", "./agents/business"),
            data_path: env.path("DESK_DATA_PATH", "./desk.db"),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::read(&mut Environment::default())
    }
}
