//! The desks over real sockets, as the mesh and any other MCP client speak to them.

mod files;
mod house;
mod mcp;
mod plain;
