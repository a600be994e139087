//! `mesh chat`: a conversation in the terminal, over the WebSocket interface.

mod keyboard;
mod place;
mod screen;
mod wire;

use std::collections::VecDeque;
use std::io::{IsTerminal as _, Write};
use std::process::ExitCode;
use std::time::Duration;

use chassis::config::Environment;
use tokio::signal;
use url::Url;
use uuid::Uuid;

use self::keyboard::Keyboard;
use self::place::Place;
use self::screen::{Screen, Turn};
use self::wire::{Frame, News, Wire};

/// What a turn may take; the mesh itself ends one much earlier.
const TURN_LIMIT: Duration = Duration::from_secs(600);
/// Frames of other windows that are kept while a person types.
const KEPT_MAX: usize = 256;
/// The exit code of a program that was interrupted.
const INTERRUPTED: u8 = 130;

const EXAMPLE: &str = "\
Ctrl-C cancels the answer that is under way; at the prompt it ends the conversation, as Ctrl-D does. Reads lines from a
pipe too; then the exit code is 1 when one of them was not answered.

Examples:
  mesh chat
  echo \"where is my parcel?\" | mesh chat --url https://mesh.example.com --key \"$KEY\" --user ada --quiet";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// Where the mesh is.
    #[arg(long, default_value = "ws://127.0.0.1:3000/ws", value_parser = place::address)]
    url: Url,
    /// The key to come in with [default: API_KEY, else dev-key]
    #[arg(long)]
    key: Option<String>,
    /// Who talks.
    #[arg(long, default_value = "user-1")]
    user: String,
    /// Go on with this session, by its id or any name.
    #[arg(long)]
    session: Option<String>,
    /// Show only what is said, not how it came about.
    #[arg(long)]
    quiet: bool,
}

/// How a wait ended.
enum Step<T> {
    Done(T),
    Interrupted,
}

/// A person, or a pipe, and the mesh.
struct Conversation<W> {
    wire: Wire,
    keyboard: Keyboard,
    screen: Screen<W>,
    /// What other windows of the same session have heard while a person was typing.
    kept: VecDeque<Frame>,
    /// The latest turn of this one; its answer may come twice after a loss.
    latest: String,
}

/// Talks until the input ends.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut env = Environment::of_process();
    let key = arguments.key.or_else(|| env.text("API_KEY")).unwrap_or_else(|| "dev-key".to_owned());
    env.finish()?;
    chassis::telemetry::choose_tls();
    let place = Place::new(arguments.url, key.trim(), arguments.user)?;
    let mut conversation = Conversation {
        wire: Wire::open(place, arguments.session).await?,
        keyboard: Keyboard::open()?,
        screen: Screen::new(anstream::stdout(), arguments.quiet),
        kept: VecDeque::new(),
        latest: String::new(),
    };
    conversation.talk().await
}

impl<W: Write> Conversation<W> {
    async fn talk(&mut self) -> anyhow::Result<ExitCode> {
        let is_person = std::io::stdin().is_terminal();
        let mut has_failed = false;
        while let Some(input) = self.input().await? {
            self.show_kept()?;
            if input.trim().is_empty() {
                continue;
            }
            let request_id = Uuid::new_v4().to_string();
            match self.turn(&request_id, &input).await? {
                Step::Done(turn) => has_failed |= turn == Turn::Failed,
                Step::Interrupted => return Ok(ExitCode::from(INTERRUPTED)),
            }
            self.latest = request_id;
        }
        Ok(if has_failed && !is_person { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    /// The next line; nothing when the person wants to end.
    async fn input(&mut self) -> anyhow::Result<Option<String>> {
        loop {
            tokio::select! {
                line = self.keyboard.line() => return Ok(line),
                interrupted = signal::ctrl_c() => {
                    interrupted?;
                    return Ok(None);
                }
                news = self.wire.next() => if let News::Frame(frame) = news? {
                    self.keep(frame);
                },
            }
        }
    }

    fn keep(&mut self, frame: Frame) {
        if frame.request_id.as_ref() == Some(&self.latest) {
            return;
        }
        if self.kept.len() == KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(frame);
    }

    fn show_kept(&mut self) -> anyhow::Result<()> {
        for frame in std::mem::take(&mut self.kept) {
            if self.screen.show(&frame)? != Turn::Running {
                self.screen.begin();
            }
        }
        Ok(())
    }

    /// Says something and shows what comes of it.
    async fn turn(&mut self, request_id: &str, input: &str) -> anyhow::Result<Step<Turn>> {
        self.screen.begin();
        self.wire.say(request_id, input).await;
        tokio::time::timeout(TURN_LIMIT, self.answer(request_id)).await?
    }

    async fn answer(&mut self, request_id: &str) -> anyhow::Result<Step<Turn>> {
        let mut is_cancelled = false;
        let mut next_seq = 0;
        loop {
            let news = tokio::select! {
                news = self.wire.next() => news?,
                interrupted = signal::ctrl_c() => {
                    interrupted?;
                    if is_cancelled {
                        return Ok(Step::Interrupted);
                    }
                    is_cancelled = true;
                    self.wire.cancel(request_id).await;
                    continue;
                }
            };
            match news {
                News::Lost => self.screen.note("the connection is lost")?,
                News::Back => self.screen.note("connected again")?,
                News::Frame(frame) if frame.request_id.as_deref() == Some(request_id) => {
                    // What was sent before a loss may come again after it.
                    let is_end = frame.r#type == "result" || frame.r#type == "error";
                    if !is_end && frame.seq.is_some_and(|seq| seq < next_seq) {
                        continue;
                    }
                    next_seq = frame.seq.map_or(next_seq, |seq| seq + 1);
                    match self.screen.show(&frame)? {
                        Turn::Running => {}
                        ended => return Ok(Step::Done(ended)),
                    }
                }
                News::Frame(frame) => self.keep(frame),
            }
        }
    }
}
