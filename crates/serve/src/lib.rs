//! Serves the page of a report over HTTP, live while the report changes.
//!
//! A [`Source`] is asked for the report again and again in a thread of its own. Browsers are told when there is a new one,
//! at most once a second, and fetch what changed. Nothing is read from disk for a request: there is a page, the report and
//! the stream of messages, and no request names a file.

mod guard;
mod routes;
mod store;

use std::future::IntoFuture;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use stetho_core::Document;

use crate::guard::Guard;
use crate::routes::{App, router};

/// How often the source is asked.
const POLL: Duration = Duration::from_millis(500);
/// How long it takes at most until a wish to stop is seen.
const PATIENCE: Duration = Duration::from_millis(100);
/// Characters of a token, at least.
const SHORTEST_TOKEN: usize = 8;

/// Where reports come from.
pub trait Source: Send + 'static {
    /// The report as it is now; `None` where nothing has changed since the last call. It may take its time.
    fn document(&mut self) -> Option<Document>;
}

impl<F: FnMut() -> Option<Document> + Send + 'static> Source for F {
    fn document(&mut self) -> Option<Document> {
        self()
    }
}

/// Where to listen.
#[derive(Clone, Debug)]
pub struct Options {
    /// A name or an address of this machine.
    pub host: String,
    /// The port; 0 for any that is free.
    pub port: u16,
    /// What every request must carry; needed on any address but those of this machine alone.
    pub token: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { host: "127.0.0.1".into(), port: 6077, token: None }
    }
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The host is no address of any machine.
    #[error("`{host}` is no address to listen on")]
    NoAddress {
        /// As it was given.
        host: String,
    },
    /// Another program listens there.
    #[error(
        "{0} is in use by another program; choose another port with `--port`, or `--port 0` for any that is free"
    )]
    Busy(SocketAddr),
    /// The system does not allow it.
    #[error("cannot listen on {address}: {cause}")]
    Refused {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        cause: std::io::Error,
    },
    /// Others could read along.
    #[error(
        "{0} can be reached from other machines: protect the page with `--token`, {SHORTEST_TOKEN} characters or more"
    )]
    NoToken(SocketAddr),
    /// The token is too easy to guess, or does not fit into an address.
    #[error("a token has {SHORTEST_TOKEN} or more letters, digits, and `-`, `.`, `_`, `~`")]
    BadToken,
    /// The server ended by itself.
    #[error("the server failed: {0}")]
    Failed(#[from] std::io::Error),
    /// The thread that reads the report has ended.
    #[error("reading the report failed; the page would not change any more")]
    SourceEnded,
}

/// A server that listens and does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    token: Option<String>,
    title: String,
}

impl Server {
    /// Starts to listen. `title` is what the page shows, in a word or two.
    ///
    /// # Errors
    /// When the address is none, is taken, or needs a token.
    pub fn bind(options: &Options, title: &str) -> Result<Self, ServeError> {
        let no_address = || ServeError::NoAddress { host: options.host.clone() };
        let mut found = (options.host.as_str(), options.port).to_socket_addrs().map_err(|_| no_address())?;
        let wanted = found.next().ok_or_else(no_address)?;
        match &options.token {
            None if !wanted.ip().is_loopback() => return Err(ServeError::NoToken(wanted)),
            Some(token) if !is_good(token) => return Err(ServeError::BadToken),
            _ => {}
        }
        let listener = TcpListener::bind(wanted).map_err(|cause| match cause.kind() {
            ErrorKind::AddrInUse => ServeError::Busy(wanted),
            _ => ServeError::Refused { address: wanted, cause },
        })?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, token: options.token.clone(), title: title.to_owned() })
    }

    /// What to open in a browser, with the token.
    pub fn url(&self) -> String {
        let token = self.token.as_ref().map_or_else(String::new, |token| format!("?token={token}"));
        format!("http://{}/{token}", self.address)
    }

    /// Answers until `stop` says so, which is asked ten times a second.
    ///
    /// # Errors
    /// When the system ends the server, or the source has panicked.
    pub fn run(self, source: impl Source, stop: impl Fn() -> bool) -> Result<(), ServeError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let guard = Guard { is_local: self.address.ip().is_loopback(), token: self.token };
        let app = Arc::new(App::new(&self.title, guard));
        let is_running = Arc::new(AtomicBool::new(true));
        let reader = read(source, Arc::clone(&app), Arc::clone(&is_running));
        let ended = runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            let serving = pin!(axum::serve(listener, router(app)).into_future());
            let stopping = pin!(stopped(stop, &reader));
            match futures_util::future::select(serving, stopping).await {
                futures_util::future::Either::Left((result, _)) => result.map_err(ServeError::from),
                futures_util::future::Either::Right((result, _)) => result,
            }
        });
        is_running.store(false, Ordering::Relaxed);
        runtime.shutdown_background();
        ended
    }
}

fn is_good(token: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    token.len() >= SHORTEST_TOKEN && token.chars().all(fits)
}

async fn stopped(stop: impl Fn() -> bool, reader: &JoinHandle<()>) -> Result<(), ServeError> {
    while !stop() {
        if reader.is_finished() {
            return Err(ServeError::SourceEnded);
        }
        tokio::time::sleep(PATIENCE).await;
    }
    Ok(())
}

/// Asks the source again and again. The thread is not waited for: it may be in the middle of a long reading.
fn read(mut source: impl Source, app: Arc<App>, is_running: Arc<AtomicBool>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        while is_running.load(Ordering::Relaxed) {
            let start = Instant::now();
            if let Some(document) = source.document() {
                app.put(document);
            }
            std::thread::sleep(POLL.saturating_sub(start.elapsed()).max(POLL / 10));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(host: &str, port: u16, token: Option<&str>) -> Result<Server, ServeError> {
        Server::bind(&Options { host: host.into(), port, token: token.map(str::to_owned) }, "x")
    }

    #[test]
    fn a_port_that_is_taken_is_told() {
        let first = bind("127.0.0.1", 0, None).unwrap();
        let message = bind("127.0.0.1", first.address.port(), None).err().unwrap().to_string();
        assert!(message.contains("is in use") && message.contains("--port 0"), "{message}");
    }

    #[test]
    fn other_machines_need_a_token_that_is_hard_to_guess() {
        assert!(matches!(bind("0.0.0.0", 0, None), Err(ServeError::NoToken(_))));
        assert!(matches!(bind("0.0.0.0", 0, Some("short")), Err(ServeError::BadToken)));
        assert!(matches!(bind("127.0.0.1", 0, Some("a token&x=1")), Err(ServeError::BadToken)));
        let server = bind("0.0.0.0", 0, Some("0123456789abcdef")).unwrap();
        assert!(server.url().ends_with("/?token=0123456789abcdef"), "{}", server.url());
    }

    #[test]
    fn a_host_that_is_none_is_told() {
        let message = bind("no host", 0, None).err().unwrap().to_string();
        assert_eq!(message, "`no host` is no address to listen on");
    }
}
