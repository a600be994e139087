//! What is wrong in the owner's files, told by file and line.

use std::fmt;

/// One mistake in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The file, as seen from the business folder.
    pub(crate) file: String,
    /// The line, counted from 1; 0 when it concerns the whole file.
    pub(crate) line: u64,
    /// What is wrong and what is expected.
    pub(crate) message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}: {}", self.file, self.message),
        }
    }
}

/// Every mistake that was found, one a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults(pub Vec<Fault>);

impl Faults {
    /// Notes a mistake.
    pub(crate) fn add(&mut self, file: &str, line: u64, message: impl Into<String>) {
        self.0.push(Fault { file: file.to_owned(), line, message: message.into() });
    }

    /// The value if nothing was wrong.
    pub(crate) fn or<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self),
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the business files have {} mistakes:", self.0.len())?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for Faults {}

/// The line of a byte offset in a text, counted from 1.
#[must_use]
pub(crate) fn line_of(text: &str, offset: usize) -> u64 {
    let end = offset.min(text.len());
    1 + text.as_bytes()[..end].iter().filter(|&&byte| byte == b'\n').count() as u64
}
