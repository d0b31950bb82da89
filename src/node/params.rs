//! Parameters on their way in: from the shared buffer and one text to values.

use super::pack::tag;
use crate::error::{Error, ErrorCode};
use crate::value::{Decimal, MAX_DEPTH, Value};

/// An error and, where it is about one of them, the number of the parameter.
#[derive(Debug)]
pub struct Failure {
    pub(super) error: Error,
    pub(super) parameter: Option<usize>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, parameter: None }
    }
}

/// How long the text of the parameters is, in UTF-16 units.
pub(super) fn text_length(slots: &[f64]) -> usize {
    slots.get(1).map_or(0, |length| *length as usize)
}

/// Reads all parameters; `None` is an absent one. The message of an error about
/// a parameter begins after the parameter's name, which only JavaScript knows.
pub(super) fn read_params(slots: &[f64], text: &[u16]) -> std::result::Result<Vec<Option<Value>>, Failure> {
    let (Some([count, _]), Some(slots)) = (slots.first_chunk(), slots.get(2..)) else {
        return Err(garbled().into());
    };
    let count = checked_count(*count, slots).ok_or_else(garbled)?;
    let mut reader = Reader { slots, text };
    let mut params = Vec::with_capacity(count);
    for parameter in 0..count {
        let value = reader.param().map_err(|problem| match problem {
            Problem::Garbled => garbled().into(),
            Problem::Value { code, path, message } => Failure {
                error: Error::new(code, format!("{}: {message}", place(&path))),
                parameter: Some(parameter),
            },
        })?;
        params.push(value);
    }
    Ok(params)
}

struct Reader<'a> {
    /// What has not been read yet.
    slots: &'a [f64],
    text: &'a [u16],
}

/// Why a parameter cannot be read.
enum Problem {
    /// The two sides do not understand each other.
    Garbled,
    /// The value itself is not acceptable.
    Value {
        code: ErrorCode,
        /// The way into the document, innermost first.
        path: Vec<String>,
        message: String,
    },
}

impl Problem {
    fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Value { code, path: Vec::new(), message: message.into() }
    }

    fn inside(mut self, step: impl FnOnce() -> String) -> Self {
        if let Self::Value { path, .. } = &mut self {
            path.push(step());
        }
        self
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::new(error.code, error.message)
    }
}

fn garbled() -> Error {
    let message =
        "The parameters cannot be read: the native part and the JavaScript part are of different versions.";
    Error::new(ErrorCode::Internal, message)
}

fn place(path: &[String]) -> String {
    if path.is_empty() {
        return String::new();
    }
    let steps: String = path.iter().rev().map(String::as_str).collect();
    format!(" at {}", steps.trim_start_matches('.'))
}

impl<'a> Reader<'a> {
    fn slot(&mut self) -> Result<f64, Problem> {
        let (slot, rest) = self.slots.split_first().ok_or(Problem::Garbled)?;
        self.slots = rest;
        Ok(*slot)
    }

    /// A number of values that follow, each of at least one slot.
    fn count(&mut self) -> Result<usize, Problem> {
        let slot = self.slot()?;
        checked_count(slot, self.slots).ok_or(Problem::Garbled)
    }

