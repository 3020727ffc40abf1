//! Whatever the data holds: no renderer panics, nothing reaches the terminal raw, nothing gets out of its place in
//! the page, and JSON reads back what was written.

use proptest::collection::vec;
use proptest::prelude::*;
use stetho_core::{
    Document, Evidence, Finding, Limit, Line, Number, Outcome, Place, Remedy, RuleOutcome, SCHEMA, Severity,
    Subject,
};
use stetho_report::{
    BrokenFacts, ColumnFacts, FileLine, RunFacts, Screen, SeriesFacts, SeriesGroup, TableFacts, TargetFacts,
    html, json, sarif, text,
};

/// Text that wants to be taken for something else.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,12}",
        "\\PC{0,60}",
        Just("</code></pre><script>alert(1)</script>".to_owned()),
        Just("\" onload=\"x\" '`".to_owned()),
        Just("\u{1b}]0;title\u{7}\u{9b}2J\r\n\u{202e}".to_owned()),
        Just("{{body}}{{style}}".to_owned()),
        Just("数据".repeat(40)),
    ]
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<f64>().prop_map(Number),
        Just(Number(f64::NAN)),
        Just(Number(f64::INFINITY)),
        (-5i32..5).prop_map(|n| Number(f64::from(n))),
    ]
}

fn evidence() -> impl Strategy<Value = Evidence> {
    let limit =
        (any::<bool>(), number()).prop_map(|(low, n)| if low { Limit::AtLeast(n) } else { Limit::AtMost(n) });
    prop_oneof![
        (word(), number(), limit).prop_map(|(name, value, limit)| Evidence::Measure { name, value, limit }),
        (word(), vec(word(), 0..9), vec(vec(word(), 0..9), 0..8))
            .prop_map(|(name, columns, rows)| Evidence::Table { name, columns, rows }),
        (word(), vec((word(), number()), 0..12)).prop_map(|(name, bars)| Evidence::Bars { name, bars }),
        (word(), vec(number(), 0..9), vec(any::<u64>(), 0..60))
            .prop_map(|(name, edges, counts)| Evidence::Histogram { name, edges, counts }),
        (word(), word(), vec(word(), 0..4), vec((word(), vec([number(), number()], 0..9)), 0..4)).prop_map(
            |(name, x, ticks, lines)| Evidence::Curves {
                name,
                x,
                ticks,
                lines: lines.into_iter().map(|(label, points)| Line { label, points }).collect(),
            }
        ),
        (word(), any::<u64>(), word()).prop_map(|(path, line, text)| Evidence::Excerpt { path, line, text }),
    ]
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        Just(Place::Whole),
        word().prop_map(|name| Place::Column { name }),
        (word(), vec(0..u64::MAX, 0..9), vec(0..u64::MAX, 0..9))
            .prop_map(|(path, rows, lines)| Place::Rows { path, rows, lines }),
        (word(), any::<Option<u64>>(), any::<Option<u64>>()).prop_map(|(path, index, line)| Place::Item {
            path,
            index,
            line
        }),
        (word(), word()).prop_map(|(a, b)| Place::Pair { a, b }),
        (0..9u64, 9..99u64).prop_map(|(first, last)| Place::Steps { first, last }),
    ]
}

fn finding() -> impl Strategy<Value = Finding> {
    let severity = prop_oneof![Just(Severity::Error), Just(Severity::Warning), Just(Severity::Info)];
    let remedy =
        (word(), proptest::option::of(word()), proptest::option::of(word())).prop_map(|(a, c, d)| {
            let remedy = Remedy::risky(a);
            Remedy { command: c, code: d, ..remedy }
        });
    (
        (word(), severity, 0.0..=1.0, word(), word(), any::<u64>()),
        (vec(place(), 0..8), vec(evidence(), 0..4), vec(remedy, 0..3)),
    )
        .prop_map(|((rule, severity, certainty, message, why, count), (places, evidence, remedies))| {
            Finding { rule, severity, certainty, message, why, count, places, evidence, remedies }
        })
}

fn facts() -> impl Strategy<Value = TableFacts> {
    let target = (word(), word(), word(), vec(word(), 0..5), vec((word(), any::<u64>()), 0..12)).prop_map(
        |(column, task, reason, alternatives, classes)| TargetFacts {
            column,
            task,
            origin: "guessed".into(),
            reason,
            alternatives,
            classes,
        },
    );
    let column = (word(), proptest::option::of(number()), vec(any::<u64>(), 0..30))
        .prop_map(|(name, mean, histogram)| ColumnFacts { name, mean, histogram, ..ColumnFacts::default() });
    (proptest::option::of(target), vec(column, 0..5), vec(word(), 0..6), word(), 0.0..1e9).prop_map(
        |(target, column_profiles, words, command_line, seconds)| TableFacts {
            target,
            column_profiles,
            files: words.iter().map(|w| FileLine { path: w.clone(), format: w.clone(), rows: 1 }).collect(),
            target_reason: words.first().cloned(),
            skipped_files: words,
            command_line,
            seconds,
            ..TableFacts::default()
        },
    )
}

