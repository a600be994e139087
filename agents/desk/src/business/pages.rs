//! What the shop tells its customers: Markdown pages, cut into sections at their headings.

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};

use super::fault::{Faults, line_of};

/// One heading with its text: one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// The title of the page.
    pub(crate) page: String,
    /// The heading; the title again for the text that stands before the first heading.
    pub(crate) heading: String,
    /// The text as the owner wrote it, without comments.
    pub(crate) body: String,
    /// Words that customers use, from comments such as `<!-- also: money back -->`.
    pub(crate) also: String,
}

/// Where a heading stands in the text of a page.
struct Mark {
    level: HeadingLevel,
    title: String,
    start: usize,
    end: usize,
}

/// The sections of one page.
pub(crate) fn sections(file: &str, text: &str, faults: &mut Faults) -> Vec<Section> {
    let marks = marks(text);
    let Some(first) = marks.first() else {
        faults.add(file, 1, "the page has no `# Title`");
        return Vec::new();
    };
    if first.level != HeadingLevel::H1 || !text[..first.start].trim().is_empty() {
        faults.add(file, 1, "the page must start with its `# Title`");
    }
    if let Some(second) = marks[1..].iter().find(|mark| mark.level == HeadingLevel::H1) {
        faults.add(file, line_of(text, second.start), "the page has a second `# Title`");
    }
    let mut sections = Vec::new();
    for (index, mark) in marks.iter().enumerate() {
        let end = marks.get(index + 1).map_or(text.len(), |next| next.start);
        let (body, also) = without_comments(&text[mark.end..end]);
        if !body.is_empty() {
            sections.push(Section {
                page: first.title.clone(),
                heading: mark.title.clone(),
                body,
                also,
            });
        } else if mark.level != HeadingLevel::H1 {
            faults.add(file, line_of(text, mark.start), format!("`{}` has no text", mark.title));
        }
    }
    sections
}

fn marks(text: &str) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut open: Option<Mark> = None;
    for (event, range) in Parser::new(text).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                open =
                    Some(Mark { level, title: String::new(), start: range.start, end: range.end });
            }
            Event::Text(part) | Event::Code(part) => {
                if let Some(mark) = &mut open {
                    mark.title.push_str(&part);
                }
            }
            Event::End(TagEnd::Heading(_)) => marks.extend(open.take()),
            _ => {}
        }
    }
    marks
}

fn without_comments(text: &str) -> (String, String) {
    let (mut body, mut also) = (String::new(), String::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!--") {
        let (comment, after) = after.split_once("-->").unwrap_or((after, ""));
        body.push_str(before);
        if let Some(words) = comment.trim().strip_prefix("also:") {
            also.push_str(words);
            also.push(' ');
        }
        rest = after;
    }
    body.push_str(rest);
    (unwrapped(body.trim()), also.trim().to_owned())
}

/// The text with the lines of a paragraph on one line, as a chat shows it; lists, tables and quotes keep theirs.
fn unwrapped(text: &str) -> String {
    let is_item = |line: &str| {
        let marked = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_numbered = marked.len() < line.len() && marked.starts_with(['.', ')']);
        is_numbered || line.starts_with(['-', '*', '+', '|', '>', '#']) && !line.starts_with("**")
    };
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        let goes_on = lines.last().is_some_and(|last| !last.is_empty() && !last.starts_with('|'));
        match lines.last_mut() {
            Some(last) if goes_on && !line.is_empty() && !is_item(line.trim_start()) => {
                last.push(' ');
                last.push_str(line.trim_start());
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Faults, sections};

    #[test]
    fn a_page_is_cut_at_its_headings() {
        let mut faults = Faults::default();
        let text = "# Returns\n\nIn short: yes.\n\n## When\n<!-- also: time limit, -->\nWithin **30 days**.\n\n- unused\n";
        let found = sections("r.md", text, &mut faults);
        assert_eq!(faults, Faults::default());
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].heading.as_str(), found[0].body.as_str()),
            ("Returns", "In short: yes.")
        );
        assert_eq!(found[1].body, "Within **30 days**.\n\n- unused");
        assert_eq!(found[1].also, "time limit,");
        assert_eq!(found[1].page, "Returns");
    }

    #[test]
    fn paragraphs_stand_on_one_line_and_lists_keep_theirs() {
        let cases = [
            ("one\ntwo\n\nthree", "one two\n\nthree"),
            ("first:\n- a\n  more\n- b", "first:\n- a more\n- b"),
            ("1. one\n2. two\n   more", "1. one\n2. two more"),
            ("takes\n**two** days", "takes **two** days"),
            ("| a |\n| b |", "| a |\n| b |"),
        ];
        for (text, expected) in cases {
            assert_eq!(super::unwrapped(text), expected);
        }
    }

    #[test]
    fn what_is_wrong_with_a_page_is_told_by_line() {
        let cases = [
            ("just text", "p.md:1: the page has no `# Title`"),
            ("text\n\n# Late", "p.md:1: the page must start with its `# Title`"),
            ("# A\n\n# B\n\ntext", "p.md:3: the page has a second `# Title`"),
            ("# A\n\n## Empty\n\n## Full\ntext", "p.md:3: `Empty` has no text"),
        ];
        for (text, expected) in cases {
            let mut faults = Faults::default();
            sections("p.md", text, &mut faults);
            assert!(faults.to_string().contains(expected), "{text}: {faults}");
        }
    }
}
