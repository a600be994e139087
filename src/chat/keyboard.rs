//! What a person types, or what a pipe delivers.

use std::sync::mpsc;
use std::thread;

use rustyline::DefaultEditor;
use tokio::sync::mpsc as lines;

/// What stands before what a person types.
const PROMPT: &str = "you> ";

/// Reads one line at a time, and only when it is asked to, so that a prompt never stands amid an answer.
pub(super) struct Keyboard {
    asks: mpsc::SyncSender<()>,
    lines: lines::Receiver<Option<String>>,
    is_reading: bool,
}

impl Keyboard {
    /// Reads from the standard input, on a thread of its own: nothing can interrupt such a read, and a thread, unlike a
    /// task, is not waited for when the program ends.
    pub(super) fn open() -> anyhow::Result<Self> {
        let mut editor = DefaultEditor::new()?;
        let (asks, asked) = mpsc::sync_channel(1);
        let (sender, lines) = lines::channel(1);
        thread::Builder::new().name("keyboard".to_owned()).spawn(move || {
            while asked.recv().is_ok() {
                let line = read(&mut editor);
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { asks, lines, is_reading: false })
    }

    /// The next line; nothing at the end of the input. Cancelled, it goes on with the same line at the next call.
    pub(super) async fn line(&mut self) -> Option<String> {
        if !self.is_reading {
            self.asks.try_send(()).ok()?;
            self.is_reading = true;
        }
        let line = self.lines.recv().await.flatten();
        self.is_reading = false;
        line
    }
}

fn read(editor: &mut DefaultEditor) -> Option<String> {
    match editor.readline(PROMPT) {
        Ok(line) => {
            // A line that cannot be called back is only a loss of comfort.
            let _ = editor.add_history_entry(line.as_str());
            Some(line)
        }
        // The end of the input, Ctrl-C, or a terminal that is gone.
        Err(_) => None,
    }
}