/// Runs whose lists need not be equally long, as in a report that somebody else wrote.
fn runs() -> impl Strategy<Value = Vec<RunFacts>> {
    let group = prop_oneof![Just(SeriesGroup::Loss), Just(SeriesGroup::Other)];
    let part = prop_oneof![Just("training".to_owned()), Just("validation".into()), word()];
    let steps = || vec(any::<u64>(), 0..6);
    let series = (word(), group, part, (steps(), steps(), vec(number(), 0..6)), any::<bool>()).prop_map(
        |(tag, group, part, (first, last, mean), is_broken)| SeriesFacts {
            broken: is_broken.then_some(BrokenFacts { count: 1, first: 2, last: 3, is_last: true }),
            chart: "loss".into(),
            points: mean.len() as u64,
            tag,
            group,
            part,
            first,
            last,
            mean,
            ..SeriesFacts::default()
        },
    );
    let run =
        (word(), word(), vec(series, 0..4), steps(), any::<Option<f64>>(), proptest::option::of(word()));
    let run = run.prop_map(|(name, unit, series, restarts, seconds, contest)| RunFacts {
        settings: Some(vec![(unit.clone(), name.clone())]),
        name,
        unit,
        series,
        restarts,
        seconds: seconds.filter(|s| s.is_finite()),
        contest,
        ..RunFacts::default()
    });
    vec(run, 0..4)
}

fn document() -> impl Strategy<Value = Document> {
    let outcome = (word(), 0..3, word()).prop_map(|(rule, kind, reason)| RuleOutcome {
        rule,
        outcome: match kind {
            0 => Outcome::Ran,
            1 => Outcome::Skipped { reason },
            _ => Outcome::Failed { reason },
        },
    });
    (vec(word(), 0..5), any::<bool>(), vec(finding(), 0..4), vec(outcome, 0..6), facts(), runs()).prop_map(
        |(paths, partial, findings, outcomes, facts, runs)| Document {
            schema: SCHEMA,
            stetho: "0".into(),
            command: "check".into(),
            subject: Subject { paths, kind: "table".into(), items: 1 },
            findings,
            outcomes,
            partial,
            facts: {
                let mut facts = facts.to_map();
                if !runs.is_empty() {
                    RunFacts::insert_into(&runs, &mut facts);
                }
                facts
            },
        },
    )
}

/// What a terminal could take as a command.
fn commands(text: &str) -> Option<char> {
    text.chars().find(|&c| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c))
}

/// What stands between `open` and the first `close` after it.
fn between<'a>(page: &'a str, open: &str, close: &str) -> &'a str {
    page.split_once(open).and_then(|(_, rest)| rest.split_once(close)).map_or("", |(inside, _)| inside)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn text_is_harmless(document in document(), width in 0..140usize, all in any::<bool>()) {
        let text = text(&document, Screen { width, color: false, all });
        prop_assert_eq!(commands(&text), None);
        prop_assert!(text.ends_with('\n'));
    }

    #[test]
    fn html_lets_nothing_out_of_its_place(document in document()) {
        let page = html(&document);
        // The frame holds no data but the title, the text report and the island; none of them can hold a tag.
        let title = between(&page, "<title>", "</title>");
        let plain = between(&page, "<noscript><pre>", "</pre></noscript>");
        let island = between(&page, "<script type=\"application/json\" id=\"report\">", "</script>");
        for part in [title, plain, island] {
            prop_assert!(!part.contains('<'), "{}", part);
            prop_assert_eq!(commands(part), None);
        }
        prop_assert!(plain.ends_with('\n') && !title.is_empty());
        let data: serde_json::Value = serde_json::from_str(island).unwrap();
        let back: Document = serde_json::from_value(data["document"].clone()).unwrap();
        prop_assert_eq!(json(&back).unwrap(), json(&document).unwrap());
    }

    #[test]
    fn json_reads_back(document in document()) {
        let first = json(&document).unwrap();
        prop_assert_eq!(commands(&first), None);
        let back: Document = serde_json::from_str(&first).unwrap();
        prop_assert_eq!(json(&back).unwrap(), first);
        prop_assert_eq!(back.findings.len(), document.findings.len());
        prop_assert_eq!(&back.subject, &document.subject);
        prop_assert_eq!(&back.outcomes, &document.outcomes);
    }

    #[test]
    fn sarif_is_json_with_a_place_and_a_message_a_result(document in document()) {
        let log: serde_json::Value = serde_json::from_str(&sarif(&document, []).unwrap()).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        prop_assert_eq!(results.len(), document.findings.len());
        for result in results {
            prop_assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            for location in result["locations"].as_array().unwrap() {
                let uri = location["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
                prop_assert!(uri.is_ascii());
            }
        }
    }
}