    /// As many UTF-16 units of the text as the next slot says.
    fn units(&mut self) -> Result<&'a [u16], Problem> {
        let slot = self.slot()?;
        let length = slot as usize;
        let (units, rest) = self.text.split_at_checked(length).ok_or(Problem::Garbled)?;
        self.text = rest;
        if length as f64 == slot { Ok(units) } else { Err(Problem::Garbled) }
    }

    fn string(&mut self) -> Result<String, Problem> {
        decode(self.units()?)
    }

    fn param(&mut self) -> Result<Option<Value>, Problem> {
        if self.slots.first() == Some(&f64::from(tag::ABSENT)) {
            self.slot()?;
            return Ok(None);
        }
        self.value(MAX_DEPTH).map(Some)
    }

    fn value(&mut self, levels: usize) -> Result<Value, Problem> {
        let slot = self.slot()?;
        let tag = slot as u8;
        if f64::from(tag) != slot {
            return Err(Problem::Garbled);
        }
        Ok(match tag {
            tag::NULL => Value::Null,
            tag::FALSE => Value::Bool(false),
            tag::TRUE => Value::Bool(true),
            tag::NUMBER => number(self.slot()?)?,
            tag::TEXT => Value::Text(self.string()?),
            tag::DATE => Value::Date(milliseconds(self.slot()?)?),
            tag::BYTES => Value::Bytes(bytes(self.units()?)?),
            tag::ARRAY => Value::Array(self.array(below(levels)?)?),
            tag::DOCUMENT => Value::Doc(self.document(below(levels)?)?),
            tag::BIGINT => Value::Int(integer(&self.string()?)?),
            tag::DECIMAL => Value::Decimal(Decimal::parse(&self.string()?)?),
            _ => return Err(Problem::Garbled),
        })
    }

    fn array(&mut self, levels: usize) -> Result<Vec<Value>, Problem> {
        let count = self.count()?;
        (0..count)
            .map(|i| self.value(levels).map_err(|problem| problem.inside(|| format!("[{i}]"))))
            .collect()
    }

    fn document(&mut self, levels: usize) -> Result<Vec<(String, Value)>, Problem> {
        let count = self.count()?;
        (0..count)
            .map(|_| {
                let units = self.units()?;
                let step = || format!(".{}", String::from_utf16_lossy(units));
                let key = decode(units).map_err(|problem| problem.inside(step))?;
                let value = self.value(levels).map_err(|problem| problem.inside(step))?;
                Ok((key, value))
            })
            .collect()
    }
}

fn checked_count(slot: f64, rest: &[f64]) -> Option<usize> {
    let count = slot as usize;
    (count as f64 == slot && count <= rest.len()).then_some(count)
}

fn below(levels: usize) -> Result<usize, Problem> {
    levels.checked_sub(1).ok_or_else(|| {
        Problem::new(ErrorCode::OutOfRange, format!("documents nest at most {MAX_DEPTH} levels deep"))
    })
}

/// JavaScript has one kind of number: what is whole and exact is an integer here.
fn number(value: f64) -> Result<Value, Problem> {
    if !value.is_finite() {
        let message = format!("{value} is not a number that can be stored or compared");
        return Err(Problem::new(ErrorCode::NotFinite, message));
    }
    let whole = value as i64;
    // Beyond the range of i64 the cast saturates, and 2^63 would look whole.
    Ok(if whole as f64 == value && whole != i64::MAX { Value::Int(whole) } else { Value::Float(value) })
}

fn milliseconds(value: f64) -> Result<i64, Problem> {
    let whole = value as i64;
    if whole as f64 == value {
        return Ok(whole);
    }
    Err(Problem::new(ErrorCode::NotFinite, "an invalid Date cannot be stored or compared"))
}

fn integer(text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(40).collect();
        Problem::new(ErrorCode::OutOfRange, format!("{shown} is outside of 64 bits"))
    })
}

fn bytes(units: &[u16]) -> Result<Vec<u8>, Problem> {
    units.iter().map(|&unit| u8::try_from(unit).map_err(|_| Problem::Garbled)).collect()
}

