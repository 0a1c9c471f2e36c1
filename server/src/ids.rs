//! Identifiers: opaque words that name a session, a turn, a task and so on. They carry no meaning beyond equality,
//! and nothing may parse them.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The id as it is written on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

id!(
    /// A conversation with the agent.
    SessionId
);
id!(
    /// One answer to a prompt (or to a completion that woke the session): requests and tool calls up to the end.
    TurnId
);
id!(
    /// One message that the person sent.
    PromptId
);
id!(
    /// One message of the conversation as it streams to the client.
    MessageId
);
id!(
    /// A tool call, as the model named it.
    ToolCallId
);
id!(
    /// A question that waits for a person.
    QuestionId
);
id!(
    /// A background task, for instance `t1k9`. Unique within a workspace's state.
    TaskId
);

/// Makes new ids. The state machines take one, so that tests get the same ids every time.
#[derive(Debug)]
pub enum IdSource {
    /// Ids that no other process makes: for real runs.
    Random,
    /// `s1`, `turn2`, `t3`, …: for tests.
    Sequential(u64),
}

impl IdSource {
    fn next(&mut self, prefix: &str, random: impl FnOnce(uuid::Uuid) -> String) -> String {
        match self {
            Self::Random => format!("{prefix}{}", random(uuid::Uuid::now_v7())),
            Self::Sequential(n) => {
                *n += 1;
                format!("{prefix}{n}")
            }
        }
    }

    fn long(&mut self, prefix: &str) -> String {
        self.next(prefix, |uuid| uuid.simple().to_string())
    }

    /// A new session id.
    pub fn session(&mut self) -> SessionId {
        SessionId(self.long("s"))
    }

    /// A new turn id.
    pub fn turn(&mut self) -> TurnId {
        TurnId(self.long("turn"))
    }

    /// A new prompt id.
    pub fn prompt(&mut self) -> PromptId {
        PromptId(self.long("p"))
    }

    /// A new message id.
    pub fn message(&mut self) -> MessageId {
        MessageId(self.long("m"))
    }

    /// Passes a number over, for a name that is derived from others: what tests count on stays what it is.
    pub fn pass_over(&mut self) {
        if let Self::Sequential(n) = self {
            *n += 1;
        }
    }

    /// A new question id.
    pub fn question(&mut self) -> QuestionId {
        QuestionId(self.long("q"))
    }

    /// A new task id: short, because people and models type it. 36^6 values; the caller retries on a collision.
    pub fn task(&mut self) -> TaskId {
        TaskId(self.next("t", |uuid| {
            const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
            let mut rest = uuid.as_u128() as u64;
            (0..6)
                .map(|_| {
                    let digit = DIGITS[(rest % 36) as usize];
                    rest /= 36;
                    digit as char
                })
                .collect()
        }))
    }
}
