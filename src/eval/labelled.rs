//! A file of labelled texts.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use classifier::eval::{Line, OUTSIDE};

/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Faults that are listed; a file with more of them is another kind of file.
const FAULTS_MAX: usize = 20;

/// Reads a file of lines `{"text", "label"}`. Every label must be one of the agents or `oos`; empty lines are passed over.
pub(super) async fn read(path: &Path, agents: &BTreeSet<&str>) -> anyhow::Result<Vec<Line>> {
    let shown = path.display();
    let bytes =
        tokio::fs::metadata(path).await.with_context(|| format!("cannot read {shown}"))?.len();
    ensure!(
        bytes <= FILE_BYTES_MAX,
        "{shown} has {bytes} bytes; at most {FILE_BYTES_MAX} are read"
    );
    let text =
        tokio::fs::read_to_string(path).await.with_context(|| format!("cannot read {shown}"))?;
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        match parse(line, agents) {
            Ok(line) => lines.push(line),
            Err(fault) => faults.push(format!("{shown}:{number}: {fault}")),
        }
        if faults.len() == FAULTS_MAX {
            faults.push("and perhaps more".to_owned());
            break;
        }
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    ensure!(!lines.is_empty(), "{shown} has no lines");
    Ok(lines)
}

fn parse(text: &str, agents: &BTreeSet<&str>) -> Result<Line, String> {
    let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if line.label != OUTSIDE && !agents.contains(line.label.as_str()) {
        let known: Vec<&str> = agents.iter().copied().collect();
        return Err(format!("label '{}' is none of {}, {OUTSIDE}", line.label, known.join(", ")));
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_an_agent_or_nobody() {
        let agents = BTreeSet::from(["booking", "sales"]);
        let line = |text| parse(text, &agents);
        assert_eq!(line(r#"{"text":"Hi","label":"sales"}"#).unwrap().label, "sales");
        assert_eq!(line(r#"{"text":"Hi","label":"oos"}"#).unwrap().text, "Hi");
        let odd = line(r#"{"text":"Hi","label":"sails"}"#).unwrap_err();
        assert_eq!(odd, "label 'sails' is none of booking, sales, oos");
        assert!(line(r#"{"text":"Hi"}"#).unwrap_err().contains("label"));
        assert!(line("Hi").is_err());
    }
}