fn decode(units: &[u16]) -> Result<String, Problem> {
    // Put together character by character, a text would take several times as long.
    if units.iter().fold(0, |seen, unit| seen | unit) < 0x80
        && let Ok(text) = String::from_utf8(units.iter().map(|&unit| unit as u8).collect())
    {
        return Ok(text);
    }
    String::from_utf16(units).map_err(|_| {
        let mut position = 0;
        for unit in char::decode_utf16(units.iter().copied()) {
            match unit {
                Ok(character) => position += character.len_utf16(),
                Err(_) => break,
            }
        }
        let message = format!(
            "the text has half of a surrogate pair at position {position}, which is not Unicode; \
             String.prototype.toWellFormed() replaces such halves"
        );
        Problem::new(ErrorCode::LoneSurrogate, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    /// As `read_params`, with the length of the text where it belongs.
    fn read(slots: &[f64], text: &[u16]) -> std::result::Result<Vec<Option<Value>>, Failure> {
        let mut slots = slots.to_vec();
        slots.insert(slots.len().min(1), text.len() as f64);
        assert_eq!(text_length(&slots), if slots.len() > 1 { text.len() } else { 0 });
        read_params(&slots, text)
    }

    fn refused(slots: &[f64], text: &[u16]) -> (ErrorCode, Option<usize>, String) {
        let failure = read(slots, text).unwrap_err();
        (failure.error.code, failure.parameter, failure.error.message)
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let slots =
            [9., 0., 2., 3., 1.5, 4., 3., 5., 1000., 6., 2., 11., 8., 1., 1., 7., 2., 3., 7., 1., 9., 2.];
        let text = [units("né😀")[..2].to_vec(), units("!"), vec![0, 255], units("k-5")].concat();
        let params = read(&slots, &text).unwrap();
        let expected = [
            Some(Value::Null),
            Some(Value::Bool(true)),
            Some(Value::Float(1.5)),
            Some(Value::Text("né!".into())),
            Some(Value::Date(1000)),
            Some(Value::Bytes(vec![0, 255])),
            None,
            Some(Value::Doc(vec![("k".into(), Value::Array(vec![Value::Int(7), Value::Bool(false)]))])),
            Some(Value::Int(-5)),
        ];
        assert_eq!(params, expected);
    }

    #[test]
    fn whole_numbers_are_integers_as_far_as_they_go() {
        assert!(matches!(number(-3.0), Ok(Value::Int(-3))));
        assert!(matches!(number(-(2f64.powi(63))), Ok(Value::Int(i64::MIN))));
        assert!(matches!(number(2f64.powi(63)), Ok(Value::Float(_))));
        assert!(matches!(number(1e300), Ok(Value::Float(_))));
    }

    #[test]
    fn half_a_surrogate_pair_is_refused_with_its_parameter_path_and_position() {
        let mut text = units("okab");
        text.extend([0xD800, u16::from(b'c')]);
        let slots = [2., 4., 2., 8., 1., 1., 7., 1., 4., 3.];
        let (code, parameter, message) = refused(&slots, &text);
        assert_eq!((code, parameter), (ErrorCode::LoneSurrogate, Some(1)));
        assert!(message.starts_with(" at a[0]: ") && message.contains("position 1"), "{message}");
    }

    #[test]
    fn two_texts_do_not_make_a_pair_of_their_halves() {
        let (code, parameter, _) = refused(&[2., 4., 1., 4., 1.], &units("😀"));
        assert_eq!((code, parameter), (ErrorCode::LoneSurrogate, Some(0)));
    }

    #[test]
    fn numbers_that_are_none_and_integers_beyond_64_bits_are_refused() {
        assert_eq!(refused(&[1., 3., f64::NAN], &[]).0, ErrorCode::NotFinite);
        assert_eq!(refused(&[1., 5., f64::INFINITY], &[]).0, ErrorCode::NotFinite);
        assert_eq!(refused(&[1., 9., 19.], &units("9223372036854775808")).0, ErrorCode::OutOfRange);
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| -> Vec<f64> {
            let mut slots = vec![1.0];
            for _ in 0..levels {
                slots.extend([7.0, 1.0]);
            }
            slots.push(0.0);
            slots
        };
        assert!(read(&nested(MAX_DEPTH), &[]).is_ok());
        assert_eq!(refused(&nested(MAX_DEPTH + 1), &[]).0, ErrorCode::OutOfRange);
        assert_eq!(refused(&nested(1_000_000), &[]).0, ErrorCode::OutOfRange);
    }

    #[test]
    fn garbage_is_an_error_and_takes_no_memory() {
        for slots in [
            &[][..],
            &[-1.0],
            &[f64::NAN],
            &[1e300],
            &[1.0],
            &[1.0, 99.0],
            &[1.0, 0.5],
            &[1.0, 4.0, 5.0],
            &[1.0, 4.0, -1.0],
            &[1.0, 7.0, 1e15, 0.0],
        ] {
            assert_eq!(refused(slots, &[]).0, ErrorCode::Internal, "{slots:?}");
        }
    }
}
