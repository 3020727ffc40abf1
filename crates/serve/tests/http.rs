//! The server as a client sees it, byte by byte.

#![allow(clippy::unwrap_used, reason = "a helper of tests that fails is a test that fails")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use stetho_core::{Document, SCHEMA, Subject};
use stetho_serve::{Options, ServeError, Server};

fn document(items: u64) -> Document {
    Document {
        schema: SCHEMA,
        stetho: "0".into(),
        command: "watch".into(),
        subject: Subject { paths: vec!["<script>".into()], kind: "run".into(), items },
        findings: Vec::new(),
        outcomes: Vec::new(),
        partial: false,
        facts: serde_json::Map::new(),
    }
}

/// A server whose report is a number that the test sets; nothing at first.
struct Served {
    address: String,
    items: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Served {
    fn new(token: Option<&str>) -> Self {
        let options = Options { port: 0, token: token.map(str::to_owned), ..Options::default() };
        let server = Server::bind(&options, "<script>").unwrap();
        let address = server.url().split('/').nth(2).unwrap().to_owned();
        let (items, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (source, stopped) = (Arc::clone(&items), Arc::clone(&stop));
        let mut last = 0;
        let read = move || {
            let now = source.load(Ordering::Relaxed);
            (now != std::mem::replace(&mut last, now)).then(|| document(now))
        };
        let thread = std::thread::spawn(move || server.run(read, move || stopped.load(Ordering::Relaxed)));
        Self { address, items, stop, thread: Some(thread) }
    }

    fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// The answer to a request for `path` with more header lines.
    fn get(&self, path: &str, more: &str) -> String {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{more}\r\n", self.address);
        let mut answer = String::new();
        self.send(&request).read_to_string(&mut answer).unwrap();
        answer
    }

    fn set(&self, items: u64) {
        self.items.store(items, Ordering::Relaxed);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap().unwrap();
        }
    }
}

/// The next message of a stream.
fn message(lines: &mut impl BufRead) -> String {
    loop {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the stream ended");
        if let Some(data) = line.strip_prefix("data:") {
            return data.trim().to_owned();
        }
    }
}

#[test]
fn the_page_is_there_before_the_report_and_guards_itself() {
    let served = Served::new(None);
    let page = served.get("/", "");
    assert!(page.starts_with("HTTP/1.1 200"), "{}", &page[..60]);
    let head = page.split("\r\n\r\n").next().unwrap().to_lowercase();
    for line in [
        "default-src 'none'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "nosniff",
        "no-store",
        "no-referrer",
    ] {
        assert!(head.contains(line), "{line} is missing in {head}");
    }
    assert!(!head.contains("access-control"), "{head}");
    assert!(page.contains("<title>stetho: &lt;script&gt;</title>") && page.contains("data-live"));
    assert!(served.get("/api/page", "").starts_with("HTTP/1.1 204"));
    assert!(served.get("/api/document", "").starts_with("HTTP/1.1 503"));
}

#[test]
fn messages_come_when_the_report_changed_and_name_the_version() {
    let served = Served::new(None);
    let request = format!("GET /api/events HTTP/1.1\r\nHost: {}\r\n\r\n", served.address);
    let mut lines = BufReader::new(served.send(&request));
    served.set(1);
    let first = message(&mut lines);
    served.set(2);
    let second = message(&mut lines);
    assert_ne!(first, second);
    let page = served.get(&format!("/api/page?since={first}"), "");
    assert!(page.contains(&format!("\"version\":\"{second}\"")) && page.contains("\"items\":2"), "{page}");
    let report = served.get("/api/document", "");
    let json = report.split("\r\n\r\n").nth(1).unwrap();
    let read: Document = serde_json::from_str(json).unwrap();
    assert_eq!(read, document(2));
}

#[test]
fn others_are_turned_away() {
    let served = Served::new(Some("0123456789abcdef"));
    served.set(1);
    let token = "Authorization: Bearer 0123456789abcdef\r\n";
    assert!(served.get("/", "").starts_with("HTTP/1.1 401"));
    assert!(served.get("/api/events", "").starts_with("HTTP/1.1 401"));
    assert!(served.get("/api/document?token=0123456789abcdeg", "").starts_with("HTTP/1.1 401"));
    assert!(served.get("/?token=0123456789abcdef", "").starts_with("HTTP/1.1 200"));
    assert!(served.get("/", token).starts_with("HTTP/1.1 200"));
    let cross = format!("{token}Origin: http://evil.example\r\n");
    assert!(served.get("/api/document", &cross).starts_with("HTTP/1.1 403"));
    for path in [
        "/../../etc/passwd",
        "/api/../Cargo.toml",
        "/api/series?run=/etc/passwd",
        "//etc/passwd",
        "/%2e%2e/x",
    ] {
        assert!(served.get(path, token).starts_with("HTTP/1.1 404"), "{path}");
    }
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "403"),
        ("GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "403"),
        ("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "405"),
        ("\0\u{1}nonsense\r\n\r\n", "400"),
    ] {
        let mut answer = String::new();
        served.send(request).read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request:?}: {answer}");
    }
}

#[test]
fn a_source_that_panics_ends_the_server_with_an_error() {
    let server = Server::bind(&Options { port: 0, ..Options::default() }, "x").unwrap();
    let source = || -> Option<Document> { panic!("meant for the test") };
    assert!(matches!(server.run(source, || false), Err(ServeError::SourceEnded)));
}
