//! Compiles `mesh/v1/*.proto` with protox, so that building needs cargo alone.

use std::path::PathBuf;

use prost::Message as _;

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script by variables")]
fn main() -> anyhow::Result<()> {
    let files = ["budget", "classifier", "common", "gateway", "handoff", "registry", "router"]
        .map(|name| format!("mesh/v1/{name}.proto"));
    for file in &files {
        println!("cargo::rerun-if-changed={file}");
    }
    let descriptors = protox::compile(&files, ["."])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("mesh.v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().build_transport(false).compile_fds(descriptors)?;
    Ok(())
}
