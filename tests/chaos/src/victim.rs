//! A process that is hurt, and started again as an orchestrator would.

use std::time::Duration;

use fleet::{Process, Program, Signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::plan::{Blow, Harm};

/// How many blows may wait for a process.
const BLOWS_MAX: usize = 64;
/// How long a process that was asked to end may take.
const END_LIMIT: Duration = Duration::from_secs(10);
/// How long after a process that ended by itself the next one is started.
const RESTART_WAIT: Duration = Duration::from_millis(100);

/// A process that is kept running, whatever is done to it.
pub(crate) struct Victim {
    /// What it is called.
    pub(crate) name: String,
    blows: mpsc::Sender<Blow>,
    keeper: JoinHandle<()>,
}

struct Keeper {
    program: Program,
    goodbye: Signal,
    blows: mpsc::Receiver<Blow>,
    stop: CancellationToken,
}

impl Victim {
    /// Starts a program that ends in good order at this signal.
    pub(crate) fn start(program: Program, goodbye: Signal, stop: &CancellationToken) -> Self {
        let (sender, blows) = mpsc::channel(BLOWS_MAX);
        let name = program.name.clone();
        let keeper = Keeper { program, goodbye, blows, stop: stop.clone() };
        Self { name, blows: sender, keeper: tokio::spawn(keeper.run()) }
    }

    /// Hurts it as soon as it has got over what came before.
    pub(crate) fn hurt(&self, blow: Blow) {
        // One that has more to get over than it can take is hurt enough.
        let _ = self.blows.try_send(blow);
    }

    /// Resolves when it has ended for good.
    pub(crate) async fn ended(self) {
        // A keeper that panicked has dropped its process, which ends it.
        let _ = self.keeper.await;
    }
}

impl Keeper {
    async fn run(mut self) {
        while !self.stop.is_cancelled() {
            let away = match self.program.start() {
                Ok(mut process) => self.live(&mut process).await,
                Err(error) => {
                    crate::say(&format!("{}: {error:#}", self.program.name));
                    RESTART_WAIT
                }
            };
            self.stop.run_until_cancelled(tokio::time::sleep(away)).await;
        }
    }

    /// Watches over one life of the process; gives how long it stays away.
    async fn live(&mut self, process: &mut Process) -> Duration {
        loop {
            let blow = tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    self.part_with(process).await;
                    return Duration::ZERO;
                }
                _ = process.ended() => return RESTART_WAIT,
                blow = self.blows.recv() => blow,
            };
            let Some(blow) = blow else { return RESTART_WAIT };
            match blow.harm {
                Harm::Kill => {
                    send(process, Signal::KILL);
                    let _ = process.ended().await;
                    return blow.lasts;
                }
                Harm::Restart => {
                    self.part_with(process).await;
                    return blow.lasts;
                }
                Harm::Pause => {
                    send(process, Signal::STOP);
                    self.stop.run_until_cancelled(tokio::time::sleep(blow.lasts)).await;
                    send(process, Signal::CONT);
                }
            }
        }
    }

    async fn part_with(&self, process: &mut Process) {
        // Only the first of a family is asked: it ends the others.
        let _ = process.signal(self.goodbye);
        if tokio::time::timeout(END_LIMIT, process.ended()).await.is_err() {
            send(process, Signal::KILL);
            let _ = process.ended().await;
        }
    }
}

fn send(process: &Process, signal: Signal) {
    if let Err(error) = process.signal_all(signal) {
        crate::say(&format!("a signal was not sent: {error}"));
    }
}
