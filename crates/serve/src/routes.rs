//! What is answered: the page, the report, and the stream of messages.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{Stream, stream};
use stetho_core::Document;
use stetho_report::LivePage;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::guard::Guard;
use crate::store::Store;

/// Time between two messages, at least.
const BETWEEN: Duration = Duration::from_secs(1);
const JSON: &str = "application/json";

/// What all requests share.
pub(crate) struct App {
    guard: Guard,
    page: LivePage,
    store: RwLock<Store>,
    /// The version that is there; empty while nothing is.
    version: watch::Sender<String>,
}

impl App {
    pub(crate) fn new(title: &str, guard: Guard) -> Self {
        let boot = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64);
        let store = RwLock::new(Store::new(boot));
        Self { guard, page: LivePage::new(title), store, version: watch::Sender::new(String::new()) }
    }

    /// Takes a new report, and tells everybody.
    pub(crate) fn put(&self, document: Document) {
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        store.put(document);
        self.version.send_replace(store.version());
    }

    fn read<T>(&self, of: impl FnOnce(&Store) -> Option<T>) -> Result<T, (StatusCode, &'static str)> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        of(&store).ok_or((StatusCode::SERVICE_UNAVAILABLE, "nothing has been read yet"))
    }
}

/// Every address that is answered.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/api/page", get(update))
        .route("/api/document", get(document))
        .route("/api/events", get(events))
        .fallback(|| async { (StatusCode::NOT_FOUND, "there is nothing here") })
        .layer(from_fn_with_state(Arc::clone(&app), guarded))
        .with_state(app)
}

/// Turns away who may not ask, and tells browsers to keep the answer to themselves.
async fn guarded(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = match app.guard.admit(request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    let mut say = |name: &'static str, value: &'static str| {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    };
    say("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
    say("x-content-type-options", "nosniff");
    say("x-frame-options", "DENY");
    say("referrer-policy", "no-referrer");
    say("cross-origin-resource-policy", "same-origin");
    say("cache-control", "no-store");
    response
}

async fn page(State(app): State<Arc<App>>) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::from_str(&format!("{}; frame-ancestors 'none'", app.page.policy)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    (headers, app.page.html.clone()).into_response()
}

/// What changed; no content while there is nothing, which is no error for a page that waits.
async fn update(State(app): State<Arc<App>>, uri: Uri) -> Response {
    let since = uri.query().and_then(|q| q.split('&').find_map(|pair| pair.strip_prefix("since=")));
    match app.read(|store| store.page(since)) {
        Ok(json) => ([(header::CONTENT_TYPE, JSON)], json).into_response(),
        Err(_) => StatusCode::NO_CONTENT.into_response(),
    }
}

async fn document(State(app): State<Arc<App>>) -> Response {
    let read = app.read(Store::document);
    match read.map(|document| stetho_report::json(&document)) {
        Ok(Ok(json)) => ([(header::CONTENT_TYPE, JSON)], json).into_response(),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn events(State(app): State<Arc<App>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut versions = app.version.subscribe();
    if !versions.borrow().is_empty() {
        versions.mark_changed();
    }
    let messages = stream::unfold((versions, Instant::now()), |(mut versions, not_before)| async move {
        sleep_until(not_before).await;
        versions.changed().await.ok()?;
        let version = versions.borrow_and_update().clone();
        Some((Ok(Event::default().data(version)), (versions, Instant::now() + BETWEEN)))
    });
    Sse::new(messages).keep_alive(KeepAlive::default())
}
