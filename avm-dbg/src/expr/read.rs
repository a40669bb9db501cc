//! Reading expressions.

use std::collections::BTreeSet;

use avm_ir::{DefaultValue, Kind, Opcode, StatusWord, Value, value::Record};

use super::{ExprError, Part, Path, tree::Tree};

/// Longest expression, in bytes.
const MAX_LENGTH: usize = 4096;
/// Brackets and prefix operators around a value.
const MAX_NESTING: u32 = 64;
/// Operators of an expression.
const MAX_OPERATORS: u32 = 256;
/// Names of an expression.
const MAX_NAMES: usize = 64;

/// Operators of two values that are instructions, the longer signs first, with their strength.
const SIGNS: [(&str, Opcode, u8); 12] = [
    ("==", Opcode::EQ, COMPARISON),
    ("!=", Opcode::NE, COMPARISON),
    ("<=", Opcode::LE, COMPARISON),
    (">=", Opcode::GE, COMPARISON),
    ("<", Opcode::LT, COMPARISON),
    (">", Opcode::GT, COMPARISON),
    // Nothing is written here, so one sign is enough.
    ("=", Opcode::EQ, COMPARISON),
    ("+", Opcode::ADD, SUM),
    ("-", Opcode::SUB, SUM),
    ("*", Opcode::MUL, PRODUCT),
    ("/", Opcode::DIV, PRODUCT),
    ("%", Opcode::MOD, PRODUCT),
];
const COMPARISON: u8 = 0;
const SUM: u8 = 1;
const PRODUCT: u8 = 2;

/// Families of instructions that need nothing but their operands.
const PURE: [&str; 7] = ["arith", "compare", "convert", "data", "list", "text", "vector"];

pub(super) struct Reader<'a> {
    text: &'a str,
    /// In bytes.
    at: usize,
    nesting: u32,
    operators: u32,
    /// Names in the order in which they came.
    pub(super) names: Vec<String>,
}

