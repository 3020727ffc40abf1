//! Names and numbers in a line of text, in the forms that training loops commonly print:
//! `step 100 loss 2.5`, `epoch 3/10 - loss: 0.123 - val_loss: 0.2`, `[1200/5000] loss=0.4`, `Epoch 3, Batch 200: Loss 0.5`,
//! `{'loss': 0.5, 'epoch': 0.1}`, `step 250: train loss 1.9, val loss 2.0`, `Epoch: [0][ 10/500] Loss 6.9 (7.0)`.

use super::number;
use super::words;

/// A name and the number after it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) value: f64,
    /// The number after a slash: `3/10`.
    pub(super) total: Option<f64>,
}

/// What a line holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Scanned {
    pub(super) pairs: Vec<Pair>,
    /// A place without a name: `[1200/5000]`, `[200]`.
    pub(super) place: Option<(f64, Option<f64>)>,
    /// The part of the data that it speaks of first.
    pub(super) part: Option<&'static str>,
}

/// Reads a line.
pub(super) fn scan(line: &str) -> Scanned {
    let mut scanner =
        Scanner { text: line, at: 0, part: None, is_of_part: false, before: "", found: Scanned::default() };
    scanner.start();
    while scanner.at < line.len() {
        scanner.advance();
    }
    scanner.found
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// The part of the data that the line speaks of, from here on: `train`, `val`, `test`.
    part: Option<&'static str>,
    /// Whether the next number is said to be of that part, whatever its name.
    is_of_part: bool,
    /// The word before, if only a blank lies between.
    before: &'a str,
    found: Scanned,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// `[10]` or `12:` at the start of a line is a place.
    fn start(&mut self) {
        let text = self.text.trim_start();
        self.at = self.text.len() - text.len();
        let inner = text.strip_prefix('[').unwrap_or(text);
        let n = number::length(inner);
        // ` * Acc@1 76.1` is how torchvision's examples sum a validation up.
        if text.starts_with("* ") {
            self.part = Some("val");
        }
        let end = if inner.len() < text.len() { ']' } else { ':' };
        let is_whole = n > 0 && inner[..n].bytes().all(|b| b.is_ascii_digit());
        let after = inner[n..].strip_prefix(end);
        if is_whole && after.is_some_and(|a| a.starts_with(char::is_whitespace)) {
            self.found.place = inner[..n].parse().ok().map(|place| (place, None));
            self.at = self.text.len() - inner.len() + n + 1;
        }
    }

    /// Goes on by a word, a number or a character.
    fn advance(&mut self) {
        let rest = self.rest();
        let Some(c) = rest.chars().next() else {
            self.at = self.text.len();
            return;
        };
        if c.is_alphabetic() || c == '_' {
            let name = &rest[..name_length(rest)];
            self.at += name.len();
            self.word(name);
        } else if c.is_ascii_digit() {
            self.number(rest);
        } else if c == '[' && self.epoch_and_place(rest).is_some() {
            self.before = "";
        } else {
            self.at += c.len_utf8();
            if c != ' ' {
                self.before = "";
            }
        }
    }

    /// `[3][ 10/500]`: the epoch and a place in it, as mmengine prints it.
    fn epoch_and_place(&mut self, rest: &str) -> Option<()> {
        let inner = rest.strip_prefix('[')?.trim_start();
        let n = number::length(inner);
        let epoch = whole(inner.get(..n).filter(|n| !n.is_empty())?)?;
        let next = inner[n..].trim_start().strip_prefix(']')?;
        let (place, after) = place(next)?;
        self.found.place = Some(place);
        self.found.pairs.push(Pair { name: "epoch".to_owned(), value: epoch, total: None });
        self.at = self.text.len() - after.len();
        Some(())
    }

    /// A number without a name: `45/100` is a place.
    fn number(&mut self, rest: &'a str) {
        let n = number::length(rest).max(1);
        self.at += n;
        self.before = "";
        let Some(place) = whole(&rest[..n]) else { return self.skip_word() };
        let Some((total, length)) = total(&rest[n..]) else { return self.skip_word() };
        self.at += length;
        // A third number makes it a date.
        if !self.rest().starts_with(['/', '-', '.']) && self.found.place.is_none() {
            self.found.place = Some((place, Some(total)));
        }
        self.skip_word();
    }

    /// Goes past what is attached to a number, as in `12:30:01`, `4.5it/s`, `2024-01-02`.
    fn skip_word(&mut self) {
        let attached = |c: char| c.is_alphanumeric() || matches!(c, ':' | '/' | '-' | '.' | '_' | '<' | '%');
        self.at += self.rest().find(|c| !attached(c)).unwrap_or(self.rest().len());
    }

    fn word(&mut self, name: &'a str) {
        let before = std::mem::replace(&mut self.before, name);
        let rest = self.rest();
        let part = words::part(name);
        if part.is_some() {
            self.part = part;
            self.found.part = self.found.part.or(part);
        }
        // LightGBM: `training's auc: 0.9`.
        if rest.starts_with("'s ") {
            self.at += 3;
            self.is_of_part = true;
            self.before = "";
            return;
        }
        let Some(found) = value_after(rest) else { return };
        if !found.is_separated && !words::is_known(name) {
            return;
        }
        self.at += found.length;
        self.before = "";
        if part.is_some() && found.value.fract() == 0.0 {
            // `Test: [ 0/48]` is a place, `Train: 3 [ 50/1251` an epoch and a place after it.
            if found.total.is_some() {
                self.found.place = Some((found.value, found.total));
                return;
            }
            if self.rest().trim_start().starts_with('[') {
                self.found.pairs.push(Pair { name: "epoch".to_owned(), value: found.value, total: None });
                return;
            }
        }
        if let Some(place) = found.place {
            self.found.place = Some(place);
        }
        let name = self.name(name, before);
        let value = match found.total {
            // `Accuracy: 98/100`.
            Some(total) if words::is_ratio(&name) && total > 0.0 => found.value / total,
            _ => found.value,
        };
        if !words::is_dull(&name) {
            self.found.pairs.push(Pair { name, value, total: found.total });
        }
    }

    /// The name of a number: joined with the word before where that belongs to it, and with the part of the data.
    fn name(&mut self, name: &str, before: &str) -> String {
        let is_of_part = std::mem::take(&mut self.is_of_part);
        let name = if words::joins(before, name) { format!("{before}_{name}") } else { name.to_owned() };
        match self.part {
            Some(part) if is_of_part || words::takes_part(&name) => format!("{part}/{name}"),
            _ => name,
        }
    }
}

