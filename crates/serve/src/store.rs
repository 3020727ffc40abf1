//! What is served: the newest report, and when each part of its runs changed.

use serde::Serialize;
use stetho_core::Document;
use stetho_report::{HeatFacts, PageData, RunFacts, SeriesFacts};

/// A run with the version at which each stretch of its series, and each column of its maps, last changed.
struct Aged {
    facts: RunFacts,
    series: Vec<Vec<u64>>,
    layers: Vec<Vec<u64>>,
}

/// The report and its history, as far as it is needed to send only what changed.
pub(crate) struct Store {
    /// Tells one server from the next on the same port.
    boot: u64,
    version: u64,
    /// Without its runs.
    document: Option<Document>,
    runs: Vec<Aged>,
}

/// What a page is sent.
#[derive(Serialize)]
struct Sent {
    version: String,
    data: PageData,
}

impl Store {
    pub(crate) fn new(boot: u64) -> Self {
        Self { boot, version: 0, document: None, runs: Vec::new() }
    }

    /// The name of what is there now; empty while nothing is.
    pub(crate) fn version(&self) -> String {
        if self.version == 0 { String::new() } else { format!("{}.{}", self.boot, self.version) }
    }

    /// Takes a new report.
    pub(crate) fn put(&mut self, mut document: Document) {
        let runs = RunFacts::from_map(&document.facts);
        document.facts.remove("runs");
        self.version += 1;
        let aged = runs.into_iter().enumerate().map(|(r, facts)| {
            let same = |o: &&Aged| o.facts.name == facts.name;
            let old = self.runs.get(r).filter(same).or_else(|| self.runs.iter().find(same));
            aged(facts, old, self.version)
        });
        self.runs = aged.collect();
        self.document = Some(document);
    }

    /// The whole report.
    pub(crate) fn document(&self) -> Option<Document> {
        self.since(0)
    }

    /// What a page needs that has version `since`, as JSON; the whole where it has none that is known.
    pub(crate) fn page(&self, since: Option<&str>) -> Option<String> {
        let known = since.and_then(|name| name.strip_prefix(&format!("{}.", self.boot))?.parse().ok());
        let document = self.since(known.filter(|v| *v <= self.version).unwrap_or(0))?;
        let sent = Sent { version: self.version(), data: PageData::of(&document) };
        serde_json::to_string(&sent).ok()
    }

    fn since(&self, since: u64) -> Option<Document> {
        let mut document = self.document.clone()?;
        if !self.runs.is_empty() {
            let runs: Vec<RunFacts> = self.runs.iter().map(|run| run.since(since)).collect();
            RunFacts::insert_into(&runs, &mut document.facts);
        }
        Some(document)
    }
}

impl Aged {
    /// The run without the stretches that a page of version `since` has already.
    fn since(&self, since: u64) -> RunFacts {
        let series = self.facts.series.iter().zip(&self.series);
        let layers = self.facts.layers.iter().zip(&self.layers);
        RunFacts {
            series: series.map(|(s, ages)| tail_of_series(s, first_newer(ages, since))).collect(),
            layers: layers.map(|(l, ages)| tail_of_map(l, first_newer(ages, since))).collect(),
            ..head(&self.facts)
        }
    }
}

/// Where what changed after `since` begins.
fn first_newer(ages: &[u64], since: u64) -> usize {
    ages.iter().position(|age| *age > since).unwrap_or(ages.len())
}

/// All of a run but its series and maps.
fn head(facts: &RunFacts) -> RunFacts {
    RunFacts {
        name: facts.name.clone(),
        unit: facts.unit.clone(),
        contest: facts.contest.clone(),
        settings: facts.settings.clone(),
        restarts: facts.restarts.clone(),
        findings: facts.findings.clone(),
        series: Vec::new(),
        layers: Vec::new(),
        ..*facts
    }
}

fn tail_of_series(s: &SeriesFacts, from: usize) -> SeriesFacts {
    SeriesFacts {
        tag: s.tag.clone(),
        group: s.group,
        chart: s.chart.clone(),
        part: s.part.clone(),
        name: s.name.clone(),
        points: s.points,
        from: from as u64,
        first: tail(&s.first, from),
        last: tail(&s.last, from),
        time: tail(&s.time, from),
        mean: tail(&s.mean, from),
        min: tail(&s.min, from),
        max: tail(&s.max, from),
        broken: s.broken.clone(),
    }
}

