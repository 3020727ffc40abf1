//! Formulas over the rows made so far.

use std::sync::Arc;

use super::formula::{Binary, Formula, Function};
use super::frame::{Cell, Frame};
use crate::random::Random;

type Cells = Vec<Cell>;

/// Works out one formula for every row.
pub(super) struct Evaluator<'a> {
    pub(super) frame: &'a Frame,
    pub(super) n_rows: usize,
    pub(super) random: &'a mut Random,
}

impl Evaluator<'_> {
    /// The values of `formula`, one a row.
    pub(super) fn cells(&mut self, formula: &Formula) -> Result<Cells, String> {
        match formula {
            Formula::Number(value) => Ok(vec![Cell::Number(*value); self.n_rows]),
            Formula::Text(text) => Ok(vec![Cell::Text(text.as_str().into()); self.n_rows]),
            Formula::Column(name) => self.column(name),
            Formula::Not(inner) => {
                let cells = self.cells(inner)?;
                map(&cells, |x| truth(is_zero(x)))
            }
            Formula::Binary(operator, left, right) => {
                let (left, right) = (self.cells(left)?, self.cells(right)?);
                left.iter().zip(&right).map(|(a, b)| binary(*operator, a, b)).collect()
            }
            Formula::Choice(options) => self.choice(options),
            Formula::Call(function, arguments) => {
                let arguments = arguments.iter().map(|a| self.cells(a)).collect::<Result<Vec<_>, _>>()?;
                self.call(*function, arguments)
            }
        }
    }

    fn column(&self, name: &str) -> Result<Cells, String> {
        self.frame.column(name).map(<[Cell]>::to_vec).ok_or_else(|| {
            let known: Vec<_> = self.frame.names().map(|n| format!("`{n}`")).collect();
            let hint = if known.is_empty() { "there is none yet".into() } else { known.join(", ") };
            format!("there is no column `{name}` before this line; there are: {hint}")
        })
    }

    fn choice(&mut self, options: &[(Formula, f64)]) -> Result<Cells, String> {
        let total: f64 = options.iter().map(|(_, weight)| weight).sum();
        let mut picked = Vec::with_capacity(self.n_rows);
        for _ in 0..self.n_rows {
            let mut left = self.random.unit() * total;
            let chosen = options.iter().find(|(_, weight)| {
                left -= weight;
                left < 0.0
            });
            picked.push(match chosen.or(options.last()).map(|(value, _)| value) {
                Some(Formula::Number(value)) => Cell::Number(*value),
                Some(Formula::Text(text)) => Cell::Text(text.as_str().into()),
                _ => return Err("`choice` has nothing to choose from".into()),
            });
        }
        Ok(picked)
    }

    fn call(&mut self, function: Function, arguments: Vec<Cells>) -> Result<Cells, String> {
        let mut arguments = arguments.into_iter();
        let mut next = || arguments.next().unwrap_or_default();
        let (a, b, c) = (next(), next(), next());
        let random = &mut *self.random;
        match function {
            Function::Normal => map2(&a, &b, |mean, std| mean + std * random.normal()),
            Function::Uniform => map2(&a, &b, |lo, hi| lo + (hi - lo) * random.unit()),
            Function::Integer => {
                map2(&a, &b, |lo, hi| (lo + ((hi - lo + 1.0) * random.unit()).floor()).min(hi))
            }
            Function::LogNormal => map2(&a, &b, |mu, sigma| libm::exp(mu + sigma * random.normal())),
            Function::Exponential => map(&a, |mean| mean * random.exponential()),
            Function::Row => Ok((0..self.n_rows).map(|row| Cell::Number(row as f64)).collect()),
            Function::Sin => map(&a, libm::sin),
            Function::Cos => map(&a, libm::cos),
            Function::Exp => map(&a, libm::exp),
            Function::Log => map(&a, libm::log),
            Function::Sqrt => map(&a, libm::sqrt),
            Function::Abs => map(&a, f64::abs),
            Function::Floor => map(&a, f64::floor),
            Function::Round if b.is_empty() => map(&a, f64::round),
            Function::Round => map2(&a, &b, round),
            Function::Min => map2(&a, &b, f64::min),
            Function::Max => map2(&a, &b, f64::max),
            Function::Pick => pick(&a, b, c),
            Function::Text => Ok(a.iter().zip(&b).map(|(prefix, x)| joined(prefix, x)).collect()),
            Function::Missing => self.missing(a, &b, &c),
            Function::At => self.at(a, &b, &c),
            Function::Shuffled => {
                let mut cells = a;
                random.shuffle(&mut cells);
                Ok(cells)
            }
        }
    }

    /// Blanks a share of the cells, or writes the given word into them.
    fn missing(&mut self, mut cells: Cells, share: &[Cell], word: &[Cell]) -> Result<Cells, String> {
        for (row, (cell, share)) in cells.iter_mut().zip(share).enumerate() {
            let is_hit = number(share)?.is_some_and(|share| self.random.unit() < share);
            if is_hit {
                *cell = Cell::Missing(word.get(row).map_or_else(|| "".into(), |w| w.to_string().into()));
            }
        }
        Ok(cells)
    }

    fn at(&self, mut cells: Cells, row: &[Cell], value: &[Cell]) -> Result<Cells, String> {
        let n_rows = self.n_rows;
        let row = row.first().map(number).transpose()?.flatten();
        let row = row.ok_or("`at` needs the number of a row")?;
        let slot = (row >= 0.0).then(|| cells.get_mut(row as usize)).flatten();
        let slot = slot.ok_or_else(|| format!("there is no row {row}; there are {n_rows}, from 0"))?;
        if let Some(value) = value.get(row as usize) {
            *slot = value.clone();
        }
        Ok(cells)
    }
}

