//! From the lines of a recipe to statements.

use std::ops::Range;

use super::formula::{Binary, Formula, Function};
use super::token::Token;

/// Brackets and powers may nest this deep.
const MAX_DEPTH: usize = 64;

/// A line may have this many words and signs.
const MAX_TOKENS: usize = 1000;

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Statement {
    Assign(String, Formula),
    SortBy(String),
    Shuffle,
    Repeat(Range<usize>),
    TakeFromTrain(Range<usize>),
}

/// Reads one line; `None` for an empty line or a comment.
pub(super) fn statement(tokens: &[Token]) -> Result<Option<Statement>, String> {
    if tokens.len() > MAX_TOKENS {
        return Err(format!("the line has more than {MAX_TOKENS} words and signs"));
    }
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let statement = match tokens {
        [] => return Ok(None),
        [Token::Name(name) | Token::Quoted(name), Token::Sign("="), ..] => {
            parser.at = 2;
            Statement::Assign(name.clone(), parser.formula()?)
        }
        [Token::Name(word), ..] => {
            parser.at = 1;
            parser.directive(word)?
        }
        [first, ..] => return Err(format!("a line starts with a name, not with `{}`", first.shown())),
    };
    match parser.next() {
        None => Ok(Some(statement)),
        Some(token) => Err(format!("`{}` is not expected here", token.shown())),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'a Token> {
        let token = self.peek();
        self.at += 1;
        token
    }

    /// Steps over `sign` if it comes next.
    fn takes(&mut self, sign: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Sign(s)) if *s == sign);
        self.at += usize::from(is_next);
        is_next
    }

    /// Steps over `word` if it comes next.
    fn takes_word(&mut self, word: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Name(n)) if n == word);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.takes(sign) { Ok(()) } else { Err(self.instead_of(&format!("`{sign}`"))) }
    }

    fn expect_word(&mut self, word: &str) -> Result<(), String> {
        if self.takes_word(word) { Ok(()) } else { Err(self.instead_of(&format!("`{word}`"))) }
    }

    fn instead_of(&self, wanted: &str) -> String {
        match self.peek() {
            Some(token) => format!("expected {wanted}, found `{}`", token.shown()),
            None => format!("expected {wanted}, found the end of the line"),
        }
    }

    fn directive(&mut self, word: &str) -> Result<Statement, String> {
        match word {
            "shuffle" => Ok(Statement::Shuffle),
            "sort" => {
                self.expect_word("by")?;
                match self.next() {
                    Some(Token::Name(name) | Token::Quoted(name)) => Ok(Statement::SortBy(name.clone())),
                    _ => Err("expected the name of a column after `sort by`".into()),
                }
            }
            "repeat" => {
                self.expect_word("rows")?;
                Ok(Statement::Repeat(self.range()?))
            }
            "take" => {
                self.expect_word("rows")?;
                let rows = self.range()?;
                self.expect_word("from")?;
                self.expect_word("train")?;
                Ok(Statement::TakeFromTrain(rows))
            }
            _ => Err(format!(
                "expected `{word} = …`, or one of `sort by`, `shuffle`, `repeat rows`, `take rows`"
            )),
        }
    }

    fn range(&mut self) -> Result<Range<usize>, String> {
        let start = self.row_number()?;
        self.expect("..")?;
        let end = self.row_number()?;
        if start > end {
            return Err(format!("`{start}..{end}` ends before it starts"));
        }
        Ok(start..end)
    }

    fn row_number(&mut self) -> Result<usize, String> {
        match self.next() {
            Some(Token::Number(n)) if n.fract().abs() < f64::EPSILON && *n < 1e12 => Ok(*n as usize),
            _ => Err("expected the number of a row, counted from 0".into()),
        }
    }

    /// The operators that bind loosest first: `or`, `and`, `not`, comparisons, `+ -`, `* / %`, sign, `^`.
    fn formula(&mut self) -> Result<Formula, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("the formula nests deeper than {MAX_DEPTH} levels"));
        }
        let mut left = self.conjunction()?;
        while self.takes_word("or") {
            left = Formula::binary(Binary::Or, left, self.conjunction()?);
        }
        self.depth -= 1;
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Formula, String> {
        let mut left = self.negation()?;
        while self.takes_word("and") {
            left = Formula::binary(Binary::And, left, self.negation()?);
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Formula, String> {
        let mut times = 0;
        while self.takes_word("not") {
            times += 1;
        }
        let formula = self.comparison()?;
        Ok(match times {
            0 => formula,
            n => {
                let once = Formula::Not(Box::new(formula));
                if n % 2 == 1 { once } else { Formula::Not(Box::new(once)) }
            }
        })
    }

    fn comparison(&mut self) -> Result<Formula, String> {
        use Binary::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        let left = self.sum()?;
        let signs = [
            ("==", Equal),
            ("!=", NotEqual),
            ("<=", LessOrEqual),
            (">=", GreaterOrEqual),
            ("<", Less),
            (">", Greater),
        ];
        match signs.into_iter().find(|(sign, _)| self.takes(sign)) {
            Some((_, operator)) => Ok(Formula::binary(operator, left, self.sum()?)),
            None => Ok(left),
        }
    }

    fn sum(&mut self) -> Result<Formula, String> {
        self.chain(&[("+", Binary::Add), ("-", Binary::Subtract)], Self::product)
    }

    fn product(&mut self) -> Result<Formula, String> {
        let signs = [("*", Binary::Multiply), ("/", Binary::Divide), ("%", Binary::Remainder)];
        self.chain(&signs, Self::signed)
    }

    /// Operators of one strength, from left to right.
    fn chain(
        &mut self,
        signs: &[(&str, Binary)],
        operand: fn(&mut Self) -> Result<Formula, String>,
    ) -> Result<Formula, String> {
        let mut left = operand(self)?;
        while let Some((_, operator)) = signs.iter().find(|(sign, _)| self.takes(sign)) {
            left = Formula::binary(*operator, left, operand(self)?);
        }
        Ok(left)
    }

    fn signed(&mut self) -> Result<Formula, String> {
        let mut is_negative = false;
        loop {
            if self.takes("-") {
                is_negative = !is_negative;
            } else if !self.takes("+") {
                break;
            }
        }
        let formula = self.power()?;
        Ok(match (is_negative, formula) {
            (false, formula) => formula,
            (true, Formula::Number(value)) => Formula::Number(-value),
            (true, formula) => Formula::binary(Binary::Subtract, Formula::Number(0.0), formula),
        })
    }

    fn power(&mut self) -> Result<Formula, String> {
        let base = self.atom()?;
        if !self.takes("^") {
            return Ok(base);
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("the formula nests deeper than {MAX_DEPTH} levels"));
        }
        let exponent = self.signed()?;
        self.depth -= 1;
        Ok(Formula::binary(Binary::Power, base, exponent))
    }

    fn atom(&mut self) -> Result<Formula, String> {
        if self.takes("(") {
            let formula = self.formula()?;
            self.expect(")")?;
            return Ok(formula);
        }
        let problem = self.instead_of("a value");
        match self.next() {
            Some(Token::Number(value)) => Ok(Formula::Number(*value)),
            Some(Token::Text(text)) => Ok(Formula::Text(text.clone())),
            Some(Token::Quoted(name)) => Ok(Formula::Column(name.clone())),
            Some(Token::Name(name)) if self.takes("(") => self.call(name),
            Some(Token::Name(name)) => Ok(Formula::Column(name.clone())),
            _ => Err(problem),
        }
    }

    fn call(&mut self, name: &str) -> Result<Formula, String> {
        if name == "choice" {
            return self.choice();
        }
        let function = Function::named(name)?;
        let mut arguments = Vec::new();
        while !self.takes(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
            }
            arguments.push(self.formula()?);
        }
        if !function.arity().contains(&arguments.len()) {
            let (least, most) = function.arity().into_inner();
            let wanted = if least == most { least.to_string() } else { format!("{least} or {most}") };
            return Err(format!("`{name}` takes {wanted} arguments, not {}", arguments.len()));
        }
        Ok(Formula::Call(function, arguments))
    }

    /// `choice("a": 0.7, "b": 0.3)`; without weights all are equally likely.
    fn choice(&mut self) -> Result<Formula, String> {
        let mut options = Vec::new();
        while !self.takes(")") {
            if !options.is_empty() {
                self.expect(",")?;
            }
            let value = self.signed()?;
            if !matches!(value, Formula::Number(_) | Formula::Text(_)) {
                return Err("`choice` takes texts and numbers, each with its weight: `\"a\": 0.7`".into());
            }
            let weight = if self.takes(":") { self.weight()? } else { 1.0 };
            options.push((value, weight));
        }
        let total: f64 = options.iter().map(|(_, weight)| weight).sum();
        if total > 0.0 && total.is_finite() {
            Ok(Formula::Choice(options))
        } else {
            Err("the weights of `choice` must have a sum above 0".into())
        }
    }

    fn weight(&mut self) -> Result<f64, String> {
        let problem = self.instead_of("a weight");
        match self.next() {
            Some(Token::Number(weight)) => Ok(*weight),
            _ => Err(problem),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::token::tokens;

    fn statement(line: &str) -> Result<Option<Statement>, String> {
        super::statement(&tokens(line).unwrap())
    }

    fn error(line: &str) -> String {
        statement(line).unwrap_err()
    }

    #[test]
    fn operators_bind_as_in_arithmetic() {
        let same = |a: &str, b: &str| assert_eq!(statement(a).unwrap(), statement(b).unwrap(), "{a}");
        same("x = 1 + 2 * 3 ^ 2 ^ 2", "x = 1 + (2 * (3 ^ (2 ^ 2)))");
        same("x = a - b - c", "x = (a - b) - c");
        same("x = not a < 1 and b or c", "x = ((not (a < 1)) and b) or c");
        same("x = -a ^ 2", "x = 0 - (a ^ 2)");
        same("x = 2 ^ -1", "x = 2 ^ (-1)");
        same("x = normal(0, 1) # comment", "x=normal( 0,1 )");
    }

    #[test]
    fn directives() {
        assert_eq!(statement("sort by `a b`").unwrap(), Some(Statement::SortBy("a b".into())));
        assert_eq!(statement("shuffle").unwrap(), Some(Statement::Shuffle));
        assert_eq!(statement("repeat rows 1..3").unwrap(), Some(Statement::Repeat(1..3)));
        assert_eq!(statement("take rows 0..5 from train").unwrap(), Some(Statement::TakeFromTrain(0..5)));
        assert_eq!(statement("  # nothing").unwrap(), None);
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(error("x = normal(0)"), "`normal` takes 2 arguments, not 1");
        assert_eq!(error("x = (1 + 2"), "expected `)`, found the end of the line");
        assert_eq!(error("x = 1 2"), "`2` is not expected here");
        assert_eq!(error("x ="), "expected a value, found the end of the line");
        assert_eq!(error("repeat rows 5..3"), "`5..3` ends before it starts");
        assert!(error("x = norml(0, 1)").starts_with("there is no function `norml`"));
        assert!(error("x = choice(\"a\": 0)").contains("sum above 0"));
        assert!(error("y").starts_with("expected `y = …`"));
        assert!(error(&format!("x = {}1{}", "(".repeat(400), ")".repeat(400))).contains("nests deeper"));
        assert!(error(&format!("x = {}1", "2^".repeat(400))).contains("nests deeper"));
    }
}
