//! One finding on the page.

use stetho_core::{Evidence, Finding, Human, Number};

use super::element::Html;
use super::{bars, histogram};
use crate::words;

/// How many rows and other places the page names; the JSON report names all.
pub(super) const PLACES: usize = 20;

pub(super) fn write(html: &mut Html, number: usize, finding: &Finding) {
    let id = format!("finding-{number}");
    let severity = finding.severity.name();
    html.element("article", &[("id", &id), ("class", severity)], |html| {
        let tag = format!("tag {severity}");
        html.element("p", &[("class", &tag)], |h| h.text(&format!("{severity} · {}", finding.rule)));
        html.paragraph("h3", "", &finding.message);
        if !finding.why.is_empty() {
            html.paragraph("p", "faint", &finding.why);
        }
        let places = words::places(finding, PLACES);
        if !places.is_empty() {
            html.leaf("h4", "", "where");
            places.iter().for_each(|line| html.paragraph("p", "", line));
        }
        finding.evidence.iter().for_each(|evidence| proof(html, evidence));
        remedies(html, finding);
    });
}

fn proof(html: &mut Html, evidence: &Evidence) {
    match evidence {
        Evidence::Measure { name, value, limit } => {
            html.leaf("h4", "", "measured");
            html.paragraph("p", "", &format!("{name}: {}", words::against(*value, *limit)));
        }
        Evidence::Table { name, columns, rows } => {
            html.paragraph("h4", "", name);
            table(html, columns, rows);
        }
        Evidence::Bars { name, bars: amounts } => {
            html.paragraph("h4", "", name);
            let most = words::largest(amounts.iter().map(|(_, n)| n.0));
            bars(html, amounts.iter().map(|(l, n)| (l.clone(), n.0 / most, Human(n.0).to_string())));
        }
        Evidence::Histogram { name, edges, counts } => {
            html.paragraph("h4", "", name);
            let edge = |n: Option<&Number>| n.map_or(String::new(), |n| Human(n.0).to_string());
            html.element("figure", &[], |html| {
                histogram(html, counts);
                html.element("figcaption", &[], |html| {
                    html.leaf("span", "", &edge(edges.first()));
                    html.leaf("span", "", &edge(edges.last()));
                });
            });
        }
        Evidence::Pictures { name, groups } => {
            html.paragraph("h4", "", name);
            super::pictures::groups(html, groups);
        }
        Evidence::Excerpt { path, line, text } => {
            html.leaf("h4", "", &format!("{path}:{line}"));
            html.element("pre", &[], |h| h.leaf("code", "", text));
        }
    }
}

fn table(html: &mut Html, columns: &[String], rows: &[Vec<String>]) {
    let numeric: Vec<bool> = (0..columns.len()).map(|c| words::is_numeric(rows, c)).collect();
    let class = |c: usize| if numeric.get(c).copied().unwrap_or(false) { "number" } else { "" };
    html.element("div", &[("class", "scroll")], |html| {
        html.element("table", &[], |html| {
            html.element("tr", &[], |html| {
                columns.iter().enumerate().for_each(|(c, heading)| html.leaf("th", class(c), heading));
            });
            for row in rows {
                html.element("tr", &[], |html| {
                    for (c, cell) in row.iter().enumerate() {
                        html.leaf("td", class(c), cell);
                    }
                });
            }
        });
    });
}

fn remedies(html: &mut Html, finding: &Finding) {
    html.leaf("h4", "", "what to do");
    html.element("ol", &[("class", "remedies")], |html| {
        for remedy in &finding.remedies {
            html.element("li", &[], |html| {
                html.prose(words::action(remedy));
                if let Some(risk) = words::risk(remedy.safety) {
                    html.leaf("span", "faint", &format!(" ({risk})"));
                }
                for snippet in [&remedy.command, &remedy.code].into_iter().flatten() {
                    html.element("pre", &[], |h| h.leaf("code", "", snippet));
                }
            });
        }
    });
}
