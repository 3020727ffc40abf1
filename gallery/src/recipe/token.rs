//! Words of a recipe line.

/// The smallest unit of a line.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A column or function name.
    Name(String),
    /// A column name in backticks, which is never a function or a keyword.
    Quoted(String),
    Number(f64),
    Text(String),
    /// An operator or a bracket.
    Sign(&'static str),
}

/// Signs, longer ones before their beginnings.
const SIGNS: [&str; 19] =
    ["..", "==", "!=", "<=", ">=", "<", ">", "=", "+", "-", "*", "/", "^", "%", "(", ")", ",", ":", "."];

impl Token {
    /// The token as the user wrote it, for messages.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Name(name) | Self::Quoted(name) => name.clone(),
            Self::Number(value) => value.to_string(),
            Self::Text(text) => format!("{text:?}"),
            Self::Sign(sign) => (*sign).to_owned(),
        }
    }
}

/// Splits a line into tokens; a `#` outside quotes starts a comment.
pub(super) fn tokens(line: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '#' {
            break;
        }
        let (token, after) = match first {
            '"' => text(rest)?,
            '`' => quoted(rest)?,
            c if c.is_ascii_digit() || (c == '.' && second_is_digit(rest)) => number(rest)?,
            c if c == '_' || c.is_alphabetic() => name(rest),
            c => sign(rest).ok_or_else(|| format!("`{c}` has no meaning here"))?,
        };
        found.push(token);
        rest = after.trim_start();
    }
    Ok(found)
}

fn second_is_digit(rest: &str) -> bool {
    rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit())
}

fn name(rest: &str) -> (Token, &str) {
    let (name, after) = split_while(rest, |c| c == '_' || c.is_alphanumeric());
    (Token::Name(name.to_owned()), after)
}

fn sign(rest: &str) -> Option<(Token, &str)> {
    SIGNS.iter().find_map(|sign| Some((Token::Sign(sign), rest.strip_prefix(sign)?)))
}

fn quoted(rest: &str) -> Result<(Token, &str), String> {
    let (name, after) =
        rest.get(1..).and_then(|r| r.split_once('`')).ok_or("a name in backticks has no end")?;
    Ok((Token::Quoted(name.to_owned()), after))
}

fn text(rest: &str) -> Result<(Token, &str), String> {
    let mut value = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((Token::Text(value), rest.get(at + 1..).unwrap_or_default())),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, c @ ('"' | '\\'))) => value.push(c),
                Some((_, c)) => return Err(format!("there is no escape `\\{c}`; write `\\\\` for `\\`")),
                None => break,
            },
            c => value.push(c),
        }
    }
    Err("a text has no closing quote".into())
}

/// Digits, a fraction and an exponent. `0..5` is the number 0 and then the sign `..`.
fn number(rest: &str) -> Result<(Token, &str), String> {
    let digits = |text: &str| split_while(text, |c| c.is_ascii_digit()).0.len();
    let mut end = digits(rest);
    let fraction = rest.get(end..).unwrap_or_default();
    if fraction.starts_with('.') && !fraction.starts_with("..") {
        end += 1 + digits(fraction.get(1..).unwrap_or_default());
    }
    let exponent = rest.get(end..).unwrap_or_default();
    if let Some(power) = exponent.strip_prefix(['e', 'E']) {
        let sign = usize::from(power.starts_with(['+', '-']));
        let n_digits = digits(power.get(sign..).unwrap_or_default());
        if n_digits > 0 {
            end += 1 + sign + n_digits;
        }
    }
    let (number, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let value: f64 = number.parse().map_err(|_| format!("`{number}` is not a number"))?;
    Ok((Token::Number(value), after))
}

fn split_while(text: &str, keep: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !keep(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Vec<String> {
        tokens(line).unwrap().iter().map(Token::shown).collect()
    }

    #[test]
    fn splits_lines() {
        assert_eq!(
            shown("a_1 = .5*x^2 >= 1e-3 # note"),
            ["a_1", "=", "0.5", "*", "x", "^", "2", ">=", "0.001"]
        );
        assert_eq!(shown("repeat rows 10..20"), ["repeat", "rows", "10", "..", "20"]);
        assert_eq!(
            tokens("`a b` = \"x # \\\" y\"").unwrap(),
            [Token::Quoted("a b".into()), Token::Sign("="), Token::Text("x # \" y".into())]
        );
        assert_eq!(shown("größe"), ["größe"]);
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(tokens("x = \"abc").unwrap_err(), "a text has no closing quote");
        assert_eq!(tokens("x = `abc").unwrap_err(), "a name in backticks has no end");
        assert_eq!(tokens("x = §").unwrap_err(), "`§` has no meaning here");
        assert_eq!(tokens(r#"x = "\q""#).unwrap_err(), "there is no escape `\\q`; write `\\\\` for `\\`");
    }
}