fn tail_of_map(l: &HeatFacts, from: usize) -> HeatFacts {
    HeatFacts {
        name: l.name.clone(),
        scale: l.scale,
        // The page has them: a map of other layers is sent whole.
        layers: if from == 0 { l.layers.clone() } else { Vec::new() },
        left_out: l.left_out,
        from: from as u64,
        first: tail(&l.first, from),
        last: tail(&l.last, from),
        columns: tail(&l.columns, from),
    }
}

fn tail<T: Clone>(list: &[T], from: usize) -> Vec<T> {
    list.get(from..).unwrap_or_default().to_vec()
}

/// `facts` with the version at which each part of it changed, by comparison with what was there before.
fn aged(facts: RunFacts, old: Option<&Aged>, version: u64) -> Aged {
    let series = facts.series.iter().enumerate().map(|(i, s)| {
        let same = |o: &SeriesFacts| o.tag == s.tag;
        let before = old.and_then(|old| {
            let at = old.facts.series.get(i).filter(|o| same(o)).map(|_| i);
            let at = at.or_else(|| old.facts.series.iter().position(same))?;
            Some((old.facts.series.get(at)?, old.series.get(at)?))
        });
        ages(s.first.len(), version, |b| {
            let (o, ages) = before?;
            is_same_stretch(o, s, b).then(|| ages.get(b).copied())?
        })
    });
    let layers = facts.layers.iter().map(|l| {
        let before = old.and_then(|old| {
            let at = old.facts.layers.iter().position(|o| o.name == l.name && o.layers == l.layers)?;
            Some((old.facts.layers.get(at)?, old.layers.get(at)?))
        });
        ages(l.first.len(), version, |b| {
            let (o, ages) = before?;
            let is_same = o.first.get(b) == l.first.get(b)
                && o.last.get(b) == l.last.get(b)
                && o.columns.get(b).zip(l.columns.get(b)).is_some_and(|(x, y)| bits(x).eq(bits(y)));
            is_same.then(|| ages.get(b).copied())?
        })
    });
    let (series, layers) = (series.collect(), layers.collect());
    Aged { facts, series, layers }
}

fn ages(n: usize, version: u64, known: impl Fn(usize) -> Option<u64>) -> Vec<u64> {
    (0..n).map(|b| known(b).unwrap_or(version)).collect()
}

fn is_same_stretch(o: &SeriesFacts, s: &SeriesFacts, b: usize) -> bool {
    let numbers =
        |x: &SeriesFacts| [&x.time, &x.mean, &x.min, &x.max].map(|list| list.get(b).map(|n| n.0.to_bits()));
    o.first.get(b) == s.first.get(b) && o.last.get(b) == s.last.get(b) && numbers(o) == numbers(s)
}

/// NaN is not equal to itself; its bits are.
fn bits(list: &[stetho_core::Number]) -> impl Iterator<Item = u64> {
    list.iter().map(|n| n.0.to_bits())
}

#[cfg(test)]
mod tests {
    use stetho_core::run::{Digest, LayerQuantity, Part, Quantity, Run, Series};
    use stetho_core::{SCHEMA, Subject};

    use super::*;

    fn series(tag: &str, quantity: Quantity, blocks: usize) -> Series {
        Series { tag: tag.into(), quantity, name: tag.into(), digest: Digest::new(blocks) }
    }

    fn document(runs: &[Run]) -> Document {
        let mut facts = serde_json::Map::new();
        let runs: Vec<RunFacts> = runs.iter().map(|run| RunFacts::of(run, [])).collect();
        RunFacts::insert_into(&runs, &mut facts);
        Document {
            schema: SCHEMA,
            stetho: String::new(),
            command: "watch".into(),
            subject: Subject::default(),
            findings: Vec::new(),
            outcomes: Vec::new(),
            partial: false,
            facts,
        }
    }

