//! OpenAI's Chat Completions API, which many services speak: one streamed POST per answer. `presets` is the table of
//! services, this file is the order of events.

pub mod presets;

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

pub use self::presets::{PRESETS, Preset, preset};

use super::http::{Http, Limits};
use super::{Answer, ModelRequest, Provider, ProviderError, StreamEvent};
use crate::config::ApiKey;

/// The model's name that asks the server which one it has: the first that is loaded, else the first of its list.
pub const ANY_MODEL: &str = "default";

/// A provider of the table.
pub struct OpenAi {
    service: Arc<Service>,
}

/// Where and as whom to ask.
#[allow(dead_code)]
struct Service {
    preset: &'static Preset,
    key: Option<ApiKey>,
    /// With `/v1`, without a slash at the end.
    base_url: String,
    /// Where the address was set, for messages.
    base_url_source: String,
    http: Http,
}

impl OpenAi {
    /// `base_url` is with `/v1`; `base_url_source` says where it was set, for messages.
    pub fn new(preset: &'static Preset, base_url: &str, base_url_source: &str, key: Option<ApiKey>) -> Self {
        let base_url = base_url.trim_end_matches('/').to_owned();
        let http = Http::new(&base_url, Limits::default());
        let base_url_source = base_url_source.to_owned();
        Self { service: Arc::new(Service { preset, key, base_url, base_url_source, http }) }
    }
}

impl Provider for OpenAi {
    fn name(&self) -> &'static str {
        self.service.preset.word
    }

    fn default_model(&self) -> String {
        self.service.preset.default_model.unwrap_or(ANY_MODEL).to_owned()
    }

    fn context_window(&self, _model: &str) -> Option<u64> {
        None
    }

    fn stream(
        &self,
        _request: ModelRequest,
        _events: mpsc::Sender<StreamEvent>,
    ) -> BoxFuture<'static, Result<Answer, ProviderError>> {
        async { Err(ProviderError::NotConfigured("the request cannot be sent yet".into())) }.boxed()
    }
}
