//! Writes the page of a JSON report: `page REPORT.json PAGE.html`. The browser tests draw reports with it that no
//! reader makes.

#![allow(clippy::print_stderr, reason = "this program talks to the person who runs it")]

use std::process::ExitCode;

use stetho_core::Document;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [report, page] = arguments.as_slice() else {
        eprintln!("usage: page REPORT.json PAGE.html");
        return ExitCode::FAILURE;
    };
    let written = std::fs::read_to_string(report)
        .map_err(|e| e.to_string())
        .and_then(|text| serde_json::from_str::<Document>(&text).map_err(|e| e.to_string()))
        .and_then(|document| std::fs::write(page, stetho_report::html(&document)).map_err(|e| e.to_string()));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {report}: {problem}");
            ExitCode::FAILURE
        }
    }
}
