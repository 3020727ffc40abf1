//! Formulas, and the functions they may call.

use std::ops::RangeInclusive;

/// What stands to the right of `=`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Formula {
    Number(f64),
    Text(String),
    Column(String),
    Not(Box<Self>),
    Binary(Binary, Box<Self>, Box<Self>),
    Call(Function, Vec<Self>),
    /// Literals with their weights.
    Choice(Vec<(Self, f64)>),
}

impl Formula {
    pub(super) fn binary(operator: Binary, left: Self, right: Self) -> Self {
        Self::Binary(operator, Box::new(left), Box::new(right))
    }
}

/// An operator between two formulas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}

/// A function; `choice` is read apart, since it takes weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Normal,
    Uniform,
    Integer,
    LogNormal,
    Exponential,
    Row,
    Sin,
    Cos,
    Exp,
    Log,
    Sqrt,
    Abs,
    Floor,
    Round,
    Min,
    Max,
    Pick,
    Text,
    Missing,
    At,
    Shuffled,
}

/// Every function by name, with the fewest and the most arguments it takes.
const FUNCTIONS: [(&str, Function, usize, usize); 21] = [
    ("normal", Function::Normal, 2, 2),
    ("uniform", Function::Uniform, 2, 2),
    ("integer", Function::Integer, 2, 2),
    ("lognormal", Function::LogNormal, 2, 2),
    ("exponential", Function::Exponential, 1, 1),
    ("row", Function::Row, 0, 0),
    ("sin", Function::Sin, 1, 1),
    ("cos", Function::Cos, 1, 1),
    ("exp", Function::Exp, 1, 1),
    ("log", Function::Log, 1, 1),
    ("sqrt", Function::Sqrt, 1, 1),
    ("abs", Function::Abs, 1, 1),
    ("floor", Function::Floor, 1, 1),
    ("round", Function::Round, 1, 2),
    ("min", Function::Min, 2, 2),
    ("max", Function::Max, 2, 2),
    ("pick", Function::Pick, 3, 3),
    ("text", Function::Text, 2, 2),
    ("missing", Function::Missing, 2, 3),
    ("at", Function::At, 3, 3),
    ("shuffled", Function::Shuffled, 1, 1),
];

impl Function {
    /// The function called `name`.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        FUNCTIONS.iter().find(|(known, ..)| *known == name).map(|(_, function, ..)| *function).ok_or_else(
            || {
                let known: Vec<_> = FUNCTIONS.iter().map(|(known, ..)| *known).collect();
                format!("there is no function `{name}`; there are {} and choice", known.join(", "))
            },
        )
    }

    /// How many arguments it takes.
    pub(super) fn arity(self) -> RangeInclusive<usize> {
        let entry = FUNCTIONS.iter().find(|(_, function, ..)| *function == self);
        entry.map_or(0..=0, |(.., least, most)| *least..=*most)
    }
}
