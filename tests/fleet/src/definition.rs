//! Agent definitions as files.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// What the registry is told of an agent.
#[derive(Clone, Copy, Debug)]
pub struct Definition<'a> {
    /// Its id.
    pub id: &'a str,
    /// What it does.
    pub description: &'a str,
    /// What customers say to it.
    pub examples: &'a [&'a str],
    /// Whether it answers when nobody else does.
    pub is_default: bool,
    /// Further lines of the file.
    pub extra: &'a str,
}

impl Definition<'_> {
    /// Writes the file of the agent that is at this URL.
    pub fn write(&self, folder: &Path, endpoint: &str) -> io::Result<()> {
        let Self { id, description, is_default, extra, .. } = self;
        let threshold = if *is_default { "0" } else { "0.1" };
        let mut text = format!(
            "agent_id: {id}\ndisplay_name: {id}\ndescription: \"{description}\"\ntype: mcp\n\
             endpoint: {endpoint}\nis_default: {is_default}\nconfidence_threshold: {threshold}\n\
             clarification_required: false\ncost: {{model: gpt-4o-mini, max_output_tokens: 64}}\n\
             {extra}examples:\n"
        );
        for example in self.examples {
            writeln!(text, "  - \"{example}\"").expect("a text can be written to");
        }
        std::fs::write(folder.join(format!("{id}.yaml")), text)
    }
}