type Read<T> = Result<T, ExprError>;

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Read<Self> {
        if text.len() > MAX_LENGTH {
            let message = format!("an expression has at most {MAX_LENGTH} bytes");
            return Err(ExprError { at: 0, message });
        }
        Ok(Self { text, at: 0, nesting: 0, operators: 0, names: Vec::new() })
    }

    /// What is left, without space before it.
    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        self.at = self.text.len() - rest.trim_start().len();
        &self.text[self.at..]
    }

    fn error(&self, message: impl Into<String>) -> ExprError {
        ExprError { at: self.text[..self.at].chars().count(), message: message.into() }
    }

    /// Fails at a place that was passed.
    fn wrong<T>(&mut self, at: usize, message: impl Into<String>) -> Read<T> {
        self.at = at;
        Err(self.error(message))
    }

    /// Makes sure that nothing more comes, or says what could.
    pub(super) fn finish(&mut self, wanted: &str) -> Read<()> {
        if self.rest().is_empty() {
            return Ok(());
        }
        Err(self.error(format!("expected {wanted}")))
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        self.at += if found { sign.len() } else { 0 };
        found
    }

    fn expect(&mut self, sign: &str) -> Read<()> {
        if self.sign(sign) { Ok(()) } else { Err(self.error(format!("expected `{sign}`"))) }
    }

    /// A word in any case.
    fn word(&mut self, word: &str) -> bool {
        let found = self.peek_name().eq_ignore_ascii_case(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// A name; one of a register without a name begins with `%`.
    fn peek_name(&mut self) -> &'a str {
        let rest = self.rest();
        let in_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '@' | '$');
        let start = usize::from(rest.starts_with('%'));
        let length = rest[start..].find(|c| !in_name(c)).unwrap_or(rest.len() - start);
        if length == 0 { "" } else { &rest[..start + length] }
    }

    fn name(&mut self, what: &str) -> Read<&'a str> {
        let name = self.peek_name();
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(self.error(format!("expected {what}")));
        }
        self.at += name.len();
        Ok(name)
    }

    pub(super) fn path(&mut self) -> Read<Path> {
        let name = self.name("a register's name")?.to_owned();
        let mut parts = Vec::new();
        loop {
            if self.sign(".") {
                parts.push(Part::Field(self.name("a field's name")?.to_owned()));
            } else if self.sign("[") {
                self.rest();
                let start = self.at;
                let negative = self.sign("-");
                parts.push(match self.literal(negative)? {
                    Some(Value::Int(index)) => Part::Item(index),
                    Some(Value::Text(name)) if !negative => Part::Field(name.as_str().to_owned()),
                    _ => return self.wrong(start, "expected a whole number or a text"),
                });
                self.expect("]")?;
            } else {
                return Ok(Path { name, parts });
            }
        }
    }

    /// Counts an operator.
    fn operator(&mut self) -> Read<()> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            return Err(self.error(format!("an expression has at most {MAX_OPERATORS} operators")));
        }
        Ok(())
    }

    fn inside<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(self.error(format!("an expression nests at most {MAX_NESTING} levels")));
        }
        let result = read(self)?;
        self.nesting -= 1;
        Ok(result)
    }

    /// Any expression.
    pub(super) fn expression(&mut self) -> Read<Tree> {
        self.inside(|this| {
            let mut left = this.conjunction()?;
            while this.word("or") {
                this.operator()?;
                left = Tree::Either(true, left.into(), this.conjunction()?.into());
            }
            Ok(left)
        })
    }

    fn conjunction(&mut self) -> Read<Tree> {
        let mut left = self.negation()?;
        while self.word("and") {
            self.operator()?;
            left = Tree::Either(false, left.into(), self.negation()?.into());
        }
        Ok(left)
    }

    fn negation(&mut self) -> Read<Tree> {
        if !self.word("not") {
            return self.comparison();
        }
        let value = self.inside(Self::negation)?;
        Ok(Tree::op(Opcode::NOT, [value]))
    }

    fn comparison(&mut self) -> Read<Tree> {
        let left = self.chain(SUM)?;
        let Some(op) = self.relation() else { return Ok(left) };
        self.operator()?;
        let tree = Tree::op(op, [left, self.chain(SUM)?]);
        self.rest();
        let start = self.at;
        if self.relation().is_some() {
            return self.wrong(start, "comparisons do not chain; join them by AND");
        }
        Ok(tree)
    }

    fn relation(&mut self) -> Option<Opcode> {
        if self.word("contains") {
            return Some(Opcode::CONTAINS);
        }
        self.one_of(COMPARISON)
    }

    fn one_of(&mut self, strength: u8) -> Option<Opcode> {
        let mut signs = SIGNS.iter().filter(|(_, _, found)| *found == strength);
        signs.find(|(sign, ..)| self.sign(sign)).map(|(_, op, _)| *op)
    }

    fn chain(&mut self, strength: u8) -> Read<Tree> {
        if strength > PRODUCT {
            return self.unary();
        }
        let mut left = self.chain(strength + 1)?;
        while let Some(op) = self.one_of(strength) {
            self.operator()?;
            left = Tree::op(op, [left, self.chain(strength + 1)?]);
        }
        Ok(left)
    }

    fn unary(&mut self) -> Read<Tree> {
        if !self.sign("-") {
            let value = self.primary()?;
            return self.parts(value);
        }
        if let Some(number) = self.literal(true)? {
            return self.parts(Tree::Constant(number));
        }
        let value = self.inside(Self::unary)?;
        Ok(Tree::op(Opcode::NEG, [value]))
    }

    fn parts(&mut self, mut value: Tree) -> Read<Tree> {
        loop {
            if self.sign(".") {
                let field = self.name("a field's name")?;
                value = Tree::Part(value.into(), Tree::Constant(field.into()).into());
            } else if self.sign("[") {
                let key = self.expression()?;
                self.expect("]")?;
                value = Tree::Part(value.into(), key.into());
            } else {
                return Ok(value);
            }
            self.operator()?;
        }
    }

    fn primary(&mut self) -> Read<Tree> {
        if let Some(value) = self.literal(false)? {
            return Ok(Tree::Constant(value));
        }
        if self.sign("(") {
            let value = self.expression()?;
            self.expect(")")?;
            return Ok(value);
        }
        if self.sign("[") {
            let items = self.items("]", Self::expression)?;
            let constant = items.iter().map(|item| item.constant().cloned()).collect::<Option<_>>();
            return Ok(match constant {
                Some(items) => Tree::Constant(Value::list(items)),
                None => Tree::List(items),
            });
        }
        if self.sign("{") {
            return self.record();
        }
        let start = self.at;
        let name =
            self.name("a value: a register, NULL, true, a number or a text in double quotes")?;
        if self.sign("(") {
            return self.call(start, name);
        }
        if StatusWord::ALL.iter().any(|word| word.name() == name) {
            return self.wrong(start, "a status word is not to be had here; `status` shows them");
        }
        let known = self.names.iter().position(|known| known == name);
        let number = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        if number >= MAX_NAMES {
            return self.wrong(start, format!("an expression has at most {MAX_NAMES} registers"));
        }
        Ok(Tree::Name(number))
    }

    /// What stands between commas, up to a closing bracket.
    fn items<T>(
        &mut self,
        close: &str,
        mut read: impl FnMut(&mut Self) -> Read<T>,
    ) -> Read<Vec<T>> {
        let mut items = Vec::new();
        if self.sign(close) {
            return Ok(items);
        }
        loop {
            items.push(read(self)?);
            if self.sign(close) {
                return Ok(items);
            }
            if !self.sign(",") {
                return Err(self.error(format!("expected `,` or `{close}`")));
            }
        }
    }

    fn record(&mut self) -> Read<Tree> {
        let mut keys = BTreeSet::new();
        let fields = self.items("}", |this| {
            this.rest();
            let start = this.at;
            let key = match this.literal(false)? {
                Some(Value::Text(key)) => key.as_str().to_owned(),
                Some(_) => return this.wrong(start, "expected a name or a text"),
                None => this.name("a field's name")?.to_owned(),
            };
            if !keys.insert(key.clone()) {
                return this.wrong(start, format!("{key} is given twice"));
            }
            this.expect(":")?;
            Ok((key, this.expression()?))
        })?;
        let constant = fields.iter().map(|(key, value)| Some((&**key, value.constant()?.clone())));
        Ok(match constant.collect::<Option<Vec<_>>>() {
            Some(fields) => Tree::Constant(Record::from_iter(fields).into()),
            None => {
                Tree::Record(fields.into_iter().map(|(key, value)| (key.into(), value)).collect())
            }
        })
    }

    fn call(&mut self, start: usize, name: &str) -> Read<Tree> {
        let Some(op) = Opcode::by_mnemonic(name) else {
            return self.wrong(start, format!("there is no instruction {name}"));
        };
        let info = op.info();
        let fixed = |kind| matches!(kind, Kind::Place | Kind::Label | Kind::Func | Kind::Args);
        let pure = PURE.contains(&info.family) && op != Opcode::RANDOM && info.outputs.len() == 1;
        if !pure || info.inputs.iter().any(|input| fixed(input.kind)) {
            return self.wrong(start, format!("{} is not for expressions", info.mnemonic));
        }
        let mut operands: Vec<Option<Tree>> = info.inputs.iter().map(|_| None).collect();
        let mut next = 0;
        self.items(")", |this| {
            this.rest();
            let start = this.at;
            let input = match this.operand_name() {
                Some(name) => info.input_named(name),
                None => Some(next).filter(|at| info.inputs.get(*at).is_some_and(by_position)),
            };
            next += 1;
            let place = input.and_then(|at| operands.get_mut(at)).filter(|place| place.is_none());
            let Some(place) = place else {
                return this.wrong(start, format!("what is this to {}?", info.usage()));
            };
            *place = Some(this.expression()?);
            Ok(())
        })?;
        let missing = |(operand, input): (&Option<Tree>, &avm_ir::info::OperandInfo)| {
            operand.is_none() && input.default == DefaultValue::Required
        };
        if operands.iter().zip(info.inputs).any(missing) {
            return self.wrong(start, format!("an operand is missing; {}", info.usage()));
        }
        Ok(Tree::Op(op, operands))
    }

    /// `name=`, but not `name ==`.
    fn operand_name(&mut self) -> Option<&'a str> {
        let start = self.at;
        let name = self.peek_name();
        self.at += name.len();
        let rest = self.rest();
        if !name.is_empty() && rest.starts_with('=') && !rest.starts_with("==") {
            self.at += 1;
            return Some(name);
        }
        self.at = start;
        None
    }

    /// A number, a text or a word for a value, if there is one; with a sign before it only a number.
    fn literal(&mut self, negative: bool) -> Read<Option<Value>> {
        let rest = self.rest();
        let start = self.at;
        let first = rest.chars().next().unwrap_or(' ');
        if first.is_ascii_digit() {
            let length = number_length(rest);
            self.at += length;
            let Some(number) = number(&rest[..length], negative) else {
                let number = &rest[..length];
                return self.wrong(start, format!("{number} is no number that can be had here"));
            };
            return Ok(Some(number));
        }
        if negative {
            return Ok(None);
        }
        if first == '"' {
            let Some((text, length)) = quoted(rest) else {
                return Err(
                    self.error("this text does not end, or has an escape that means nothing")
                );
            };
            self.at += length;
            return Ok(Some(Value::from(text)));
        }
        let words = [("null", Value::Null), ("true", true.into()), ("false", false.into())];
        Ok(words.into_iter().find(|(word, _)| self.word(word)).map(|(_, value)| value))
    }
}

