//! THE TABLE: every instruction of the machine, defined exactly once.
//!
//! Encoder, decoder, assembler, disassembler, validator, gas meter, dispatch, `avm explain`,
//! `spec/isa.md` and `spec/isa.json` are folds over [`for_each_op!`](crate::for_each_op). To add an instruction write
//! a row here, its handler in `avm-vm/src/exec/<family>.rs` and a vector in
//! `spec/vectors/<family>/`; nothing else names it.
//!
//! A row reads:
//!
//! ```text
//! /// What it does, in one line (hover text, spec, rustdoc).
//! 0x20 ADD => arith::add                   byte, mnemonic, family::handler
//! also ["PLUS"]                            other mnemonics
//! in { left [l]: Any = required "doc" }    name [aliases]: kind = default "doc"
//! out { sum: Any = required "doc" }        results; `optional` ones may be dropped in bytecode
//! gas [ per(MICRO, Size("left")) ]         on top of the schedule's intrinsic minimum
//! sets none  reach none                    status word it sets; what it asks of the outside
//! unread trap                              left out in most rows: what a failure means that nobody reads
//! sem "out = left + right"                 semantics in one line
//! source "X-33" since 1;                   requirement, first bytecode version
//! ```
//!
//! Bytes are grouped by family, ascending and unique (checked at compile time), and never reused.
//! Naming grammar: VERB or NOUN_VERB in upper case; `JUMP_IF_X` reads a status word, `X_Y` of one
//! family share their first word; nothing is abbreviated that the whitepaper does not abbreviate,
//! but for comparisons (`EQ LT …`) and bit operations.