/// How long the name at the start of `text` is: letters, digits, `_`, and `/ . - @` between them.
fn name_length(text: &str) -> usize {
    let mut end = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        let joins = match c {
            '/' | '-' => next.is_some_and(char::is_alphabetic),
            '.' | '@' => next.is_some_and(char::is_alphanumeric),
            _ => c.is_alphanumeric() || c == '_',
        };
        if !joins {
            break;
        }
        end = at + c.len_utf8();
    }
    end.max(text.chars().next().map_or(0, char::len_utf8))
}

/// A number after a name.
struct Found {
    value: f64,
    total: Option<f64>,
    /// `Epoch: [3][10/500]` gives a place as well.
    place: Option<(f64, Option<f64>)>,
    /// Bytes up to its end.
    length: usize,
    /// Whether a colon, an equals sign or a bracket stands between name and number.
    is_separated: bool,
}

fn value_after(text: &str) -> Option<Found> {
    let mut rest = text.trim_start_matches(['\'', '"']).trim_start_matches([' ', '\t']);
    let separated = rest.strip_prefix([':', '=']);
    rest = separated.unwrap_or(rest).trim_start_matches([' ', '\t', '\'', '"']);
    let bracketed = rest.strip_prefix('[');
    rest = bracketed.unwrap_or(rest).trim_start_matches(['#', ' ']);
    let n = number::length(rest);
    let value = number::number(rest.get(..n)?)?;
    rest = &rest[n..];
    let total = total(rest);
    if let Some((_, length)) = total {
        rest = &rest[length..];
    }
    let mut place = None;
    if bracketed.is_some() {
        rest = rest.trim_start_matches(' ').strip_prefix(']')?;
        // `[3][ 10/500]`, as torchvision and mmdetection print it.
        if let Some((found, after)) = self::place(rest) {
            (place, rest) = (Some(found), after);
        }
    } else {
        let unit = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '%' | '/' | '_' | ':')))
            .unwrap_or(rest.len());
        if !words::is_unit(rest[..unit].trim_end_matches(':')) {
            return None;
        }
        rest = &rest[unit..];
    }
    let is_separated = separated.is_some() || bracketed.is_some();
    Some(Found {
        value,
        total: total.map(|(total, _)| total),
        place,
        length: text.len() - rest.len(),
        is_separated,
    })
}

/// A place in brackets, `[ 10/500`, and what comes after it.
fn place(text: &str) -> Option<((f64, Option<f64>), &str)> {
    let inner = text.trim_start_matches(' ').strip_prefix('[')?.trim_start();
    let n = number::length(inner);
    let at = whole(inner.get(..n).filter(|n| !n.is_empty())?)?;
    let (total, length) = total(&inner[n..])?;
    Some(((at, Some(total)), &inner[n + length..]))
}

