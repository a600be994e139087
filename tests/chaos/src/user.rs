//! Users who talk while the mesh is hurt, and who do not give up.

use std::time::Duration;

use anyhow::Context as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::client::{Answer, Client, Message};

/// How long a user waits before saying the same again.
const AGAIN_MS: std::ops::Range<u64> = 50..250;
/// How long a user thinks before saying something new.
const THINKS_MS: std::ops::Range<u64> = 0..200;
const WORDS: [&str; 5] = [
    "I need help with my order",
    "How much is the blue bicycle",
    "Where is my parcel",
    "Hello",
    "let me speak to a manager about my order",
];

/// What became of a message.
#[derive(Clone, Debug)]
pub struct Story {
    /// The message.
    pub message: Message,
    /// The answer that ended it.
    pub ending: Answer,
    /// How often it was said until then.
    pub tries: u32,
    /// How often there was no answer at all.
    pub losses: u32,
    /// The codes that asked for another try.
    pub setbacks: Vec<String>,
    /// What no caller may ever see.
    pub oddities: Vec<String>,
}

/// All users.
pub(crate) struct Crowd {
    users: JoinSet<Vec<Story>>,
}

impl Crowd {
    /// Lets so many users talk until it is to be quiet.
    pub(crate) fn gather(
        seed: u64,
        count: u16,
        client: &Client,
        quiet: &CancellationToken,
    ) -> Self {
        let mut users = JoinSet::new();
        for number in 0..count {
            let user = User {
                name: format!("user-{number}"),
                random: StdRng::seed_from_u64(seed ^ (u64::from(number) + 1).rotate_left(32)),
                client: client.clone(),
                said: 0,
            };
            users.spawn(user.talk(quiet.clone()));
        }
        Self { users }
    }

    /// What all of them went through, once every message has its answer.
    pub(crate) async fn finish(mut self, limit: Duration) -> anyhow::Result<Vec<Story>> {
        let told = async {
            let mut stories = Vec::new();
            while let Some(user) = self.users.join_next().await {
                stories.append(&mut user.context("a user panicked")?);
            }
            Ok(stories)
        };
        tokio::time::timeout(limit, told).await.context("some messages are never answered")?
    }
}

struct User {
    name: String,
    random: StdRng,
    client: Client,
    said: u32,
}

impl User {
    async fn talk(mut self, quiet: CancellationToken) -> Vec<Story> {
        let mut stories = Vec::new();
        while !quiet.is_cancelled() {
            let message = self.think();
            let gateway = self.random.random_range(0..2);
            match self.random.random_range(0..10) {
                // Two messages at once: they are answered one after the other.
                0 | 1 => {
                    let second = self.think();
                    let (first, second) = tokio::join!(
                        deliver(&self.client, &message, gateway),
                        deliver(&self.client, &second, gateway + 1)
                    );
                    stories.extend([first, second]);
                }
                // One message twice at once: both hear the same.
                2 => {
                    let (mut story, again) = tokio::join!(
                        deliver(&self.client, &message, gateway),
                        deliver(&self.client, &message, gateway + 1)
                    );
                    if story.ending.text != again.ending.text {
                        let (one, other) = (&story.ending.text, &again.ending.text);
                        story.oddities.push(format!("said twice, answered {one} and {other}"));
                    }
                    story.oddities.extend(again.oddities);
                    story.setbacks.extend(again.setbacks);
                    story.tries += again.tries;
                    story.losses += again.losses;
                    stories.push(story);
                }
                _ => stories.push(deliver(&self.client, &message, gateway).await),
            }
            let pause = Duration::from_millis(self.random.random_range(THINKS_MS));
            quiet.run_until_cancelled(tokio::time::sleep(pause)).await;
        }
        stories
    }

    fn think(&mut self) -> Message {
        self.said += 1;
        let words = WORDS[self.random.random_range(0..WORDS.len())];
        let thread = match self.random.random_range(0..10) {
            0..7 => None,
            7 | 8 => Some("home"),
            _ => Some("work"),
        };
        Message {
            user: self.name.clone(),
            input: format!("{words} ({} {})", self.name, self.said),
            request_id: uuid::Builder::from_random_bytes(self.random.random())
                .into_uuid()
                .to_string(),
            thread,
        }
    }
}

/// Says a message until it has an answer that stands. Who does not wait for ever bounds the whole.
pub async fn deliver(client: &Client, message: &Message, gateway: usize) -> Story {
    let (mut tries, mut losses) = (0, 0);
    let (mut setbacks, mut oddities) = (Vec::new(), Vec::new());
    loop {
        let heard = client.say(gateway + usize::try_from(tries).unwrap_or_default(), message).await;
        tries += 1;
        match heard {
            None => losses += 1,
            Some(ending) => {
                let meaning = ending.meaning();
                if ending.status != 200
                    && (meaning.is_none() || ending.text_at("code") == "internal")
                {
                    oddities.push(format!("{}: {}", ending.status, ending.text));
                }
                if !meaning.is_some_and(|meaning| meaning.is_retryable) {
                    let message = message.clone();
                    return Story { message, ending, tries, losses, setbacks, oddities };
                }
                setbacks.push(ending.text_at("code").to_owned());
            }
        }
        let pause = rand::rng().random_range(AGAIN_MS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}
