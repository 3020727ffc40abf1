//! `stetho serve` as a user runs it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests that fails is a test that fails")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Folder, command, run};

/// A server of the command, with the address that it prints.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn new(report: &str) -> Self {
        let mut command = command(&["serve", report, "--port", "0"]);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
        Self { child, address: address.to_owned() }
    }

    /// The body of an answer; asked again while the report has not been read.
    fn get(&self, path: &str) -> String {
        loop {
            let mut stream = TcpStream::connect(&self.address).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)
                .unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            if !answer.starts_with("HTTP/1.1 503") {
                return answer.split_once("\r\n\r\n").unwrap().1.to_owned();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn reports(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("t.csv", "x,y\n1,a\n1,b\n2,a\n2,a\n3,b\n3,b\n");
    for out in ["r.json", "r.html"] {
        let made = folder.run(&["check", "t.csv", "--target", "y", "--out", out, "--fail-on", "never"]);
        assert_eq!(made.code, 0, "{}", made.stderr);
    }
    folder
}

#[test]
fn saved_reports_are_served_as_they_are() {
    let folder = reports("saved_reports_are_served_as_they_are");
    let saved = std::fs::read_to_string(folder.path("r.json")).unwrap();
    let served = Served::new(&folder.path("r.json").display().to_string());
    assert_eq!(served.get("/api/document"), saved);
    assert!(served.get("/").contains("data-live"));
    let page = Served::new(&folder.path("r.html").display().to_string());
    assert!(page.get("/api/document").contains("\"rule\": \"conflicting-labels\""));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_server_in_peace() {
    let folder = reports("an_interrupt_ends_the_server_in_peace");
    let mut served = Served::new(&folder.path("r.json").display().to_string());
    let sent = Command::new("kill").args(["-INT", &served.child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(served.child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_cannot_be_served_is_told_in_one_line() {
    let folder = reports("what_cannot_be_served_is_told_in_one_line");
    folder.write("bad.json", "{\"schema\": 1, \"stetho\": \"0\"}");
    folder.write("bad.html", "<html><body>hello</body></html>");
    let newer =
        std::fs::read_to_string(folder.path("r.json")).unwrap().replace("\"schema\": 1,", "\"schema\": 9,");
    folder.write("newer.json", &newer);
    let message =
        |words: &[&str]| folder.run(&[&["serve", "--port", "0"], words].concat()).one_line_error().to_owned();
    assert!(message(&["missing.json"]).contains("cannot read `missing.json`"));
    assert!(message(&["bad.json"]).contains("`bad.json` is no report that stetho wrote"));
    assert!(message(&["bad.html"]).contains("`bad.html` is no report that stetho wrote"));
    assert!(message(&["newer.json"]).contains("schema 9"));
    assert!(message(&["r.json", "--host", "0.0.0.0"]).contains("--token"));
    assert!(message(&["r.json", "--token", "a b"]).contains("a token has 8"));
}

#[test]
fn a_port_that_is_taken_is_told() {
    let folder = reports("a_port_that_is_taken_is_told");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let report = folder.path("r.json").display().to_string();
    let outcome = run(&["serve", &report, "--port", &port]);
    assert!(outcome.one_line_error().contains("is in use by another program"), "{}", outcome.stderr);
}
