//! What comes to the owner from outside, and the way back to it for those who work for it. Knows nothing of either.

use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot};

use crate::config::Config;

use super::effect::{Refusal, Reply};
use super::event::{Event, ReplyId, Request};

/// What a request came to.
pub type Answered = Result<Reply, Refusal>;

/// What comes to the owner from outside.
#[derive(Debug)]
pub(super) enum Input {
    Event(Event),
    Ask(Request, oneshot::Sender<Answered>),
    /// The same request goes on after the disk has answered.
    Again(ReplyId, Request),
    Answer(ReplyId, Answered),
    Config(Box<Config>),
    Secret(Secret, oneshot::Sender<Answered>),
    /// Answers when everything that was queued for the store before is written.
    Flush(oneshot::Sender<()>),
}

/// A provider's key, as a client sets it or (`None`) takes it back. It never becomes part of the state.
#[derive(Debug)]
pub struct Secret {
    /// The provider's word.
    pub provider: String,
    pub secret: Option<SecretString>,
    /// It is stored, or taken out of the store. Else it is held in memory alone.
    pub persist: bool,
}

/// The way back to the owner, for those who work for it. It does not keep the owner alive.
#[derive(Clone, Debug)]
pub(super) struct Inbox(mpsc::WeakUnboundedSender<Input>);

impl Inbox {
    /// Of the queue with this sender.
    pub(super) fn of(inputs: &mpsc::UnboundedSender<Input>) -> Self {
        Self(inputs.downgrade())
    }

    /// False when the owner is gone: nobody wants to hear it any more.
    pub(super) fn send(&self, input: Input) -> bool {
        self.0.upgrade().is_some_and(|inputs| inputs.send(input).is_ok())
    }

    /// The same for something that happened.
    pub(super) fn tell(&self, event: Event) -> bool {
        self.send(Input::Event(event))
    }

    /// Whether the owner is still there.
    pub(super) fn is_read(&self) -> bool {
        self.0.strong_count() > 0
    }
}