/// Calls `$m!` with every row of the instruction table. See the module documentation.
#[macro_export]
macro_rules! for_each_op {
    ($m:ident) => { $m! {
// ---- control -------------------------------------------------------------------------------
/// Ends the run.
0x00 HALT => control::halt also []
in {} out {}
gas [] sets none reach none sem "end: halted" source "O-16 §11.4" since 1;
/// Does nothing.
0x01 NOP => control::nop also []
in {} out {}
gas [] sets none reach none sem "" source "X-33" since 1;
/// Goes on at a label.
0x02 JUMP => control::jump also ["GOTO"]
in { target: Label = required "where to go on" } out {}
gas [] sets none reach none sem "pc = target" source "O-57 §8.3" since 1;
/// Goes on at a label if a condition holds; `NULL` counts as false.
0x03 JUMP_IF => control::jump_if also []
in { condition: Bool = required "the condition", target: Label = required "where to go on" } out {}
gas [] sets none reach none sem "if condition: pc = target" source "O-63 X-33" since 1;
/// Goes on at a label unless a condition holds; `NULL` counts as false. `IF` and `WHILE` become this.
0x04 JUMP_UNLESS => control::jump_unless also []
in { condition: Bool = required "the condition", target: Label = required "where to go on" } out {}
gas [] sets none reach none sem "if not condition: pc = target" source "O-63 X-33" since 1;
/// Goes on at a label if the last bool was true.
0x05 JUMP_IF_TRUE => control::jump_if_true also []
in { target: Label = required "where to go on" } out {}
gas [] sets none reach none sem "if lastBool: pc = target" source "X-23" since 1;
/// Goes on at a label if the last bool was false.
0x06 JUMP_IF_FALSE => control::jump_if_false also []
in { target: Label = required "where to go on" } out {}
gas [] sets none reach none sem "if not lastBool: pc = target" source "O-58 §8.3" since 1;
/// Goes on at a label if the last call of a model, tool, plugin or store failed.
0x07 JUMP_IF_PLUGIN_FAILED => control::jump_if_plugin_failed also []
in { target: Label = required "where to go on" } out {}
gas [] sets none reach none sem "if lastPluginFailed: pc = target" source "O-59 §8.3" since 1;
/// Goes on at a label if the last task failed or timed out.
0x08 JUMP_IF_TASK_FAILED => control::jump_if_task_failed also []
in { target: Label = required "where to go on" } out {}
gas [] sets none reach none sem "if lastTaskFailed: pc = target" source "O-60 §8.3" since 1;
/// Goes on at a label if the last rewrite of code was denied or failed.
0x09 JUMP_IF_REWRITE_FAILED => control::jump_if_rewrite_failed also []
in { target: Label = required "where to go on" } out {}
gas [] sets none reach none sem "if lastRewriteFailed: pc = target" source "X-23" since 1;
/// Calls a function of the program with arguments; missing ones are `NULL`.
0x0A CALL => control::call also []
in { function [func]: Func = required "the function", arguments [args]: Args = required "its arguments" }
out { result: Any = required "what it returns" }
gas [] sets none reach none sem "push frame; pc = function" source "X-33" since 1;
/// Leaves a function with a value; outside functions ends the run.
0x0B RETURN => control::ret also []
in { value: Any = null "what to return" } out {}
gas [] sets none reach none sem "pop frame; result = value" source "O-61 §10.8" since 1;
/// Takes the next item of a list (or number below an int) and advances the cursor, or goes on at a label.
0x0C NEXT => control::next also []
in { cursor: Place = required "int register, 0 at first", items: Any = required "a list, or an int to count to", done: Label = required "where to go on when there is no more" }
out { item: Any = required "the item" }
gas [] sets none reach none sem "if cursor < len(items): item = items[cursor]; cursor += 1 else pc = done" source "X-33" since 1;
/// Traps with a message unless a condition holds.
0x0D ASSERT => control::assert also []
in { condition: Bool = required "what must hold", message: Text = absent "what to say if it does not" } out {}
gas [] sets none reach none sem "if not condition: trap" source "X-33" since 1;
/// Traps with a message.
0x0E RAISE => control::raise also []
in { message: Any = required "what went wrong" } out {}
gas [] sets none reach none sem "trap" source "X-33" since 1;
/// Reads a status word: 0 bool, 1 plugin, 2 task, 3 rewrite, 4 sandbox result.
0x0F STATUS => control::status also []
in { word: Int = required "number of the status word" }
out { value: Any = required "its value" }
gas [] sets none reach none sem "out = status[word]" source "Y-27 X-22" since 1;
// ---- data ----------------------------------------------------------------------------------
/// Copies a value into a register.
0x10 SET => data::set also ["MOVE"]
in { value: Any = required "the value" }
out { place: Any = required "the register" }
gas [] sets none reach none sem "out = value" source "O-62 §8.3" since 1;
/// Makes a list of its operands.
0x11 LIST => data::list also []
in { items: Args = required "the items" }
out { list: List = required "the list" }
gas [per(100, Count("items"))] sets none reach none sem "out = [items…]" source "Y-19" since 1;
/// Makes a record of pairs of key and value.
0x12 RECORD => data::record also []
in { pairs: Args = required "key, value, key, value, …" }
out { record: Record = required "the record" }
gas [per(200, Count("pairs"))] sets none reach none sem "out = {pairs…}" source "X-33" since 1;
/// Reads a field of a record (`NULL` if missing), an item of a list or a character of a text; negative indexes count from the end.
0x13 GET => data::get also []
in { container: Any = required "record, list, text, bytes or vector", key: Any = required "field name or index" }
out { value: Any = required "the field or item" }
gas [per(10, Scan("container"))] sets none reach none sem "out = container[key]" source "Y-17" since 1;
/// Writes a field of a record or an item of a list in place.
0x14 PUT => data::put also []
in { container: Place = required "record or list", key: Any = required "field name or index", value: Any = required "the new value" } out {}
gas [] sets none reach none sem "container[key] = value" source "X-33" since 1;
/// Moves a field or item out of its container and leaves `NULL` behind.
0x15 TAKE => data::take also []
in { container: Place = required "record or list", key: Any = required "field name or index" }
out { value: Any = required "the field or item" }
gas [] sets none reach none sem "out = container[key]; container[key] = NULL" source "X-33" since 1;
/// Number of items of a list, fields of a record, characters of a text, bytes, or components of a vector.
0x16 LEN => data::len also []
in { value: Any = required "list, record, text, bytes or vector" }
out { count: Int = required "how many" }
gas [per(10, Scan("value"))] sets none reach none sem "out = len(value)" source "X-33" since 1;
/// Name of a value's type: null bool int float text bytes list record vector handle.
0x17 TYPE_OF => data::type_of also []
in { value: Any = required "any value" }
out { name: Text = required "the type's name" }
gas [] sets none reach none sem "out = typeof(value)" source "X-33" since 1;
/// A random int from the agent's seeded generator.
0x18 RANDOM => data::random also []
in { low: Int = required "smallest result", high: Int = required "largest result" }
out { value: Int = required "low ≤ value ≤ high" }
gas [] sets none reach none sem "out = uniform(low, high)" source "X-33 X-41" since 1;
/// Reads a field of a record or an item of a list, or gives a default where there is none or `NULL` stands there.
0x19 GET_OR => data::get_or also []
in { container: Any = required "record, list, or `NULL`, which has no parts", key: Any = required "field name or index", default: Any = required "what to give instead" }
out { value: Any = required "the field, the item or the default" }
gas [] sets none reach none sem "out = container[key] if it is there, else default" source "X-33" since 1;
/// Writes a field or item of a part of a container in place: `SET a[i].b = c` becomes this.
0x1A PUT_IN => data::put_in also []
in { container: Place = required "record or list", outer: Any = required "field name or index of the part", inner: Any = required "field name or index in the part", value: Any = required "the new value" } out {}
gas [] sets none reach none sem "container[outer][inner] = value" source "X-33" since 1;
// ---- arithmetic ----------------------------------------------------------------------------
/// Adds numbers or vectors, joins texts (also with a number or bool) or lists; text + list appends the list as passages.
0x20 ADD => arith::add also ["CONCAT"]
in { left: Any = required "left operand", right: Any = required "right operand" }
out { sum: Any = required "the sum" }
gas [per(20, Weight("left")), per(20, Weight("right"))] sets none reach none sem "out = left + right" source "Y-18 X-43" since 1;
/// Subtracts.
0x21 SUB => arith::sub also []
in { left: Any = required "number or vector", right: Any = required "number or vector" }
out { difference: Any = required "left - right" }
gas [per(20, Weight("left"))] sets none reach none sem "out = left - right" source "X-33" since 1;
/// Multiplies; one side may be a vector.
0x22 MUL => arith::mul also []
in { left: Any = required "number or vector", right: Any = required "number or vector" }
out { product: Any = required "left * right" }
gas [per(20, Weight("left")), per(20, Weight("right"))] sets none reach none sem "out = left * right" source "X-33" since 1;
/// Divides; two ints give an int, rounded towards zero.
0x23 DIV => arith::div also []
in { left: Num = required "dividend", right: Num = required "divisor" }
out { quotient: Num = required "left / right" }
gas [] sets none reach none sem "out = left / right" source "X-33" since 1;
/// Remainder, with the sign of the dividend.
0x24 MOD => arith::rem also ["REM"]
in { left: Num = required "dividend", right: Num = required "divisor" }
out { remainder: Num = required "left % right" }
gas [] sets none reach none sem "out = left % right" source "X-33" since 1;
/// Changes the sign.
0x25 NEG => arith::neg also []
in { value: Num = required "a number" }
out { negated: Num = required "-value" }
gas [] sets none reach none sem "out = -value" source "X-33" since 1;
/// Absolute value.
0x26 ABS => arith::abs also []
in { value: Num = required "a number" }
out { magnitude: Num = required "|value|" }
gas [] sets none reach none sem "out = |value|" source "X-33" since 1;
/// The smaller of two numbers or texts.
0x27 MIN => arith::min also []
in { left: Any = required "number or text", right: Any = required "number or text" }
out { least: Any = required "the smaller" }
gas [per(10, Weight("left"))] sets none reach none sem "out = min(left, right)" source "X-33" since 1;
/// The larger of two numbers or texts.
0x28 MAX => arith::max also []
in { left: Any = required "number or text", right: Any = required "number or text" }
out { greatest: Any = required "the larger" }
gas [per(10, Weight("left"))] sets none reach none sem "out = max(left, right)" source "X-33" since 1;
/// Power; int to a non-negative int stays an int.
0x29 POW => arith::pow also []
in { base: Num = required "the base", exponent: Num = required "the exponent" }
out { power: Num = required "base to the exponent" }
gas [per(1000, One)] sets none reach none sem "out = base ^ exponent" source "X-33" since 1;
/// Square root.
0x2A SQRT => arith::sqrt also []
in { value: Num = required "a number ≥ 0" }
out { root: Float = required "its square root" }
gas [] sets none reach none sem "out = √value" source "X-33" since 1;
/// e to a power.
0x2B EXP => arith::exp also []
in { value: Num = required "the exponent" }
out { power: Float = required "e ^ value" }
gas [per(1000, One)] sets none reach none sem "out = e ^ value" source "X-33" since 1;
/// Natural logarithm.
0x2C LN => arith::ln also []
in { value: Num = required "a number > 0" }
out { logarithm: Float = required "its natural logarithm" }
gas [per(1000, One)] sets none reach none sem "out = ln(value)" source "X-33" since 1;
/// Sine of an angle in radians.
0x2D SIN => arith::sin also []
in { angle: Num = required "radians" }
out { sine: Float = required "its sine" }
gas [per(1000, One)] sets none reach none sem "out = sin(angle)" source "X-33" since 1;
/// Cosine of an angle in radians.
0x2E COS => arith::cos also []
in { angle: Num = required "radians" }
out { cosine: Float = required "its cosine" }
gas [per(1000, One)] sets none reach none sem "out = cos(angle)" source "X-33" since 1;
/// Angle of the point (x, y), in radians.
0x2F ATAN2 => arith::atan2 also []
in { y: Num = required "ordinate", x: Num = required "abscissa" }
out { angle: Float = required "radians, -π to π" }
gas [per(1000, One)] sets none reach none sem "out = atan2(y, x)" source "X-33" since 1;
/// Largest int not above a number.
0x30 FLOOR => arith::floor also []
in { value: Num = required "a number" }
out { whole: Int = required "⌊value⌋" }
gas [] sets none reach none sem "out = ⌊value⌋" source "X-33" since 1;
/// Smallest int not below a number.
0x31 CEIL => arith::ceil also []
in { value: Num = required "a number" }
out { whole: Int = required "⌈value⌉" }
gas [] sets none reach none sem "out = ⌈value⌉" source "X-33" since 1;
/// Nearest int, halves away from zero; with digits, a float rounded to so many decimals.
0x32 ROUND => arith::round also []
in { value: Num = required "a number", digits: Int = absent "decimals to keep, 0 to 15" }
out { rounded: Num = required "the rounded number" }
gas [] sets none reach none sem "out = round(value, digits)" source "X-33" since 1;
/// Bitwise and of ints.
0x33 BIT_AND => arith::bit_and also []
in { left: Int = required "left operand", right: Int = required "right operand" }
out { bits: Int = required "left & right" }
gas [] sets none reach none sem "out = left & right" source "X-33" since 1;
/// Bitwise or of ints.
0x34 BIT_OR => arith::bit_or also []
in { left: Int = required "left operand", right: Int = required "right operand" }
out { bits: Int = required "left | right" }
gas [] sets none reach none sem "out = left | right" source "X-33" since 1;
/// Bitwise exclusive or of ints.
0x35 BIT_XOR => arith::bit_xor also []
in { left: Int = required "left operand", right: Int = required "right operand" }
out { bits: Int = required "left ^ right" }
gas [] sets none reach none sem "out = left ^ right" source "X-33" since 1;
/// Shifts bits to the left; bits shifted out are lost.
0x36 SHIFT_LEFT => arith::shift_left also []
in { value: Int = required "the bits", count: Int = required "0 to 63" }
out { bits: Int = required "value << count" }
gas [] sets none reach none sem "out = value << count" source "X-33" since 1;
/// Shifts bits to the right, keeping the sign.
0x37 SHIFT_RIGHT => arith::shift_right also []
in { value: Int = required "the bits", count: Int = required "0 to 63" }
out { bits: Int = required "value >> count" }
gas [] sets none reach none sem "out = value >> count" source "X-33" since 1;
/// Multiplies ints and keeps the low 64 bits; for hashes and generators, where `MUL` would overflow.
0x38 MUL_WRAP => arith::mul_wrap also []
in { left: Int = required "left operand", right: Int = required "right operand" }
out { product: Int = required "low 64 bits of the product" }
gas [] sets none reach none sem "out = left * right mod 2^64" source "X-33" since 1;
/// Adds ints and keeps the low 64 bits.
0x39 ADD_WRAP => arith::add_wrap also []
in { left: Int = required "left operand", right: Int = required "right operand" }
out { sum: Int = required "low 64 bits of the sum" }
gas [] sets none reach none sem "out = left + right mod 2^64" source "X-33" since 1;
// ---- comparison and logic ------------------------------------------------------------------
/// Equal, by value; an int equals the float of the same number.
0x40 EQ => compare::eq also []
in { left: Any = required "left operand", right: Any = required "right operand" }
out { result: Bool = required "left == right" }
gas [per(10, Weight("left"))] sets bool reach none sem "out = left == right" source "Y-20" since 1;
/// Not equal.
0x41 NE => compare::ne also []
in { left: Any = required "left operand", right: Any = required "right operand" }
out { result: Bool = required "left != right" }
gas [per(10, Weight("left"))] sets bool reach none sem "out = left != right" source "Y-20" since 1;
/// Less than; numbers or texts.
0x42 LT => compare::lt also []
in { left: Any = required "number or text", right: Any = required "number or text" }
out { result: Bool = required "left < right" }
gas [per(10, Weight("left"))] sets bool reach none sem "out = left < right" source "X-33" since 1;
/// Less than or equal; numbers or texts.
0x43 LE => compare::le also []
in { left: Any = required "number or text", right: Any = required "number or text" }
out { result: Bool = required "left <= right" }
gas [per(10, Weight("left"))] sets bool reach none sem "out = left <= right" source "X-33" since 1;
/// Greater than; numbers or texts.
0x44 GT => compare::gt also []
in { left: Any = required "number or text", right: Any = required "number or text" }
out { result: Bool = required "left > right" }
gas [per(10, Weight("left"))] sets bool reach none sem "out = left > right" source "X-33" since 1;
/// Greater than or equal; numbers or texts.
0x45 GE => compare::ge also []
in { left: Any = required "number or text", right: Any = required "number or text" }
out { result: Bool = required "left >= right" }
gas [per(10, Weight("left"))] sets bool reach none sem "out = left >= right" source "X-33" since 1;
/// A text contains a text, a list an item, a record a key.
0x46 CONTAINS => compare::contains also ["HAS"]
in { container: Any = required "text, list, record or bytes", item: Any = required "what to look for" }
out { result: Bool = required "whether it is there" }
gas [per(20, Weight("container"))] sets bool reach none sem "out = item in container" source "Y-22 X-43" since 1;
/// Opposite of a bool; of `NULL` true.
0x47 NOT => compare::not also []
in { value: Bool = required "a bool" }
out { result: Bool = required "its opposite" }
gas [] sets bool reach none sem "out = not value" source "X-33" since 1;
/// Both are true.
0x48 AND => compare::and also []
in { left: Bool = required "a bool", right: Bool = required "a bool" }
out { result: Bool = required "left and right" }
gas [] sets bool reach none sem "out = left and right" source "X-33" since 1;
/// One of them is true.
0x49 OR => compare::or also []
in { left: Bool = required "a bool", right: Bool = required "a bool" }
out { result: Bool = required "left or right" }
gas [] sets bool reach none sem "out = left or right" source "Y-21" since 1;
/// A bool, or `NULL` as false; anything else traps. Ends `AND` and `OR` of expressions.
0x4A TEST => compare::test also []
in { value: Bool = required "a bool" }
out { result: Bool = required "the same" }
gas [] sets bool reach none sem "out = bool(value)" source "Y-21" since 1;
// ---- text ----------------------------------------------------------------------------------
/// Part of a text (by characters), list or bytes; negative positions count from the end, positions outside are clamped.
0x50 SLICE => text::slice also ["SUBSTRING"]
in { value: Any = required "text, list or bytes", start: Int = required "first position", end: Int = absent "one past the last; the end if absent" }
out { part: Any = required "the part" }
gas [per(10, Scan("value")), per(20, Weight("part"))] sets none reach none sem "out = value[start:end]" source "X-33" since 1;
/// Text in upper case.
0x51 UPPER => text::upper also []
in { text: Text = required "a text" }
out { result: Text = required "in upper case" }
gas [per(50, Size("text"))] sets none reach none sem "out = upper(text)" source "X-33" since 1;
/// Text in lower case.
0x52 LOWER => text::lower also []
in { text: Text = required "a text" }
out { result: Text = required "in lower case" }
gas [per(50, Size("text"))] sets none reach none sem "out = lower(text)" source "X-33" since 1;
/// Text without white space at both ends.
0x53 TRIM => text::trim also []
in { text: Text = required "a text" }
out { result: Text = required "trimmed" }
gas [per(20, Size("text"))] sets none reach none sem "out = trim(text)" source "X-33" since 1;
/// Parts of a text between separators; without a separator, its words.
0x54 SPLIT => text::split also []
in { text: Text = required "a text", separator: Text = absent "what stands between the parts" }
out { parts: List = required "list of texts" }
gas [per(200, Size("text"))] sets none reach none sem "out = split(text, separator)" source "X-33" since 1;
/// Texts of a list, joined.
0x55 JOIN => text::join also []
in { parts: List = required "list of texts or numbers", separator: Text = absent "what to put between" }
out { text: Text = required "the joined text" }
gas [per(50, Size("parts")), per(20, Product("separator", "parts"))] sets none reach none sem "out = join(parts, separator)" source "X-33" since 1;
/// Position of the first occurrence of a text or item, or -1.
0x56 FIND => text::find also ["INDEX_OF"]
in { container: Any = required "text, list or bytes", item: Any = required "what to look for", from: Int = absent "position to start at" }
out { position: Int = required "where, or -1" }
gas [per(20, Units("bytes searched"))] sets none reach none sem "out = position(item in container)" source "X-33" since 1;
/// Text with every occurrence of a part replaced.
0x57 REPLACE => text::replace also []
in { text: Text = required "a text", part: Text = required "what to replace, not empty", replacement: Text = required "what to put there" }
out { result: Text = required "the new text" }
gas [per(50, Size("text")), per(20, Product("replacement", "text"))] sets none reach none sem "out = replace(text, part, replacement)" source "X-33" since 1;
/// A text starts with another.
0x58 STARTS_WITH => text::starts_with also []
in { text: Text = required "a text", prefix: Text = required "its start" }
out { result: Bool = required "whether it does" }
gas [per(10, Size("prefix"))] sets bool reach none sem "out = text starts with prefix" source "X-33" since 1;
/// A text ends with another.
0x59 ENDS_WITH => text::ends_with also []
in { text: Text = required "a text", suffix: Text = required "its end" }
out { result: Bool = required "whether it does" }
gas [per(10, Size("suffix"))] sets bool reach none sem "out = text ends with suffix" source "X-33" since 1;
/// A text or list so many times over.
0x5A REPEAT => text::repeat also []
in { value: Any = required "text or list", times: Int = required "how often, ≥ 0" }
out { result: Any = required "the repetition" }
gas [per(20, Times("value", "times"))] sets none reach none sem "out = value * times" source "X-33" since 1;
/// Code point of the first character of a text.
0x5B ORD => text::ord also []
in { text: Text = required "a text, not empty" }
out { code: Int = required "its first code point" }
gas [] sets none reach none sem "out = codepoint(text[0])" source "X-33" since 1;
/// Character of a code point.
0x5C CHR => text::chr also []
in { code: Int = required "a Unicode scalar value" }
out { text: Text = required "one character" }
gas [] sets none reach none sem "out = character(code)" source "X-33" since 1;
/// blake3 hash of a value's canonical encoding (of a text, its UTF-8 bytes), as hexadecimal text.
0x5D HASH => text::hash also []
in { value: Any = required "any value" }
out { digest: Text = required "64 hexadecimal digits" }
gas [per(10 * MICRO, One), per(100, Size("value"))] sets none reach none sem "out = blake3(value)" source "X-33" since 1;
// ---- lists and records ---------------------------------------------------------------------
/// Appends an item to a list in place.
0x60 PUSH => list::push also ["APPEND"]
in { list: Place = required "the list", item: Any = required "the item" } out {}
gas [] sets none reach none sem "list += [item]" source "X-33" since 1;
/// Takes the last item off a list in place; `NULL` if it is empty.
0x61 POP => list::pop also []
in { list: Place = required "the list" }
out { item: Any = required "the item" }
gas [] sets none reach none sem "out = list.pop()" source "X-33" since 1;
/// Puts an item into a list before a position, in place.
0x62 INSERT => list::insert also []
in { list: Place = required "the list", position: Int = required "0 to its length", item: Any = required "the item" } out {}
gas [per(10, Count("list"))] sets none reach none sem "list.insert(position, item)" source "X-33" since 1;
/// Takes an item out of a list, or a field out of a record, in place.
0x63 REMOVE => list::remove also []
in { container: Place = required "list or record", key: Any = required "index or field name" }
out { value: Any = required "what was there; `NULL` for a missing field" }
gas [per(10, Count("container"))] sets none reach none sem "out = container.remove(key)" source "X-33" since 1;
/// Sorts a list of numbers or texts, or of records by a field; stable.
0x64 SORT => list::sort also []
in { list: List = required "the list", by: Text = absent "field to sort records by", descending: Bool = false "largest first" }
out { sorted: List = required "the sorted list" }
gas [per(500, SortWork("list")), per(10, Size("list"))] sets none reach none sem "out = sorted(list)" source "X-33" since 1;
/// A list, text or bytes backwards.
0x65 REVERSE => list::reverse also []
in { value: Any = required "list, text or bytes" }
out { reversed: Any = required "backwards" }
gas [per(50, Weight("value"))] sets none reach none sem "out = reversed(value)" source "X-33" since 1;
/// List of ints from a start up to, but without, an end.
0x66 RANGE => list::range also []
in { start: Int = required "first item", end: Int = required "one past the last", step: Int = 1 "distance, not 0" }
out { list: List = required "the ints" }
gas [per(100, Steps("start", "end", "step"))] sets none reach none sem "out = [start, start + step, … < end]" source "X-33" since 1;
/// List of so many equal items.
0x67 FILL => list::fill also []
in { count: Int = required "how many, ≥ 0", item: Any = required "the item" }
out { list: List = required "the list" }
gas [per(50, Value("count")), per(1, Times("item", "count"))] sets none reach none sem "out = [item] * count" source "X-33" since 1;
/// Field names of a record, sorted.
0x68 KEYS => list::keys also []
in { record: Record = required "a record" }
out { names: List = required "list of texts" }
gas [per(200, Count("record")), per(10, Size("record"))] sets none reach none sem "out = keys(record)" source "X-33" since 1;
/// Field values of a record, in the order of their names.
0x69 VALUES => list::values also []
in { record: Record = required "a record" }
out { values: List = required "the values" }
gas [per(200, Count("record"))] sets none reach none sem "out = values(record)" source "X-33" since 1;
/// Fields of two records; the second wins.
0x6A MERGE => list::merge also []
in { left: Record = required "a record", right: Record = required "a record" }
out { merged: Record = required "both" }
gas [per(300, Count("left")), per(300, Count("right"))] sets none reach none sem "out = left ∪ right" source "X-33" since 1;
/// Sum of a list of numbers; 0 if it is empty.
0x6B SUM => list::sum also []
in { list: List = required "list of numbers" }
out { total: Num = required "their sum" }
gas [per(100, Count("list"))] sets none reach none sem "out = Σ list" source "X-33" since 1;
/// A portfolio record: `{cash: 0, history: [], positions: {}}`.
0x6C NEW_PORTFOLIO => list::new_portfolio also []
in {}
out { portfolio: Record = required "the record" }
gas [] sets none reach none sem "out = {cash: 0, history: [], positions: {}}" source "O-48 X-42" since 1;
/// Appends `{role, text}` to a conversation in place; `NULL` starts one.
0x6D APPEND_MESSAGE => list::append_message also []
in { conversation: Place = required "list of messages", role: Text = required "user, assistant, system …", text: Any = required "what was said" } out {}
gas [per(20, Weight("text"))] sets none reach none sem "conversation += [{role, text}]" source "O-55 §4" since 1;
// ---- vectors -------------------------------------------------------------------------------
/// Dot product of two vectors.
0x70 DOT => vector::dot also []
in { left: Vector = required "a vector", right: Vector = required "of the same dimension" }
out { product: Float = required "Σ left·right" }
gas [per(10, Dim("left"))] sets none reach none sem "out = left · right" source "X-33" since 1;
/// Cosine similarity of two vectors; 0 if one is zero.
0x71 COSINE => vector::cosine also []
in { left: Vector = required "a vector", right: Vector = required "of the same dimension" }
out { similarity: Float = required "-1 to 1" }
gas [per(20, Dim("left"))] sets none reach none sem "out = cos(left, right)" source "X-33" since 1;
/// Euclidean length of a vector.
0x72 NORM => vector::norm also []
in { vector: Vector = required "a vector" }
out { length: Float = required "its length" }
gas [per(10, Dim("vector"))] sets none reach none sem "out = |vector|" source "X-33" since 1;
// ---- conversion ----------------------------------------------------------------------------
/// Int of a number (rounded towards zero), bool or text; `NULL` if the text is not a number.
0x78 TO_INT => convert::to_int also []
in { value: Any = required "number, bool or text" }
out { int: Int = required "the int" }
gas [per(20, Weight("value"))] sets none reach none sem "out = int(value)" source "X-33" since 1;
/// Float of a number, bool or text; `NULL` if the text is not a number.
0x79 TO_FLOAT => convert::to_float also []
in { value: Any = required "number, bool or text" }
out { float: Float = required "the float" }
gas [per(20, Weight("value"))] sets none reach none sem "out = float(value)" source "X-33" since 1;
/// Text of any value; texts stay as they are, containers as JSON.
0x7A TO_TEXT => convert::to_text also []
in { value: Any = required "any value" }
out { text: Text = required "its text" }
gas [per(100, Size("value"))] sets none reach none sem "out = text(value)" source "X-33" since 1;
/// UTF-8 bytes of a text, or bytes of a list of ints 0 to 255.
0x7B TO_BYTES => convert::to_bytes also []
in { value: Any = required "text, bytes or list of ints" }
out { bytes: Bytes = required "the bytes" }
gas [per(20, Weight("value"))] sets none reach none sem "out = bytes(value)" source "X-33" since 1;
/// List of a vector's components, a text's characters, bytes, or a record's `[key, value]` pairs.
0x7C TO_LIST => convert::to_list also []
in { value: Any = required "vector, text, bytes, record or list" }
out { list: List = required "the list" }
gas [per(200, Weight("value"))] sets none reach none sem "out = list(value)" source "X-33" since 1;
/// Vector of a list of numbers.
0x7D TO_VECTOR => convert::to_vector also []
in { value: Any = required "list of numbers, or a vector" }
out { vector: Vector = required "32-bit floats" }
gas [per(20, Weight("value"))] sets none reach none sem "out = vector(value)" source "X-33" since 1;
/// Value of a JSON text; `NULL` and the plugin status if it is not JSON.
0x7E FROM_JSON => convert::from_json_text also []
in { text: Text = required "JSON" }
out { value: Any = required "the value" }
gas [per(200, Size("text"))] sets plugin reach none sem "out = json(text)" source "X-33" since 1;
/// JSON text of a value, records sorted by key.
0x7F TO_JSON => convert::to_json also []
in { value: Any = required "any value" }
out { text: Text = required "JSON" }
gas [per(100, Size("value"))] sets none reach none sem "out = json_text(value)" source "X-33" since 1;
// ---- the agent's own state -----------------------------------------------------------------
/// Writes a note into the agent's log.
0x80 LOG => state::log also []
in { note: Any = required "any value; texts as they are" } out {}
gas [per(MILLI, Size("note"))] sets none reach none sem "log += [note]" source "O-47 §8.2" since 1;
/// Saves a value, or without an operand the agent's registers, as its execution state.
0x81 SAVE_EXECUTION_STATE => state::save also []
in { new_state: Any = absent "what to save; all registers if absent" } out {}
gas [base(15 * GAS)] sets none reach none sem "saved = new_state or registers" source "O-14 §11.4 X-21" since 1;
/// Reads the saved execution state, or that of a checkpoint, or without an output restores the registers from it; nothing saved is `NULL`.
0x82 LOAD_EXECUTION_STATE => state::load also []
in { snapshot: Any = named "number or label of a checkpoint; what was saved last if absent" }
out { state: Any = optional "the state" }
gas [base(10 * GAS)] sets rewrite reach none sem "out = state, or registers = state" source "O-13 §11.4 X-21 X-36" since 1;
/// Forgets the saved state and sets the agent's registers back to their initial values.
0x83 RESET_EXECUTION_STATE => state::reset also []
in {} out {}
gas [base(5 * GAS)] sets none reach none sem "saved = NULL; registers = inputs" source "O-15 §11.4" since 1;
/// Stores a value in the agent's private key-value store.
0x84 KV_STORE => state::kv_store also []
in { key: Text = required "the key", value: Any = required "the value" }
out { status: Text = optional "\"OK\"" }
gas [per(10 * MILLI, Size("value"))] sets none reach none sem "kv[key] = value" source "O-23 §11.6" since 1;
/// Reads the agent's private key-value store; `NULL` if there is nothing.
0x85 KV_FETCH => state::kv_fetch also []
in { key: Text = required "the key" }
out { value: Any = required "the value" }
gas [per(5 * MILLI, Size("value"))] sets none reach none sem "out = kv[key]" source "O-24 §11.6" since 1;
/// Deletes a key of the agent's private key-value store.
0x86 KV_DELETE => state::kv_delete also []
in { key: Text = required "the key" }
out { existed: Bool = optional "whether it was there" }
gas [base(MILLI)] sets none reach none sem "delete kv[key]" source "X-33" since 1;
/// Keys of the agent's private key-value store that start with a prefix, sorted.
0x87 KV_KEYS => state::kv_keys also []
in { prefix: Text = absent "all keys if absent" }
out { keys: List = required "list of texts" }
gas [base(MILLI), per(5 * MILLI, Size("keys"))] sets none reach none sem "out = keys(kv)" source "X-33" since 1;
/// Reads what the agent may know of itself: `logs` (also `agent_logs`, `chain_of_thought`), `gas`, `budget`, `memory`, `performance`, `last_failure`, `regions`, `versions` or `checkpoints`.
0x88 SELF_INTROSPECT => state::introspect also []
in { param: Introspect = required "what to read" }
out { data: Any = optional "a list or a record" }
gas [base(10 * GAS), per(10 * MILLI, Size("data"))] sets plugin reach none sem "out = self[param]" source "O-25 §11.7 X-40" since 1;
// ---- models --------------------------------------------------------------------------------
/// Runs a model on one input.
0x90 GPU_INFER => effect::request also []
in { model_ref [model]: Model = required "the model's name", input [input_reg]: Any = required "what to give it", gas_limit: Num = named "most gas the call may cost; more is a failure" }
out { output_reg [output]: Any = optional "the model's answer" }
gas [base(10 * GAS), open("complexityCoeff", 10 * MILLI, Size("input"))] sets plugin reach model sem "out = model(input)" source "O-31 §11.8" since 1;
/// Runs a model on every item of a list, in parallel; results in order, `NULL` for a failed item.
0x91 MAP_MODEL_CALL => effect::request also []
in { model: Model = required "the model's name", dataset: Any = required "list of inputs" }
out { results: List = optional "list of outputs" }
gas [base(10 * GAS), open("pricePerUnit", 10 * MILLI, Size("dataset"))] sets plugin reach model sem "out = [model(x) for x in dataset]" source "O-10 §11.3" since 1;
/// Combines partial results: average sum max min vote concat improve.
0x92 REDUCE_MODEL_CALL => effect::request also []
in { agg_type: Text = required "how to combine", input_results: List = required "the partial results" }
out { consolidated: Any = optional "the combined result" }
gas [open("aggTypeCost", GAS, One), per(10 * MILLI, Count("input_results"))] sets plugin reach model sem "out = reduce(agg_type, input_results)" source "O-11 §11.3" since 1;
/// Turns a text into an embedding vector.
0x93 CALC_EMBED => effect::request also []
in { text: Text = required "the text", model_ref [model]: Model = required "the embedding model's name" }
out { vector: Vector = optional "the embedding" }
gas [base(MILLI), per(MICRO, Size("text"))] sets plugin reach model sem "out = embed(text)" source "O-40 §11.11" since 1;
/// Looks a model up and returns a handle to it.
0x94 LOAD_MODEL => effect::request also []
in { model_ref [model]: Model = required "the model's name" }
out { handle: Handle = optional "the model" }
gas [open("loadCost", 5 * GAS, One)] sets plugin reach model sem "out = handle(model)" source "O-56 §9.2 X-42" since 1;
/// Asks a separate model for a code patch or other advice.
0x95 SEPARATE_PROMPT => effect::request also []
in { input: Any = required "what the model may see", objective: Text = required "what it is asked for" }
out { patch: Any = optional "its proposal" }
gas [base(10 * GAS), open("complexityCoeff", 10 * MILLI, Size("input"))] sets plugin reach model sem "out = propose(input, objective)" source "O-51 §8.3" since 1;
// ---- documents -----------------------------------------------------------------------------
/// Embeds a text and stores both in a collection.
0xA0 DOC_EMBED => effect::request also []
in { collection: Collection = required "the collection's name", doc_id: Text = required "the document's id", text: Text = required "its text", model_ref [model]: Model = required "the embedding model's name" }
out { status: Text = optional "\"OK\"" }
gas [base(MILLI), per(MICRO, Size("text")), per(2 * MICRO, Units("vectorDim"))] sets plugin reach docs sem "collection[doc_id] = (text, embed(text))" source "O-41 §11.11" since 1;
/// Stores a text with its embedding in a collection.
0xA1 DOC_STORE => effect::request also []
in { collection: Collection = required "the collection's name", doc_id: Text = required "the document's id", text: Text = required "its text", embed_vec [vector]: Vector = required "its embedding" }
out { status: Text = optional "\"OK\"" }
gas [per(2 * MICRO, Dim("embed_vec")), open("storeTextCost", MICRO, Size("text"))] sets plugin reach docs sem "collection[doc_id] = (text, embed_vec)" source "O-42 §11.11 X-11" since 1;
/// Reads a document's text and embedding.
0xA2 DOC_FETCH => effect::request also []
in { collection: Collection = required "the collection's name", doc_id: Text = required "the document's id" }
out { text: Text = optional "its text", embed_vec: Vector = optional "its embedding" }
gas [per(MICRO, Dim("embed_vec"))] sets plugin reach docs sem "out = collection[doc_id]" source "O-43 §11.11 Y-15" since 1;
/// Finds the documents nearest to a vector; with `MMR` the most relevant and most diverse ones.
0xA3 DOC_SEARCH => effect::request also []
in { collection: Collection = required "the collection's name", query_vec: Vector = required "what to be near to", top_k: Int = required "most results", mmr: Bool = false "maximal marginal relevance", lambda: Num = named "relevance against diversity for MMR, 0 to 1; 0.7 if absent" }
out { list: List = optional "list of {id, score, text, title}, best first" }
gas [open("similarityCost/10000", GAS / 10_000, Units("documents compared")), per(MICRO, Value("top_k"))] sets plugin reach docs sem "out = nearest(collection, query_vec, top_k)" source "O-44 §11.11" since 1;
/// Deletes a document.
0xA4 DELETE_DOC => effect::request also []
in { collection: Collection = required "the collection's name", doc_id: Text = required "the document's id" }
out { status: Text = optional "\"OK\"" }
gas [base(GAS / 2_000)] sets plugin reach docs sem "delete collection[doc_id]" source "O-45 §11.11" since 1;
/// Deletes a collection with all its documents.
0xA5 DELETE_COLLECTION => effect::request also []
in { collection: Collection = required "the collection's name" }
out { status: Text = optional "\"OK\"" }
gas [base(MILLI), open("deleteCost", GAS / 2_000, Units("documents deleted"))] sets plugin reach docs sem "delete collection" source "O-46 §11.11 X-11" since 1;
// ---- tools, plugins, SQL, chains -----------------------------------------------------------
/// Names of the tools the agent may use.
0xB0 GET_TOOLS_LIST => effect::request also []
in {}
out { tools: List = optional "list of texts" }
gas [base(2 * GAS)] sets plugin reach tool sem "out = tools" source "O-17 §11.5" since 1;
/// Calls a tool that reads.
0xB1 READ_FROM_TOOL => effect::request also []
in { tool_id [tool]: Tool = required "the tool's name", args: Any = null "what to ask" }
out { data: Any = optional "its answer" }
gas [per(10 * MILLI, Size("data"))] sets plugin reach tool sem "out = tool.read(args)" source "O-18 §11.5" since 1;
/// Calls a tool that writes.
0xB2 WRITE_TO_TOOL => effect::request also []
in { tool_id [tool]: Tool = required "the tool's name", data: Any = required "what to write" }
out { status: Any = optional "its answer" }
gas [per(20 * MILLI, Size("data"))] sets plugin reach tool unread warn sem "out = tool.write(data)" source "O-19 §11.5" since 1;
/// Calls a function of a plugin.
0xB3 CALL_PLUGIN => effect::request also []
in { plugin_id [plugin]: Plugin = required "the plugin's name", func [function]: Text = required "the function's name", args: Any = null "its arguments" }
out { result: Any = optional "what it returns" }
gas [open("baseCost", 10 * GAS, One), per(100 * MILLI, Size("args"))] sets plugin reach plugin sem "out = plugin.func(args)" source "O-20 §11.5" since 1;
/// Executes an SQL statement.
0xB4 SQL_EXECUTE => effect::request also []
in { query: Text = required "the statement", params: List = absent "values of its parameters" }
out { status: Any = optional "\"OK\"" }
gas [open("queryComplexity·baseCost", MILLI, Units("thousand steps of the database"))] sets plugin reach sql sem "sql(query)" source "O-21 §11.6" since 1;
/// Executes an SQL query and returns its rows.
0xB5 SQL_FETCH => effect::request also []
in { query: Text = required "the query", params: List = absent "values of its parameters" }
out { data: List = optional "list of records" }
gas [open("fetchCost", 10 * MILLI, Count("data")), open("queryComplexity·baseCost", MILLI, Units("thousand steps of the database"))] sets plugin reach sql sem "out = sql(query)" source "O-22 §11.6" since 1;
/// Calls a function of a blockchain.
0xB6 CHAIN_OP => effect::request also ["WEB3_OP"]
in { chain: Chain = required "the chain's name", action: Text = required "the function", args: Any = null "its arguments" }
out { data: Any = optional "what it returns" }
gas [open("chainOpCost", 50 * GAS, One), per(10 * MILLI, Size("args"))] sets plugin reach chain unread warn sem "out = chain.action(args)" source "O-39 O-54 §11.10 X-29" since 1;
// ---- GPU and HPC ---------------------------------------------------------------------------
/// Reserves a GPU, or a part of one, for a time.
0xC0 ALLOCATE_GPU => effect::request also []
in { gpu_id [gpu]: Gpu = required "which GPU", time_sec: Int = required "for how many seconds" }
out { status: Any = optional "\"OK\"" }
gas [open("GPU_RATE", GAS, Value("time_sec"))] sets plugin reach gpu sem "lease(gpu, time_sec)" source "O-29 §11.8" since 1;
/// Gives a GPU back.
0xC1 RELEASE_GPU => effect::request also []
in { gpu_id [gpu]: Gpu = required "which GPU" } out {}
gas [base(10 * GAS)] sets plugin reach gpu sem "release(gpu)" source "O-30 §11.8" since 1;
/// Load of a GPU.
0xC2 CHECK_GPU_LOAD => effect::request also []
in { gpu_id [gpu]: Gpu = required "which GPU" }
out { load: Float = optional "0 to 1" }
gas [base(GAS)] sets plugin reach gpu sem "out = load(gpu)" source "O-32 §11.8" since 1;
/// Starts a task on an HPC cluster and returns at once.
0xC3 HPC_MIGRATE => effect::request also []
in { to_subnet: Subnet = required "where to run", payload: Any = required "what to compute", hpc_credits: Num = 0 "credits it may spend" }
out { task_id: Handle = optional "the task" }
gas [open("hpcCost", 20 * GAS, One), open("dataSizeFactor", 10 * MILLI, Size("payload"))] sets task reach task sem "out = start(to_subnet, payload)" source "O-33 §11.8" since 1;
/// Runs an analysis on an HPC cluster and waits for it, with retries.
0xC4 HPC_EXTENDED_ANALYSIS => effect::request also []
in { payload: Any = required "what to analyse", budget: Num = required "credits it may spend", retry_limit: Int = 0 "attempts after the first" }
out { result: Any = optional "the analysis" }
gas [open("hpcCost", 20 * GAS, One), open("dataSizeFactor", 10 * MILLI, Size("payload"))] sets task reach task sem "out = wait(start(payload))" source "O-49 §8.3 X-30" since 1;
// ---- time and tasks ------------------------------------------------------------------------
/// Waits for the answer to a request; a text names the latest request of that name.
0xC8 WAIT_FOR_RESPONSE => effect::request also []
in { task_id [handle]: Any = required "handle or name of the request", timeout: Num = named "seconds; the policy's default if absent" }
out { response: Any = optional "the answer" }
gas [] sets task reach task sem "out = await(task_id)" source "O-1 §11.1 X-26 X-27" since 1;
/// Waits for a task to complete.
0xC9 WAIT_FOR_TASK => effect::request also []
in { task_id [handle]: Any = required "handle or name of the task", timeout: Num = named "seconds; the policy's default if absent" }
out { status: Any = optional "its status" }
gas [] sets task reach task sem "out = await(task_id).status" source "O-12 §11.3 X-27" since 1;
/// Waits for a time.
0xCA WAIT => effect::request also []
in { delay_sec: Num = required "seconds" } out {}
gas [] sets task reach time sem "time += delay_sec" source "O-2 §11.1" since 1;
/// Calls a function of the program again and again, while the agent waits.
0xCB SCHEDULE_TASK => effect::request also []
in { task_id: Text = required "the function's name", interval_sec: Num = required "seconds between calls" }
out { status: Any = optional "\"OK\"" }
gas [] sets task reach time sem "every interval_sec: task_id" source "O-3 §11.1 X-35" since 1;
/// Ends a scheduled task.
0xCC CANCEL_TASK => effect::request also []
in { task_id: Any = required "the function's name" }
out { status: Any = optional "\"OK\"" }
gas [] sets task reach time sem "cancel(task_id)" source "X-35" since 1;
/// The time in seconds since 1970, from the run's clock.
0xCD GET_CURRENT_TIME => effect::request also []
in {}
out { timestamp: Num = optional "seconds" }
gas [base(GAS)] sets plugin reach time sem "out = now" source "O-4 §11.1" since 1;
// ---- swarm ---------------------------------------------------------------------------------
/// Joins a swarm channel.
0xD0 SWARM_CONNECT => effect::request also []
in { channel: Channel = required "the channel's name" }
out { status: Any = optional "\"OK\"" }
gas [base(20 * GAS)] sets task reach swarm sem "join(channel)" source "O-5 §11.2" since 1;
/// Publishes a message to a channel, optionally with a reward.
0xD1 SWARM_BROADCAST => effect::request also []
in { message: Text = required "name of the message", data: Any = null "what it carries", reward: Num = 0 "credits for an answer", channel: Channel = named "the channel; the last connected if absent" } out {}
gas [base(GAS), per(10 * MILLI, Size("data"))] sets task reach swarm sem "publish(channel, message, data)" source "O-6 §11.2 X-31" since 1;
/// Requests data from other agents and returns a handle to the answer.
0xD2 SWARM_FETCH => effect::request also []
in { data_type: Text = required "what is wanted", request_id: Text = required "name of the request; also its idempotency key" }
out { handle: Handle = optional "the request" }
gas [base(5 * GAS), open("dataComplexity", 10 * MILLI, Size("data_type"))] sets task reach swarm sem "out = request(data_type)" source "O-7 §11.2 X-37" since 1;
/// Sends a message to a channel or agent, optionally with a reward.
0xD3 SEND_SWARM_MSG => effect::request also []
in { channel: Channel = required "channel or agent", message: Any = required "what to send", reward: Num = 0 "credits for an answer" } out {}
gas [base(5 * GAS), per(10 * MILLI, Size("message"))] sets task reach swarm sem "send(channel, message)" source "O-9 §11.2" since 1;
/// Starts a new agent from a code reference.
0xD4 FORK_AGENT => effect::request also []
in { agent_code_ref [code]: Code = required "name or hash of its code; \"self\" for the agent's own as it is now", swarm_channel [channel]: Channel = absent "channel to join", world: Text = named "class of world; this VM if absent", gas: Num = named "gas for it, out of the agent's own; what the world gives if absent", funds: Any = named "what its wallet gets out of the agent's: an amount of AVM_CREDITS, or a record of amounts by token", inputs: Record = named "values of its inputs" }
out { new_id: Handle = optional "the new agent" }
gas [base(50 * GAS), open("codeSize·costFactor", GAS / 2, Units("instructions of the code"))] sets task reach world sem "out = fork(agent_code_ref)" source "O-8 §11.2 X-38" since 1;
// ---- rights and money ----------------------------------------------------------------------
/// A role permits an action.
0xD8 CHECK_PERMISSIONS => effect::request also []
in { role: Text = required "the role", action: Text = required "the action" }
out { allowed: Bool = optional "whether it does" }
gas [base(GAS)] sets bool reach policy sem "out = allowed(role, action)" source "O-34 §11.9" since 1;
/// A signature is right.
0xD9 CHECK_SIG => effect::request also []
in { pubkey_reg [pubkey]: Any = required "public key", sig_reg [signature]: Any = required "signature, or a signed envelope", message: Any = absent "what was signed" }
out { valid: Bool = optional "whether it is" }
gas [base(GAS)] sets bool reach policy sem "out = verify(pubkey, signature, message)" source "O-35 §11.9 X-34" since 1;
/// Checks an object by the developer's policy; a failure whose status is not read is a trap.
0xDA SECURITY_CHECK => effect::request also []
in { object: Any = required "what to check" }
out { status: Any = optional "\"OK\"" }
gas [base(GAS)] sets plugin reach policy unread trap sem "out = check(object)" source "O-36 §11.9 X-17" since 1;
/// The agent's wallet holds at least so much.
0xDB CHECK_BALANCE => effect::request also []
in { token_id [token]: Token = required "the token", min_required: Num = required "the amount", wallet: Text = named "a pool wallet; the agent's own if absent" }
out { enough: Bool = optional "whether it does" }
gas [base(2 * GAS)] sets bool reach ledger sem "out = balance(token) >= min_required" source "O-37 §11.10" since 1;
/// Pays another agent.
0xDC PAY_AGENT => effect::request also []
in { target_agent [agent]: Agent = required "who is paid", amount: Num = required "how much", token_id [token]: Token = AVM_CREDITS "in what", purpose: Text = named "what for, at most 64 bytes; spending policies can name it", wallet: Text = named "a pool wallet to pay from; the agent's own if absent" }
out { status: Any = optional "\"OK\"" }
gas [base(3 * GAS)] sets plugin reach ledger unread warn sem "transfer(self, target_agent, amount, token)" source "O-38 §11.10" since 1;
// ---- the agent's own code ------------------------------------------------------------------
/// Turns observer mode on or off.
0xE0 SELF_OBSERVER_MODE => code::observe also []
in { enable: Bool = required "on or off" } out {}
gas [base(5 * GAS)] sets rewrite reach none sem "observer = enable" source "O-26 §11.7" since 1;
/// Reads the text of a region of the agent's own code.
0xE1 SELF_READ => effect::request also []
in { region: Region = required "the region's name" }
out { code: Text = optional "its text" }
gas [open("readCost", 10 * GAS, One), per(10 * MILLI, Size("code"))] sets rewrite reach code sem "out = text(region)" source "O-50 §8.3" since 1;
/// Replaces or patches a region of the agent's own code.
0xE2 SELF_MODIFY => effect::request also []
in { region: Region = required "the region's name", new_code_ref [patch]: Any = required "IR text, bytecode, unified diff or code reference" }
out { status: Any = optional "{status, snapshot_id}" }
gas [base(50 * GAS), per(GAS / 2, Units("codeSize: instructions of the new code"))] sets rewrite reach code sem "code[region] = new_code_ref" source "O-27 §11.7 X-8 X-28" since 1;
/// Tests a patch on a copy of the agent.
0xE3 SELF_MODIFY_SANDBOX => effect::request also []
in { region: Region = required "the region's name", patch [new_code_ref]: Any = required "IR text, bytecode, unified diff or code reference", max_tests: Int = 5 "most tests to run" }
out { result: Record = optional "{status, passed, failed, gas, reasons}; also RtestResult" }
gas [base(50 * GAS), open("sandboxCost", GAS / 2, Units("instructions of the new code"))] sets rewrite reach code sem "RtestResult = tests(patch)" source "O-52 §8.3 X-22" since 1;
/// Puts an earlier snapshot of a region back.
0xE4 REVERT_CODE => code::revert also []
in { region: Region = required "the region's name", snapshot_id [snapshot]: Any = required "which snapshot" } out {}
gas [base(10 * GAS)] sets rewrite reach none sem "code[region] = snapshot" source "O-28 §11.7 X-36" since 1;
/// Commits a checkpoint of code and state under a label.
0xE5 CREATE_SYSTEM_CHECKPOINT => code::checkpoint also []
in { label: Text = required "its name" }
out { id: Any = optional "the checkpoint's id" }
gas [open("checkpointCost", 15 * GAS, One)] sets rewrite reach none sem "out = checkpoint(label)" source "O-53 §8.3 X-36" since 1;
    } };
}