    /// What the page does with what it is sent, in plain.
    fn grown(old: &[RunFacts], sent: Vec<RunFacts>) -> Vec<RunFacts> {
        fn join<T: Clone>(old: &[T], from: u64, new: &[T]) -> Vec<T> {
            [&old[..from as usize], new].concat()
        }
        let series = |o: &SeriesFacts, s: SeriesFacts| SeriesFacts {
            first: join(&o.first, s.from, &s.first),
            last: join(&o.last, s.from, &s.last),
            time: join(&o.time, s.from, &s.time),
            mean: join(&o.mean, s.from, &s.mean),
            min: join(&o.min, s.from, &s.min),
            max: join(&o.max, s.from, &s.max),
            from: 0,
            ..s
        };
        let map = |o: &HeatFacts, l: HeatFacts| HeatFacts {
            first: join(&o.first, l.from, &l.first),
            last: join(&o.last, l.from, &l.last),
            columns: join(&o.columns, l.from, &l.columns),
            layers: if l.from == 0 { l.layers.clone() } else { o.layers.clone() },
            from: 0,
            ..l
        };
        sent.into_iter()
            .zip(old)
            .map(|(run, o)| RunFacts {
                series: run.series.into_iter().zip(&o.series).map(|(s, o)| series(o, s)).collect(),
                layers: run.layers.into_iter().zip(&o.layers).map(|(l, o)| map(o, l)).collect(),
                ..run
            })
            .collect()
    }

    fn runs_of(json: &str) -> Vec<RunFacts> {
        let sent: serde_json::Value = serde_json::from_str(json).unwrap();
        RunFacts::from_map(sent["data"]["document"]["facts"].as_object().unwrap())
    }

    #[test]
    fn what_changed_completes_what_was_there() {
        let layer = Quantity::Layer(LayerQuantity::GradientNorm);
        let mut run = Run {
            name: "a".into(),
            unit: "step",
            series: vec![
                series("loss", Quantity::Loss(Part::Train), 32),
                series("val", Quantity::Loss(Part::Validation), 32),
                series("conv", layer, 8),
                series("fc", layer, 8),
            ],
            ..Run::default()
        };
        let mut store = Store::new(7);
        assert_eq!((store.page(None), store.version()), (None, String::new()));
        let mut page: Vec<RunFacts> = Vec::new();
        let mut version = String::new();
        let mut n_short = 0;
        for step in 0..400_u64 {
            if step == 250 {
                run.series.iter_mut().for_each(|s| s.digest.cut(200));
                run.restarts.push(200);
            }
            let value = if step % 50 == 49 { f64::NAN } else { (step as f64).sin() };
            for (i, s) in run.series.iter_mut().enumerate() {
                if i != 1 || step % 10 == 0 {
                    s.digest.push(step, 1e9 + step as f64, value);
                }
            }
            if step % 3 != 0 {
                continue;
            }
            store.put(document(std::slice::from_ref(&run)));
            let json = store.page(Some(&version)).unwrap();
            let sent = runs_of(&json);
            n_short += sent.iter().flat_map(|r| &r.series).filter(|s| s.from > 0).count();
            page = if page.is_empty() { sent } else { grown(&page, sent) };
            version = store.version();
            assert_eq!(
                format!("{page:?}"),
                format!("{:?}", runs_of(&store.page(None).unwrap())),
                "step {step}"
            );
        }
        assert!(n_short > 200, "{n_short} of 268 were sent in part");
        let whole = store.document().unwrap();
        assert_eq!(format!("{:?}", RunFacts::from_map(&whole.facts)), format!("{page:?}"));
    }

    #[test]
    fn a_version_of_another_server_is_unknown() {
        let mut run =
            Run { name: "a".into(), series: vec![series("x", Quantity::Other, 32)], ..Run::default() };
        run.series[0].digest.push(1, f64::NAN, 1.0);
        let mut store = Store::new(7);
        store.put(document(&[run]));
        for since in ["6.1", "7.99", "7.", "", "x"] {
            assert_eq!(runs_of(&store.page(Some(since)).unwrap())[0].series[0].from, 0, "{since}");
        }
        assert_eq!(runs_of(&store.page(Some("7.1")).unwrap())[0].series[0].from, 1);
    }
}