fn by_position(input: &avm_ir::info::OperandInfo) -> bool {
    input.default != DefaultValue::Named
}

/// Bytes of a number: digits, a fraction, an exponent with its sign.
fn number_length(text: &str) -> usize {
    let mut before = ' ';
    let hex = text.starts_with("0x") || text.starts_with("0X");
    let goes_on = |c: char| {
        let sign = matches!(c, '+' | '-') && matches!(before, 'e' | 'E') && !hex;
        before = c;
        c.is_ascii_alphanumeric() || matches!(c, '_' | '.') || sign
    };
    text.chars()
        .take_while({
            let mut goes_on = goes_on;
            move |c| goes_on(*c)
        })
        .map(char::len_utf8)
        .sum()
}

fn number(text: &str, negative: bool) -> Option<Value> {
    let digits = text.replace('_', "");
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let is_int = digits.bytes().all(|byte| byte.is_ascii_digit());
    if hex.is_some() || is_int {
        let magnitude = match hex {
            Some(hex) => u64::from_str_radix(hex, 16).ok()?,
            None => digits.parse().ok()?,
        };
        return match negative {
            true => 0_i64.checked_sub_unsigned(magnitude).map(Value::Int),
            false => i64::try_from(magnitude).ok().map(Value::Int),
        };
    }
    let (whole, behind) = digits.split_once('.').unwrap_or((&digits, "0"));
    let digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let value: f64 = digits.parse().ok().filter(|_| digit(whole) && digit(behind))?;
    let value = if negative { -value } else { value };
    value.is_finite().then(|| Value::float(value))
}

/// A text in quotes, and its length in bytes with them.
fn quoted(text: &str) -> Option<(String, usize)> {
    let mut chars = text.char_indices().skip(1);
    let mut out = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, at + 1)),
            '\\' => out.push(match chars.next()?.1 {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                '0' => '\0',
                same @ ('\\' | '"' | '/') => same,
                'u' => {
                    (chars.next()?.1 == '{').then_some(())?;
                    let digits: String =
                        chars.by_ref().map(|(_, c)| c).take(7).take_while(|c| *c != '}').collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                }
                _ => return None,
            }),
            _ => out.push(c),
        }
    }
    None
}
