//! Requests to models: a turn's own, which is streamed, and questions beside it.

use tokio::sync::mpsc;

use crate::ids::{SessionId, TurnId};
use crate::provider::ModelRequest;
use crate::session::event::{AsideId, Event};

use super::Hands;

impl Hands {
    pub(super) fn ask_model(&mut self, session: SessionId, turn: TurnId, request: ModelRequest) {
        let provider = match &self.provider {
            Ok(resolved) => resolved.provider.clone(),
            Err(error) => {
                let result = Box::new(Err(error.clone()));
                return self.work(turn.clone(), async move { Event::Answered { session, turn, result } });
            }
        };
        let inbox = self.inbox.clone();
        let of = turn.clone();
        self.work(of, async move {
            let (send, mut pieces) = mpsc::channel(64);
            let answer = provider.stream(request, send);
            let forward = async {
                while let Some(event) = pieces.recv().await {
                    inbox.tell(Event::Stream { session: session.clone(), turn: turn.clone(), event });
                }
            };
            // The provider drops its sender when it is done: then every piece has been forwarded.
            let (result, ()) = tokio::join!(answer, forward);
            Event::Answered { session, turn, result: Box::new(result) }
        });
    }

    pub(super) fn ask_aside(&mut self, aside: AsideId, request: ModelRequest) {
        let (provider, inbox) = (self.provider.clone(), self.inbox.clone());
        let work = tokio::spawn(async move {
            let result = match provider {
                Ok(resolved) => {
                    // Nobody listens to its pieces.
                    let (send, _) = mpsc::channel(1);
                    resolved.provider.stream(request, send).await
                }
                Err(error) => Err(error),
            };
            inbox.tell(Event::AsideAnswered { aside, result: Box::new(result) });
        });
        self.asides.retain(|_, work| !work.is_finished());
        self.asides.insert(aside, work.abort_handle());
    }

    pub(super) fn describe_model(&self, session: SessionId, model: String) {
        let Ok(resolved) = &self.provider else { return };
        let (inbox, facts) = (self.inbox.clone(), resolved.provider.describe(&model));
        tokio::spawn(async move {
            let facts = facts.await;
            inbox.tell(Event::ModelDescribed { session, model, facts });
        });
    }
}
