use super::{Mesh, Message, World};

/// So that a dead router is noticed soon.
pub const SHORT_LEASE: (&str, &str) = ("TURN_LEASE_MS", "1000");

/// A router in a runtime of its own, so that it can die at once as a process does.
pub struct Doomed {
    runtime: tokio::runtime::Runtime,
}

impl Doomed {
    pub fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Self { runtime: builder.worker_threads(1).enable_all().build().unwrap() }
    }

    /// Begins a message that this router will not live to answer.
    pub fn begin(&self, database: chassis::Database, world: &World, message: &Message) {
        let (world, message) = (world.clone(), message.clone());
        self.runtime.spawn(async move {
            let mesh = Mesh::on(database, &world, &[SHORT_LEASE]).await;
            mesh.say(&message).await;
        });
    }

    /// Begins two messages, one after the other.
    pub fn begin_both(&self, database: chassis::Database, world: &World, messages: [&Message; 2]) {
        let (world, messages) = (world.clone(), messages.map(Message::clone));
        self.runtime.spawn(async move {
            let mesh = Mesh::on(database, &world, &[SHORT_LEASE]).await;
            let [first, second] = messages;
            mesh.say_and_leave(&first).await;
            mesh.say_and_leave(&second).await;
            std::future::pending::<()>().await;
        });
    }

    pub fn die(self) {
        self.runtime.shutdown_background();
    }
}