/// The number in a cell, `None` if it is missing.
fn number(cell: &Cell) -> Result<Option<f64>, String> {
    match cell {
        Cell::Number(value) => Ok(Some(*value)),
        Cell::Missing(_) => Ok(None),
        Cell::Text(text) => Err(format!("a number is needed, and `{text}` is text")),
    }
}

fn cell(value: Option<f64>) -> Cell {
    value.map_or_else(Cell::blank, Cell::Number)
}

fn map(cells: &[Cell], mut f: impl FnMut(f64) -> f64) -> Result<Cells, String> {
    cells.iter().map(|x| Ok(cell(number(x)?.map(&mut f)))).collect()
}

fn map2(a: &[Cell], b: &[Cell], mut f: impl FnMut(f64, f64) -> f64) -> Result<Cells, String> {
    let both = |(a, b): (&Cell, &Cell)| Ok(cell(number(a)?.zip(number(b)?).map(|(a, b)| f(a, b))));
    a.iter().zip(b).map(both).collect()
}

fn pick(condition: &[Cell], yes: Cells, no: Cells) -> Result<Cells, String> {
    let one = |(condition, (yes, no)): (&Cell, (Cell, Cell))| {
        Ok(match number(condition)? {
            Some(value) if is_zero(value) => no,
            Some(_) => yes,
            None => Cell::blank(),
        })
    };
    condition.iter().zip(yes.into_iter().zip(no)).map(one).collect()
}

fn joined(prefix: &Cell, value: &Cell) -> Cell {
    match value {
        Cell::Missing(_) => Cell::blank(),
        value => Cell::Text(Arc::from(format!("{prefix}{value}"))),
    }
}

/// `x` to a number of decimals, halves away from zero; negative digits round to tens, hundreds and so on.
fn round(x: f64, digits: f64) -> f64 {
    let scale = libm::pow(10.0, digits.abs().min(300.0).round());
    let rounded = if digits >= 0.0 { (x * scale).round() / scale } else { (x / scale).round() * scale };
    if rounded.is_finite() { rounded } else { x }
}

fn is_zero(value: f64) -> bool {
    value.abs() <= 0.0
}

fn truth(is_true: bool) -> f64 {
    f64::from(u8::from(is_true))
}

fn binary(operator: Binary, a: &Cell, b: &Cell) -> Result<Cell, String> {
    use Binary::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    let is_comparison = matches!(operator, Equal | NotEqual | Less | LessOrEqual | Greater | GreaterOrEqual);
    if !is_comparison {
        let both = number(a)?.zip(number(b)?);
        return Ok(cell(both.map(|(a, b)| arithmetic(operator, a, b))));
    }
    let order = match (a, b) {
        (Cell::Missing(_), _) | (_, Cell::Missing(_)) => return Ok(Cell::blank()),
        (Cell::Number(a), Cell::Number(b)) => a.partial_cmp(b),
        (Cell::Text(a), Cell::Text(b)) => Some(a.cmp(b)),
        (a, b) => return Err(format!("`{a}` and `{b}` cannot be compared: one is text, one a number")),
    };
    Ok(Cell::Number(truth(match operator {
        NotEqual => order.is_none_or(|o| o.is_ne()),
        Less => order.is_some_and(|o| o.is_lt()),
        LessOrEqual => order.is_some_and(|o| o.is_le()),
        Greater => order.is_some_and(|o| o.is_gt()),
        GreaterOrEqual => order.is_some_and(|o| o.is_ge()),
        _ => order.is_some_and(|o| o.is_eq()),
    })))
}

fn arithmetic(operator: Binary, a: f64, b: f64) -> f64 {
    match operator {
        Binary::Or => truth(!is_zero(a) || !is_zero(b)),
        Binary::And => truth(!is_zero(a) && !is_zero(b)),
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        Binary::Remainder => a.rem_euclid(b),
        Binary::Power => libm::pow(a, b),
        _ => a + b,
    }
}