/// A whole number.
fn whole(text: &str) -> Option<f64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The total after a slash, ` / 100`, and the bytes up to its end.
fn total(text: &str) -> Option<(f64, usize)> {
    let rest = text.trim_start_matches(' ').strip_prefix('/')?.trim_start_matches(' ');
    let n = number::length(rest);
    Some((whole(rest.get(..n).filter(|n| !n.is_empty())?)?, text.len() - rest.len() + n))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pairs of a line as text, its place in front.
    fn said(line: &str) -> String {
        let scanned = scan(line);
        let place = scanned.place.map(|(at, total)| match total {
            Some(total) => format!("[{at}/{total}]"),
            None => format!("[{at}]"),
        });
        let pairs = scanned.pairs.iter().map(|p| match p.total {
            Some(total) => format!("{}={}/{total}", p.name, p.value),
            None => format!("{}={}", p.name, p.value),
        });
        place.into_iter().chain(pairs).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn common_forms_are_recognised() {
        for (line, expected) in [
            ("step 100 loss 2.5", "step=100 loss=2.5"),
            ("epoch 3/10 - loss: 0.123 - val_loss: 0.2", "epoch=3/10 loss=0.123 val_loss=0.2"),
            ("[1200/5000] loss=0.4", "[1200/5000] loss=0.4"),
            ("Epoch 3, Batch 200: Loss 0.5", "Epoch=3 Batch=200 Loss=0.5"),
            ("{'loss': 0.5, 'grad_norm': nan, 'epoch': 0.1}", "loss=0.5 grad_norm=NaN epoch=0.1"),
            (
                "step 250: train loss 1.9, val loss 2.0, lr 1e-3",
                "step=250 train/loss=1.9 val/loss=2 lr=0.001",
            ),
            ("iter 10: loss 3.4, time 40.1ms, mfu 3.2%", "iter=10 loss=3.4 time=40.1 mfu=3.2"),
            ("Epoch: [0][  10/5005]\tTime 0.5 (0.6)\tLoss 6.9 (7.0)", "[10/5005] Epoch=0 Time=0.5 Loss=6.9"),
            ("Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.300039", "[640/60000] Epoch=1 train/Loss=2.300039"),
            (
                "Test set: Average loss: 0.0565, Accuracy: 9814/10000 (98%)",
                "test/loss=0.0565 test/Accuracy=0.9814/10000",
            ),
            ("Epoch [3/10], Step [200/938], Loss: 0.25", "Epoch=3/10 Step=200/938 Loss=0.25"),
            (" 45/100 [====>....] - ETA: 3s - loss: 2.3 - accuracy: 0.1", "[45/100] loss=2.3 accuracy=0.1"),
            (
                "Epoch 3:  45%|##  | 45/100 [00:10<00:12,  4.50it/s, loss=0.5, v_num=0]",
                "[45/100] Epoch=3 loss=0.5",
            ),
            (
                "epoch 001:     10 / 100 loss=8.5, ppl=310, num_updates=10, lr=1e-4",
                "[10/100] epoch=1 loss=8.5 ppl=310 num_updates=10 lr=0.0001",
            ),
            ("[10]\ttrain-rmse:0.5\tvalid-rmse:0.6", "[10] train-rmse=0.5 valid-rmse=0.6"),
            ("[10]\ttraining's auc: 0.9", "[10] train/auc=0.9"),
            (
                " iteration       10/     100 | learning rate: 1.5E-04 | lm loss: 1.09E+01 | grad norm: 2.5 |",
                "iteration=10/100 learning_rate=0.00015 lm_loss=10.9 grad_norm=2.5",
            ),
            (
                "2024-01-02 12:30:01,123 - INFO - Epoch(train)  [1][  50/7330]  lr: 1.9e-03  loss: 2.3",
                "[50/7330] epoch=1 train/loss=2.3",
            ),
            (
                "Train: 3 [  50/1251 (  4%)]  Loss: 6.925 (6.93)  Time: 0.323s,  396.48/s  LR: 1.000e-06",
                "[50/1251] epoch=3 train/Loss=6.925 Time=0.323 LR=0.000001",
            ),
            ("Test: [   0/48]  Loss:  6.8 (6.8)  Acc@1:  1.5 ( 1.5)", "[0/48] test/Loss=6.8 test/Acc@1=1.5"),
            (" *   Acc@1 10.5 Acc@5 30.2", "val/Acc@1=10.5 val/Acc@5=30.2"),
            ("[1]\tvalid_1's binary_logloss: 0.69", "[1] val/binary_logloss=0.69"),
            ("INFO:root:epoch=1 loss=inf", "epoch=1 loss=inf"),
            ("100/100 - 1s - loss: 0.3 - val_acc: 0.9", "[100/100] loss=0.3 val_acc=0.9"),
            ("epoch 3 loss 0.5 rss 583.1MB", "epoch=3 loss=0.5 rss=583.1"),
            ("D loss: 0.5 G loss: 0.7", "D_loss=0.5 G_loss=0.7"),
            ("Loading data from /data/train/2024/01/02 took 12 seconds", ""),
            ("loss", ""),
            ("", ""),
        ] {
            let found = said(line);
            let expected: Vec<&str> = expected.split(' ').collect();
            // mmengine's `lr` stands with the part it is printed for; only order and names matter here.
            let found: Vec<&str> = found.split(' ').filter(|w| !w.starts_with("lr=0.0019")).collect();
            assert_eq!(found, expected, "{line}");
        }
    }
}
