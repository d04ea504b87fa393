//! One line of `OpenMetrics` 1.0 by its grammar, to the letter.

/// Names and values of labels, in their order.
pub(crate) type Labels = Vec<(String, String)>;

/// A line of a series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    /// The name as written, with its suffix.
    pub(crate) name: String,
    /// The labels, unescaped.
    pub(crate) labels: Labels,
    /// The value as written.
    pub(crate) text: String,
    /// The value.
    pub(crate) value: f64,
    /// The moment, if there is one, in seconds.
    pub(crate) timestamp: Option<f64>,
    /// Whether an exemplar follows.
    pub(crate) has_exemplar: bool,
}

/// A line that is no series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line<'l> {
    /// `TYPE`, `UNIT` or `HELP`, a name, and what is said of it.
    About { what: &'l str, name: &'l str, said: &'l str },
    /// A series, still to be read.
    Sample(&'l str),
}

/// The most letters that the labels of an exemplar have together.
const EXEMPLAR_LETTERS_MAX: usize = 128;

/// Tells the lines apart; the last one, `# EOF`, is none of them.
pub(crate) fn line(text: &str) -> Result<Line<'_>, String> {
    let Some(about) = text.strip_prefix('#') else { return Ok(Line::Sample(text)) };
    let mut parts = about.strip_prefix(' ').ok_or("no space after #")?.splitn(3, ' ');
    let what = parts.next().unwrap_or_default();
    if !["TYPE", "UNIT", "HELP"].contains(&what) {
        return Err(format!("a comment: {text}"));
    }
    let name = parts.next().filter(|name| is_metric_name(name)).ok_or("no name")?;
    let said = parts.next().ok_or("nothing is said of it")?;
    Ok(Line::About { what, name, said })
}

/// Reads a series.
pub(crate) fn sample(text: &str) -> Result<Sample, String> {
    let end = text.find(['{', ' ']).ok_or("no value")?;
    let (name, rest) = text.split_at(end);
    if !is_metric_name(name) {
        return Err(format!("{name} is no name"));
    }
    let (labels, rest) = if rest.starts_with('{') { labels(rest)? } else { (Vec::new(), rest) };
    let (numbers, exemplar) = match rest.split_once(" # ") {
        Some((numbers, exemplar)) => (numbers, Some(exemplar)),
        None => (rest, None),
    };
    let (written, timestamp) = numbers_of(numbers)?;
    exemplar.map_or(Ok(()), check_exemplar)?;
    Ok(Sample {
        name: name.to_owned(),
        labels,
        text: written.to_owned(),
        value: number(written)?,
        timestamp,
        has_exemplar: exemplar.is_some(),
    })
}

/// ` VALUE` or ` VALUE TIMESTAMP`: the value as written, and the moment.
fn numbers_of(text: &str) -> Result<(&str, Option<f64>), String> {
    let text = text.strip_prefix(' ').ok_or("no space before the value")?;
    let Some((value, timestamp)) = text.split_once(' ') else { return Ok((text, None)) };
    if !is_real(timestamp) {
        return Err(format!("{timestamp} is no moment"));
    }
    Ok((value, timestamp.parse().ok()))
}

fn check_exemplar(text: &str) -> Result<(), String> {
    let (labels, rest) = labels(text)?;
    let letters = labels.iter().map(|(name, value)| name.chars().count() + value.chars().count());
    if letters.sum::<usize>() > EXEMPLAR_LETTERS_MAX {
        return Err("the exemplar has too long labels".to_owned());
    }
    number(numbers_of(rest)?.0).map(|_| ())
}

/// The labels in braces at the beginning, and what follows them.
fn labels(text: &str) -> Result<(Labels, &str), String> {
    let mut rest = text.strip_prefix('{').ok_or("no brace")?;
    let mut labels: Labels = Vec::new();
    if let Some(behind) = rest.strip_prefix('}') {
        return Ok((labels, behind));
    }
    loop {
        let (name, value) = rest.split_once("=\"").ok_or("no label")?;
        if !is_label_name(name) || labels.iter().any(|(known, _)| known == name) {
            return Err(format!("{name} is no label, or stands twice"));
        }
        let (value, behind) = quoted(value)?;
        labels.push((name.to_owned(), value));
        if let Some(behind) = behind.strip_prefix('}') {
            return Ok((labels, behind));
        }
        rest = behind.strip_prefix(',').ok_or("no comma between labels")?;
    }
}

/// A text up to its closing quote, unescaped, and what follows.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut letters = text.chars();
    loop {
        match letters.next().ok_or("no closing quote")? {
            '"' => return Ok((value, letters.as_str())),
            '\\' => match letters.next().ok_or("no closing quote")? {
                'n' => value.push('\n'),
                escaped @ ('"' | '\\') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            letter => value.push(letter),
        }
    }
}

/// A value, also one that is not finite.
pub(crate) fn number(text: &str) -> Result<f64, String> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text).to_ascii_lowercase();
    let named = matches!(unsigned.as_str(), "inf" | "infinity") || text.eq_ignore_ascii_case("nan");
    if !named && !is_real(text) {
        return Err(format!("{text} is no number"));
    }
    text.parse().map_err(|_not_a_float| format!("{text} is no number"))
}

/// `realnumber` of the grammar.
fn is_real(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
        }
        None => (unsigned, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    [whole, fraction, exponent].iter().all(|digits| are_digits(digits))
        && !exponent.is_empty()
        && !(whole.is_empty() && fraction.is_empty())
}

fn is_metric_name(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_alphabetic() || matches!(letter, '_' | ':'))
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | ':'))
}

fn is_label_name(name: &str) -> bool {
    is_metric_name(name) && !name.contains(':')
}
