//! Every message the assembler can give: its number, what it means and how to mend it.
//!
//! A diagnostic is made from a row of this table and from nowhere else, so no code is without an
//! explanation. Ranges: 1-99 characters and tokens, 100-199 syntax, 200-299 names, 300-399 operands,
//! 400-499 regions, functions and tests, 500-599 include, 600-699 patches, 900-909 warnings,
//! 910-999 lints of whole programs and what is said about `.allow`.

use avm_ir::{Code, Diagnostic, Note, Severity, Span, Suggestion};

/// One kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its stable number.
    pub code: Code,
    /// Whether it stops the assembly.
    pub severity: Severity,
    /// What it is called, a few words.
    pub title: &'static str,
    /// Cause and way out, in prose.
    pub text: &'static str,
    /// A program that has the trouble.
    pub wrong: &'static str,
    /// The same program without it.
    pub right: &'static str,
}

/// The row of `code`.
pub fn explain(code: Code) -> Option<&'static Message> {
    MESSAGES.binary_search_by_key(&code, |row| row.code).ok().and_then(|at| MESSAGES.get(at))
}

/// A diagnostic with the severity of its row; add to it with [`Report`].
#[cold]
pub fn diagnostic(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic {
        severity: explain(code).map_or(Severity::Error, |row| row.severity),
        code,
        message: message.into(),
        span,
        label: String::new(),
        notes: Vec::new(),
        help: String::new(),
        suggestion: None,
    }
}

/// Adds the optional parts of a diagnostic.
pub trait Report: Sized {
    /// Words to put under the span.
    fn label(self, text: impl Into<String>) -> Self;
    /// The way out in prose.
    fn help(self, text: impl Into<String>) -> Self;
    /// A second place.
    fn note(self, span: Span, text: impl Into<String>) -> Self;
    /// A concrete edit: `replacement` in place of `span`; its words are made from the replacement.
    fn suggest(self, span: Span, replacement: impl Into<String>) -> Self;
    /// A concrete edit with words of its own.
    fn edit(self, span: Span, replacement: impl Into<String>, text: impl Into<String>) -> Self;
}

impl Report for Diagnostic {
    fn label(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    fn help(mut self, text: impl Into<String>) -> Self {
        self.help = text.into();
        self
    }

    fn note(mut self, span: Span, text: impl Into<String>) -> Self {
        self.notes.push(Note { span, text: text.into() });
        self
    }

    fn suggest(self, span: Span, replacement: impl Into<String>) -> Self {
        let replacement = replacement.into();
        let text = match replacement.trim() {
            "" => "remove it".to_owned(),
            word => format!("write `{word}`"),
        };
        self.edit(span, replacement, text)
    }

    fn edit(mut self, span: Span, replacement: impl Into<String>, text: impl Into<String>) -> Self {
        self.suggestion =
            Some(Suggestion { span, replacement: replacement.into(), text: text.into() });
        self
    }
}

/// Declares the code of each row as a constant and collects the rows in [`MESSAGES`].
macro_rules! messages {
    ($($name:ident = $code:literal $severity:ident $title:literal
        $text:literal
        wrong $wrong:literal right $right:literal)*) => {
        $(#[doc = $title] pub const $name: Code = Code($code);)*

        /// All rows by ascending number.
        pub const MESSAGES: &[Message] = &[$(Message {
            code: $name,
            severity: Severity::$severity,
            title: $title,
            text: $text,
            wrong: $wrong,
            right: $right,
        }),*];
    };
}

messages! {
BAD_CHARACTER = 1 Error "character that means nothing here"
"The text holds a character that no token begins with. Names are made of the letters a to z, digits
and `_`; everything else belongs into a text in double quotes. Characters that cannot be seen, such as
a zero-width space, often come along when text is copied from a web page. Remove the character."
wrong "LOG \"costs\", 5 @ 3\n" right "LOG \"costs\", 5 * 3\n"

LOOKALIKE = 2 Error "typographic look-alike"
"Word processors replace plain characters by finer ones: curly quotes for `\"`, a dash for `-`, a
multiplication sign for `*`, a no-break space for a space. They look alike and are other characters.
Type the plain ones; the suggestion shows which."
wrong "LOG “hello”\n" right "LOG \"hello\"\n"

OPEN_TEXT = 3 Error "text without its closing quote"
"A text begins and ends with `\"` on the same line. Here the line ended first. Close the text, or, if it
is to hold a line break, write `\\n` for it; a `\"` inside a text is written `\\\"`."
wrong "LOG \"hello\n" right "LOG \"hello\"\n"

BAD_ESCAPE = 4 Error "unknown escape in a text"
"In a text a backslash begins an escape. There are `\\n`, `\\t`, `\\r`, `\\\\`, `\\\"`, `\\0` and
`\\u{1F600}` with the hexadecimal number of a Unicode character. For the backslash itself, as in a
Windows path, write `\\\\`."
wrong "LOG \"C:\\data\"\n" right "LOG \"C:\\\\data\"\n"

BAD_NUMBER = 5 Error "malformed number"
"Digits run into letters, or a field is taken of a number. Integers look like `42`, `1_000` or `0xFF`, floats like `0.4`, `1e-3` or
`2.5e10`. A float needs digits on both sides of its point. A name cannot begin with a digit."
wrong "SET R = 12abc\n" right "SET R = 12\n"

NUMBER_RANGE = 6 Error "number out of range"
"Integers have 64 bits with a sign: from -9223372036854775808 to 9223372036854775807. Floats are
binary64 and end near 1.8e308. Register numbers end at 255. Use a float for a larger magnitude, or a
text where the digits themselves matter, as in a token amount."
wrong "SET R = 99999999999999999999\n" right "SET R = 1e20\n"

OPEN_BRACKET = 7 Error "bracket that is never closed"
"Inside brackets a line break is blank space, so an open bracket would swallow the statements that
follow. The assembler stopped looking where a line clearly begins a new statement, or at the end of the
file. Close the bracket that is pointed at."
wrong "SET R = (1 + 2\nHALT\n" right "SET R = (1 + 2)\nHALT\n"

STRAY_BRACKET = 8 Error "closing bracket that fits no opening one"
"Each `)`, `]` and `}` closes the last bracket of its kind that is still open. This one finds none, or a
bracket of another kind has to be closed first. Remove it, or use the closing bracket of the right kind."
wrong "SET R = 1 + 2)\n" right "SET R = (1 + 2)\n"

TOO_DEEP = 9 Error "expression too deeply nested"
"Brackets and signs may be nested 64 levels deep, and 256 operators may stand in one expression. The
limit keeps every later step within fixed memory. Compute the inner part into a register with `SET` and go
on from there."
wrong "SET R = ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))\n"
right "SET R = ((1))\n"

TOO_LARGE = 10 Error "source too large"
"A source file is at most 16 MiB of text and 1,000,000 statements. Data of that size does not belong into a program: put it
into a collection or the key-value store and fetch it at run time. Code can be split with `.include`."
wrong "(a file of more than 16 MiB)" right ".include \"part_one.avm\"\n"

FOREIGN = 11 Error "operator of another language"
"The notation is spelled differently here: `AND`, `OR` and `NOT` are words, `==` and `!=` compare, `SET R =
R + 1` adds one, `RANGE(1, 10)` lists the ints from 1 to 9, `->` names a result, comments begin with `;;`. The suggestion shows what was probably meant."
wrong "IF a && b THEN\n  HALT\nENDIF\n" right "IF a AND b THEN\n  HALT\nENDIF\n"

UNKNOWN_DIRECTIVE = 12 Error "unknown directive"
"The directives are `#define` and, with a dot, `.allow .include .input .uses .registers .region .endregion .func
.endfunc .test .endtest`. A local label is defined as `:.name`. A comment begins with `;`, not with `#`."
wrong ".reigon Main\n.endregion\n" right ".region Main\n.endregion\n"

TOO_MANY = 13 Error "too many errors"
"After 500 errors in a file the assembler stops reading it: what follows is hardly a program, or all the
errors have one cause. Mend the first ones and try again."
wrong "(a file with more than 500 errors)" right "HALT\n"

UNEXPECTED = 100 Error "something is not expected here"
"A statement is a label, a keyword statement such as `SET` or `IF`, a directive, or a mnemonic with its operands:
`MNEMONIC a, b, name=c -> R`. The assembler understood the line up to the place it points at."
wrong "LOG \"a\" : \"b\"\n" right "LOG \"a\", \"b\"\n"

MISSING_VALUE = 101 Error "a value is missing"
"An operator, a comma, a bracket or a keyword stands where it needs a value next to it. Add the value, or remove
what asks for it. A comma stands only between two operands or items, never behind the last."
wrong "LOG \"sum\", 1 +\n" right "LOG \"sum\", 1 + 2\n"

MISSING_COMMA = 102 Error "a comma is missing"
"Two values stand side by side. Operands of an instruction and items of a list are separated by commas, two parts of
a computation by an operator."
wrong "KV_STORE \"key\" 5\n" right "KV_STORE \"key\", 5\n"

MISSING_SET = 103 Error "assignment without SET"
"A line begins with a mnemonic or a keyword; a register alone cannot begin one. To compute a value into a register
write `SET R = value`; the result of an instruction goes behind an arrow, `OP a, b -> R`."
wrong "total = 5\n" right "SET total = 5\n"

SINGLE_EQUALS = 104 Error "`=` does not compare"
"A single `=` gives a value to a register, an operand or an attribute. Two values are compared with `==`."
wrong "IF R = 5 THEN\n  HALT\nENDIF\n" right "IF R == 5 THEN\n  HALT\nENDIF\n"

BAD_SET = 105 Error "malformed SET"
"The form is `SET place = value`, with one equals sign. The place is a register or a part of one: `R`, `R.a.b`, `R[i]`."
wrong "SET total 5\n" right "SET total = 5\n"

BAD_PLACE = 106 Error "not a place to write to"
"Results and `SET` write to a place: a register, or a part of one such as `R.a.b` or `R[i]`. A literal, a call or
a sum is a value and cannot be written to."
wrong "LOG \"x\" -> 5\n" right "LOG \"x\" -> R\n"

NO_CONDITION = 107 Error "the condition is missing"
"`IF`, `ELSEIF` and `WHILE` need a condition that gives true or false: `IF Rpatch == NULL THEN`."
wrong "IF THEN\n  HALT\nENDIF\n" right "IF R == NULL THEN\n  HALT\nENDIF\n"

NO_THEN = 108 Error "THEN is missing"
"`THEN` may be left out only where the line ends behind the condition. A statement on the same line needs it:
`IF c THEN statement`."
wrong "IF R == 5 HALT\n" right "IF R == 5 THEN HALT\n"

ONE_LINE_IF = 109 Error "a one-line IF holds one plain statement"
"`IF c THEN statement` on one line takes one instruction, `SET`, `BREAK` or `CONTINUE` and has no `ELSE` and no
`ENDIF`. For anything else end the line behind `THEN` and close the block with `ENDIF`."
wrong "IF a THEN HALT ELSE RETURN\n" right "IF a THEN\n  HALT\nELSE\n  RETURN\nENDIF\n"

OWN_LINE = 110 Error "this needs a line of its own"
"`ELSE` and the words that close a block stand alone on their line, without a colon, and the body of `WHILE` and `FOR`
begins on the next line."
wrong "IF a\n  HALT\nELSE RETURN\nENDIF\n" right "IF a\n  HALT\nELSE\n  RETURN\nENDIF\n"

TWO_WORDS = 111 Error "a keyword written as two words"
"`ELSEIF`, `ENDIF`, `ENDWHILE` and `ENDFOR` are single words."
wrong "IF a\n  HALT\nELSE IF b\n  RETURN\nENDIF\n" right "IF a\n  HALT\nELSEIF b\n  RETURN\nENDIF\n"

BAD_FOR = 112 Error "malformed FOR"
"The form is `FOR x IN list DO`. To count from 0 to 9 write `FOR x IN 10 DO`; `IN` takes the place of an equals sign."
wrong "FOR i = 10\n  HALT\nENDFOR\n" right "FOR i IN 10\n  HALT\nENDFOR\n"

CHAINED = 113 Error "comparisons do not chain"
"`a < b < c` would compare the result of `a < b`, a bool, with `c`. Write both comparisons out, joined by `AND`."
wrong "IF 1 < R < 5 THEN HALT\n" right "IF 1 < R AND R < 5 THEN HALT\n"

BARE_NOT = 114 Error "NOT needs parentheses here"
"`NOT` is weaker than comparisons and sums, so it cannot stand on their right side as it is. Put it into parentheses."
wrong "IF a == NOT b THEN HALT\n" right "IF a == (NOT b) THEN HALT\n"

BAD_OUTPUT = 115 Error "malformed result"
"One result is written `-> R`, several stand in parentheses: `-> (A, B)`. The arrow comes last in the line, once."
wrong "DOC_FETCH \"d\", \"i\" -> A, B\n" right "DOC_FETCH \"d\", \"i\" -> (A, B)\n"

LEFT_OUT = 116 Error "code was left out"
"`...` stands for code that an author did not write down. There is nothing to run. Write the statements, or remove
the line."
wrong "IF a THEN ...\n" right "IF a THEN LOG \"caution\"\n"

BAD_LABEL = 118 Error "malformed label"
"A label is `:name` or `name:`; a local one begins with a dot, `:.name`. A jump names it without the colon."
wrong ": 5\n" right ":five\n"

LONE_NUMBER = 119 Error "line number without a statement"
"A line number such as `12.` decorates the statement on its line. There is none. Remove the number or write the
statement behind it."
wrong "1.\n" right "1. HALT\n"

BAD_DEFINE = 120 Error "malformed #define"
"The form is `#define NAME value`, without an equals sign. The value is a literal, a negated literal or an earlier constant."
wrong "#define LIMIT = 5\n" right "#define LIMIT 5\n"

BAD_DIRECTIVE = 121 Error "malformed directive"
"The directives are written `.include \"path\"`, `.input NAME` or `.input NAME = literal`, `.uses KIND \"name\"`,
`.registers A, B`, `.region NAME perms=a,b in=(A) out=(B)`, `.func name(a, b)` and `.test \"name\" region=NAME`."
wrong ".func twice x\n.endfunc\n" right ".func twice(x)\n.endfunc\n"

BAD_ATTRIBUTE = 122 Error "unknown attribute"
"A region has the attributes `detached`, `perms`, `in` and `out`, a test has `region`."
wrong ".region A permissions=read\n.endregion\n" right ".region A perms=read\n.endregion\n"

TWICE = 123 Error "attribute given twice"
"Each attribute of a region or test is given once; its values are separated by commas."
wrong ".region A perms=read perms=modify\n.endregion\n" right ".region A perms=read,modify\n.endregion\n"

NO_REGION = 124 Error "test without a region"
"A test names the region that it tests: `.test \"name\" region=NAME`."
wrong ".test \"adds\"\n.endtest\n" right ".test \"adds\" region=Sum\n.endtest\n"

NO_OPENING = 130 Error "closing word without its opening"
"`ENDIF` closes an `IF`, `ENDWHILE` a `WHILE`, `ENDFOR` a `FOR`, `.endregion` a `.region`, and so on. Here no such block is
open. A one-line `IF c THEN statement` needs no `ENDIF`. Remove the word or write the opening line."
wrong "HALT\nENDIF\n" right "IF R == NULL THEN\n  HALT\nENDIF\n"

NEVER_CLOSED = 131 Error "block that is never closed"
"The block that begins here has no closing line. `IF` is closed by `ENDIF`, `WHILE` by `ENDWHILE`, `FOR` by `ENDFOR`, `.region`
by `.endregion`, `.func` by `.endfunc`, `.test` by `.endtest`."
wrong "IF a THEN\n  HALT\n" right "IF a THEN\n  HALT\nENDIF\n"

WRONG_CLOSING = 132 Error "closing word of another block"
"Blocks are closed from the inside out, each by its own word. This word does not belong to the block that is open here. `END`
alone closes nothing."
wrong "IF a THEN\n  HALT\nENDWHILE\n" right "IF a THEN\n  HALT\nENDIF\n"

AFTER_ELSE = 133 Error "branch after ELSE"
"`ELSE` is the last branch of an `IF`. Move an `ELSEIF` in front of it; a second `ELSE` is never reached."
wrong "IF a\n  HALT\nELSE\n  HALT\nELSE\n  HALT\nENDIF\n" right "IF a\n  HALT\nELSE\n  HALT\nENDIF\n"

NO_IF = 134 Error "branch without IF"
"`ELSE` and `ELSEIF` belong to an `IF` that is still open in the same block. A one-line `IF c THEN statement` has no `ELSE`."
wrong "HALT\nELSE\n" right "IF a\n  HALT\nELSE\n  RETURN\nENDIF\n"

NESTED = 135 Error "region, function or test inside another"
"Regions do not nest, neither do functions, and a test stands outside of both. Close the outer one first."
wrong ".region A\n.region B\n.endregion\n.endregion\n" right ".region A\n.endregion\n.region B\n.endregion\n"

NOT_IN_TEST = 136 Error "line of a test outside of one"
"`given R = value`, `expect condition` and `answer MNEMONIC \"name\" -> value` are lines of a `.test`."
wrong "expect R == 5\n" right ".test \"five\" region=A\nexpect R == 5\n.endtest\n"

ONLY_IN_TEST = 137 Error "statement inside a test"
"A test holds only `given R = value`, `expect condition` and `answer MNEMONIC \"name\" -> value` lines: it says what holds before
the region runs, what must hold after, and what is answered meanwhile. Code belongs into the region."
wrong ".test \"five\" region=A\nLOG \"x\"\n.endtest\n" right ".test \"five\" region=A\nexpect R == 5\n.endtest\n"

BLOCKS_TOO_DEEP = 138 Error "blocks too deeply nested"
"Blocks may be nested 64 levels deep. Move the inner ones into a function."
wrong "(65 nested IF)" right "IF a\n  CALL inner\nENDIF\n"

NO_LOOP = 139 Error "BREAK or CONTINUE outside of a loop"
"`BREAK` leaves the innermost `WHILE` or `FOR`, `CONTINUE` begins its next round. Neither reaches out of a function."
wrong "BREAK\n" right "WHILE a\n  BREAK\nENDWHILE\n"

UNKNOWN_OPCODE = 200 Error "unknown instruction"
"No instruction has this name. `avm explain` lists all of them. Mnemonics match in any case; a function of the program
is called by `name(arguments) -> R` or `CALL name, arguments -> R`."
wrong "LOGG \"x\"\n" right "LOG \"x\"\n"

UNKNOWN_NAME = 201 Error "name that nothing writes"
"A register exists because something writes it: `SET`, the result of an instruction, `FOR`, `.input`, the interface of
a region or, inside a function, a parameter. This name is only read. Either it is misspelled, or it was meant as a text
and lacks its quotes, or it lives elsewhere: a function has registers of its own."
wrong "SET total = 1\nLOG totl\n" right "SET total = 1\nLOG total\n"

UNKNOWN_LABEL = 202 Error "unknown label"
"The jump names a label that is defined nowhere in reach. Labels outside functions are known in the whole program, those of
a function only inside it, those that begin with a dot only in their own region or function."
wrong ":loop\nJUMP lop\n" right ":loop\nJUMP loop\n"

DUPLICATE_LABEL = 203 Error "label defined twice"
"A jump to this label could mean either place. Give one of them another name, or make both local by a leading dot if they
lie in different regions or functions."
wrong ":here\nLOG \"a\"\n:here\nJUMP here\n" right ":here\nLOG \"a\"\n:there\nJUMP here\n"

DUPLICATE_DEFINE = 204 Error "constant defined twice"
"A constant is defined once, in all files together, and means the same everywhere."
wrong "#define LIMIT 5\n#define LIMIT 6\nLOG LIMIT\n" right "#define LIMIT 5\nLOG LIMIT\n"

BAD_CONSTANT = 205 Error "not a constant"
"The value of `#define` and the default of `.input` are known before the program runs: a literal, a negated literal, a
constant defined further up, or a list or record of such."
wrong "SET R = 1\n#define TWICE R * 2\nLOG TWICE\n" right "SET R = 1\nSET twice = R * 2\nLOG twice\n"

READ_ONLY = 206 Error "name that cannot be written"
"Constants keep their value, and status words such as `lastBool` are written by the machine alone. Write a register
of another name."
wrong "#define LIMIT 5\nSET LIMIT = 6\n" right "#define LIMIT 5\nSET limit = 6\n"

UNKNOWN_FUNCTION = 207 Error "unknown function"
"No `.func` of the program and no instruction has this name."
wrong ".func twice(x)\n  RETURN x * 2\n.endfunc\nLOG twise(4)\n" right ".func twice(x)\n  RETURN x * 2\n.endfunc\nLOG twice(4)\n"

DUPLICATE_FUNCTION = 208 Error "function defined twice"
"Functions are known in the whole program by their name alone. Give one of them another name."
wrong ".func f()\n.endfunc\n.func f()\n.endfunc\n" right ".func f()\n.endfunc\n.func g()\n.endfunc\n"

NAME_TOO_LONG = 209 Error "name too long"
"Names may have 250 bytes."
wrong "(a name of 251 letters)" right "SET R = 1\n"

TOO_MANY_REGISTERS = 210 Error "too many registers"
"All code outside functions shares 200 named registers, a function has 254 of its own. Put values that belong together
into a record or list, or move code into a function."
wrong "(201 names)" right "SET R = {a: 1, b: 2}\n"

RAW_REGISTER = 211 Error "register number that cannot be used here"
"`%12` names a register by its number, as the disassembler writes it. The number is taken as it is, so it must not meet
a register that the assembler gives out itself, and it must exist: 0 to 254, in a function 0 to 253."
wrong ".func f(a)\n  SET b = a\n  SET %1 = 5\n  RETURN b\n.endfunc\n" right ".func f(a)\n  SET b = a\n  SET c = 5\n  RETURN b\n.endfunc\n"

DUPLICATE_REGISTER = 212 Error "register declared twice"
"A parameter, an input and a name after `.registers` are each declared once."
wrong ".func f(a, a)\n.endfunc\n" right ".func f(a, b)\n.endfunc\n"

JUMP_INTO_LOOP = 213 Error "jump into a FOR loop"
"A `FOR` loop prepares what it walks over before its first round; a jump from outside into its body would skip that. Jump
to a label in front of the loop. Jumping out of a loop is fine."
wrong "JUMP inside\nFOR x IN 3\n:inside\n  LOG x\nENDFOR\n" right ":before\nFOR x IN 3\n  LOG x\nENDFOR\n"

OTHER_SCOPE = 214 Error "label of another function or region"
"A jump cannot enter or leave a function, and a label that begins with a dot is known only in its own region or function.
Call the function, leave it by `RETURN`, or drop the dot."
wrong ".func f()\n:inside\n.endfunc\nJUMP inside\n" right ".func f()\n.endfunc\nCALL f\n"

NOTHING_TO_READ = 215 Error "`_` holds no value"
"`_` in place of a result drops it. It is no register and cannot be read."
wrong "LOG _\n" right "SET R = 1\nLOG R\n"

FUNCTION_IS_INSTRUCTION = 216 Error "function named like an instruction"
"Mnemonics match in any case, so a line that begins with this name is always the instruction and never a call of the
function. Give the function another name."
wrong ".func wait(x)\n  RETURN x\n.endfunc\n" right ".func wait_for(x)\n  RETURN x\n.endfunc\n"

MISSING_OPERAND = 300 Error "operand missing"
"The instruction needs an operand that is neither given nor has a default. The usage line shows the order; any operand
can also be given by name, `name=value`."
wrong "KV_STORE \"key\"\n" right "KV_STORE \"key\", 5\n"

TOO_MANY_OPERANDS = 301 Error "too many operands"
"The instruction takes fewer operands by position. Optional ones that the usage line shows with `=…` are given by name; a
result goes behind `->`."
wrong "KV_STORE \"key\", 5, 6\n" right "KV_STORE \"key\", 5\n"

UNKNOWN_OPERAND = 302 Error "unknown operand name"
"The instruction has no operand and no result of this name."
wrong "KV_STORE kee=\"key\", value=5\n" right "KV_STORE key=\"key\", value=5\n"

OPERAND_TWICE = 303 Error "operand given twice"
"An operand was given by position and by name, or twice by name. Remove one of them."
wrong "KV_STORE \"key\", 5, value=6\n" right "KV_STORE \"key\", 5\n"

POSITION_BEHIND_NAME = 304 Error "positional operand behind a named one"
"Operands by position come first, then those with names, so that counting stays easy."
wrong "KV_STORE value=5, \"key\"\n" right "KV_STORE \"key\", value=5\n"

WRONG_TYPE = 305 Error "literal of the wrong type"
"The instruction would trap or fail on this value whenever it runs. Only literals and constants are checked here; what a
register holds is seen when the program runs."
wrong "WAIT \"soon\"\n" right "WAIT 5\n"

NOT_A_PLACE = 306 Error "not a place"
"The instruction changes this operand or writes its result here, so it must be a register or a path into one, such as
`R.a[0]`. A literal or a computed value cannot be changed."
wrong "PUSH [1, 2], 3\n" right "SET xs = [1, 2]\nPUSH xs, 3\n"

NOT_A_LABEL = 307 Error "not a label"
"The operand is a label, written as its bare name, without colon or quotes."
wrong ":loop\nJUMP \"loop\"\n" right ":loop\nJUMP loop\n"

NOT_A_FUNCTION = 308 Error "not a function"
"The operand is a function of the program, written as its bare name."
wrong ".func f()\n.endfunc\nCALL \"f\"\n" right ".func f()\n.endfunc\nCALL f\n"

TOO_MANY_RESULTS = 309 Error "more results than the instruction has"
"The usage line shows behind `→` what the instruction gives back. Remove the rest."
wrong "LOG \"x\" -> R\n" right "LOG \"x\"\n"

RESULT_TWICE = 310 Error "result given twice"
"A result goes to one place: behind the arrow, by `out=`, or as last operand."
wrong "KV_FETCH \"key\", out=A -> B\n" right "KV_FETCH \"key\" -> B\n"

NOT_IN_EXPRESSION = 311 Error "not possible inside an expression"
"An expression may call functions of the program and instructions that have one result, change no operand and reach nothing outside.
Anything else is a statement of its own, so that its costs and failures can be seen."
wrong "LOG GPU_INFER(\"model\", 5)\n" right "GPU_INFER \"model\", 5 -> R\nLOG R\n"

TOO_MANY_ARGUMENTS = 312 Error "more arguments than parameters"
"The function has fewer parameters. Arguments that are left out are `NULL`."
wrong ".func f(a)\n.endfunc\nCALL f, 1, 2\n" right ".func f(a)\n.endfunc\nCALL f, 1\n"

TOO_COMPLEX = 313 Error "expression needs too many registers"
"Intermediate results take registers, and there are not enough of them. Split the expression or the loops: keep parts
in named registers, or move code into a function."
wrong "(an expression with 60 open parts)" right "SET part = a + b\n"

CONSTANT_TOO_LARGE = 314 Error "constant too large"
"A constant may have 16 MiB and nest 64 levels deep, all constants of a program together 48 MiB."
wrong "(a constant of 17 MiB)" right "#define LIMIT 5\n"

ODD_PAIRS = 315 Error "key without a value"
"The instruction takes pairs of key and value. A record literal is easier: `SET R = {a: 1}`."
wrong "RECORD \"a\", 1, \"b\" -> R\n" right "RECORD \"a\", 1, \"b\", 2 -> R\n"

DUPLICATE_KEY = 316 Error "key given twice"
"A record has each key once. The first value would be lost."
wrong "SET R = {a: 1, a: 2}\n" right "SET R = {a: 1, b: 2}\n"

DUPLICATE_REGION = 400 Error "region defined twice"
"A region is known by its name. `main` is the code outside any region."
wrong ".region A\n.endregion\n.region A\n.endregion\n" right ".region A\n.endregion\n.region B\n.endregion\n"

UNKNOWN_PERMISSION = 401 Error "unknown permission"
"The permissions of a region are read, modify, append, execute, fork, breed and lock."
wrong ".region A perms=read,modfy\n.endregion\n" right ".region A perms=read,modify\n.endregion\n"

MISPLACED = 402 Error "definition inside a block"
"Regions and tests stand outside of any block, functions there or directly in a region. Move it out."
wrong "IF 1 == 2 THEN\n  .region A\n  .endregion\nENDIF\n" right ".region A\n.endregion\n"

TOO_MUCH_CODE = 403 Error "region too large"
"A region may have 1048576 instructions, 32767 different constants and 65535 labels. Divide it."
wrong "(32768 different constants)" right "LOG 5\n"

TOO_MANY_REGIONS = 404 Error "too many regions"
"A program may have 4096 regions."
wrong "(4096 regions)" right ".region A\n.endregion\n"

UNKNOWN_REGION = 405 Error "test of an unknown region"
"A test names a region of the program, or `main`."
wrong ".region Sum\n.endregion\n.test \"adds\" region=Sun\nexpect true\n.endtest\n" right ".region Sum\n.endregion\n.test \"adds\" region=Sum\nexpect true\n.endtest\n"

UNKNOWN_KIND = 406 Error "unknown kind of name"
"The manifest knows the kinds model, collection, tool, plugin, chain, gpu, subnet, channel, agent, token, code, region and introspect."
wrong ".uses modell \"LLama\"\n" right ".uses model \"LLama\"\n"

PROGRAM_TOO_LARGE = 407 Error "program too large"
"A program file may have 64 MiB."
wrong "(a program of 65 MiB)" right "HALT\n"

BAD_ANSWER = 408 Error "answer that fits no question"
"`answer MNEMONIC \"name\" -> value` says what an instruction that asks a provider gets while the test runs, `answer MNEMONIC \"name\"
fails \"why\"` that it fails, and `answer MNEMONIC \"name\"` alone that it goes well where there is no result. The name is that of the model, tool, plugin … that it asks; without one the answer is for all of its calls. An
instruction that asks nobody gets no answer, one that names nothing is told by no name, and a test has at most 256 answers."
wrong ".test \"adds\" region=main\nanswer LEN \"x\" -> 1\n.endtest\n" right ".test \"adds\" region=main\nanswer READ_FROM_TOOL \"x\" -> 1\n.endtest\n"

INTERNAL = 499 Error "bug in the assembler"
"The assembler wrote code that the validator refuses. The program is not to blame. Please report it with the source."
wrong "(none is known)" right "HALT\n"

INCLUDE_NOT_FOUND = 500 Error "included file not found"
"The path is relative to the file that holds the `.include`."
wrong ".include \"missing.avm\"\n" right ".include \"common.avm\"\n"

INCLUDE_OUTSIDE = 501 Error "included file outside of the project"
"A program may include files below its project's root folder only, also by way of links. The root is the nearest folder
upwards that holds `avm.toml` or `.git`, or else the folder of the main file."
wrong ".include \"../../secret.avm\"\n" right ".include \"common.avm\"\n"

INCLUDE_CYCLE = 502 Error "file includes itself"
"The file is already being read. Move what both need into a third file."
wrong ".include \"main.avm\"\n" right ".include \"common.avm\"\n"

INCLUDE_UNREADABLE = 503 Error "included file cannot be read"
"The operating system gave an error, or the file is not UTF-8 text."
wrong ".include \"folder\"\n" right ".include \"common.avm\"\n"

INCLUDE_TOO_MUCH = 504 Error "too many included files"
"A program may be made of 1000 files with 64 MiB together, included 64 levels deep."
wrong "(a file that is included 1001 times)" right ".include \"common.avm\"\n"

PATCH_REGION = 600 Error "region that cannot be patched"
"A patch replaces a region of the running program by name. `main`, the code outside any region, is locked. A region whose code no
text stands for cannot be changed by a diff or by an addition, only replaced as a whole."
wrong "(a patch of `main`)" right "HALT\n"

PATCH_SHAPE = 601 Error "more than the statements of one region"
"A patch is the new statements of one region, alone or in `.region NAME` and `.endregion`, with `#define` lines in front. Bits and
interface stay those of the program, and so do its tests, inputs and other regions. What is appended goes on where the region ends."
wrong "(a patch with other bits: `.region plan perms=read,modify,lock`)" right ".region plan perms=read,modify\n.endregion\n"

PATCH_BREAKS = 602 Error "patch that takes away what others use"
"Other regions and tests may jump to labels of a region and call its functions. A new body of the region must have them too, and its
functions no fewer parameters than others give them."
wrong "(a patch without a function that `main` calls)" right "step(1)\n.func step(n)\n.endfunc\n"

PATCH_DIFF = 603 Error "diff that does not fit"
"A unified diff is against the canonical text of the region, as SELF_READ gives it. Each hunk says at which line it begins and how
many lines it has; its lines of context and those it removes must stand there to the letter."
wrong "(a hunk whose first line is not in the region)" right "HALT\n"

UNREACHABLE_LABEL = 900 Warning "label that nothing reaches"
"No jump names this label, and control cannot fall into it because the statement above ends the flow. The code behind it never runs."
wrong "HALT\n:forgotten\nLOG \"x\"\n" right "JUMP forgotten\n:forgotten\nLOG \"x\"\n"

PAPER_NAME = 901 Warning "name resolved by the paper dialect"
"The name is defined nowhere; `--dialect paper` takes it for the one constant that it extends or abbreviates. Write the
constant's own name."
wrong "#define MAX 5\nLOG MAX_TESTS\n" right "#define MAX 5\nLOG MAX\n"

READ_FIRST = 902 Warning "register of a function read before it is written"
"A function has registers of its own, which begin as `NULL`. It reads this one first and writes it further down, while the agent has
a register of the same name, which the function does not see. Pass the agent's value as an argument and give the new one back by `RETURN`."
wrong "SET total = 1\n.func plus(x)\n  SET total = total + x\n  RETURN total\n.endfunc\nLOG plus(2)\n" right "SET total = 1\n.func plus(total, x)\n  SET total = total + x\n  RETURN total\n.endfunc\nLOG plus(total, 2)\n"

UNUSED_ALLOW = 910 Warning "`.allow` that silences nothing"
"There is no warning of this code where the `.allow` reaches: the next statement, or at the top of a file, region or function
all of it. The trouble was mended, or the line stands in the wrong place. Remove it, so that it does not hide the next one."
wrong ".allow AVM0913 \"kept for later\"\nHALT\n" right "HALT\n"

NO_REASON = 911 Warning "`.allow` without a reason"
"Whoever reads the program wants to know why a warning does not hold here. Write the reason behind the code, in quotes."
wrong ".allow AVM0913\n#define LATER 5\nLOG 1\n" right ".allow AVM0913 \"the next version reads it\"\n#define LATER 5\nLOG 1\n"

NOT_SILENCED = 912 Warning "`.allow` of something that cannot be silenced"
"Warnings can be silenced, errors cannot, and neither can what is said about `.allow` itself. A code is `AVM` and four digits;
`avm explain` lists all of them."
wrong ".allow AVM0201 \"it is set elsewhere\"\nHALT\n" right "HALT\n"

UNUSED_DEFINE = 913 Warning "constant that nothing uses"
"The constant is defined and nothing reads it, so its value has no effect. Often a limit or a threshold was meant to be applied
and is not. Use it, or remove it. Constants of included files are not looked at."
wrong "#define RETRIES 5\nLOG \"done\"\n" right "#define RETRIES 5\nLOG RETRIES\n"

UNUSED_FUNCTION = 914 Warning "function that nothing calls"
"No code and no test calls the function. Call it, or remove it. Functions of included files are not looked at, nor those of a
file that holds only definitions."
wrong ".func twice(x)\n  RETURN x + x\n.endfunc\nLOG 5\n" right ".func twice(x)\n  RETURN x + x\n.endfunc\nLOG twice(5)\n"

NO_PROGRESS = 915 Warning "loop without progress"
"Control comes back to where it was, and nothing that decides how it goes on has changed: neither a register nor anything
outside. So it comes back again and again, until the gas is used up. A call that failed and is repeated at once, as it was, most
likely fails again: count the attempts and leave at a limit, or `WAIT` before the next one."
wrong ":fetch\nREAD_FROM_TOOL \"News\" -> news\nJUMP_IF_PLUGIN_FAILED fetch\nLOG news\n"
right "SET tries = 0\n:fetch\nREAD_FROM_TOOL \"News\" -> news\nIF lastPluginFailed AND tries < 3 THEN\n  SET tries = tries + 1\n  JUMP fetch\nENDIF\nLOG news\n"

NEVER_SET = 916 Warning "register that is not set when a call needs it"
"Registers start as `NULL`, and the result of a failed call is `NULL`. On the way that is named nothing sets the register
before the call reads it, and a call whose required operand is `NULL` fails. Set a value on that way, or leave the call out there."
wrong "READ_FROM_TOOL \"News\" -> news\nJUMP_IF_PLUGIN_FAILED sum\nLOG news\n:sum\nGPU_INFER \"LLama\", news -> answer\nLOG answer\n"
right "READ_FROM_TOOL \"News\" -> news\nJUMP_IF_PLUGIN_FAILED none\nGPU_INFER \"LLama\", news -> answer\nLOG answer\n:none\n"

UNREAD_FAILURE = 917 Warning "failure that nobody reads"
"The call sends an order, pays, or asks whether something is permitted, and no way from here looks whether it failed: neither
its result nor the status word of its class is read. The program goes on as if it had succeeded. Behind the call write
`JUMP_IF_PLUGIN_FAILED label`, or take its result and test it. A `SECURITY_CHECK` that fails and whose result is dropped ends
the run with trap T12; one whose result is taken and not read lets everything pass."
wrong "PAY_AGENT \"HPCBot\", 10\nLOG \"paid\"\n"
right "PAY_AGENT \"HPCBot\", 10\nIF lastPluginFailed THEN\n  LOG \"not paid\"\nELSE\n  LOG \"paid\"\nENDIF\n"

DOUBLE_EFFECT = 918 Warning "the same value sent out twice"
"A tool and a chain both get the same value, one behind the other, and whether the first call succeeded is not looked at in
between. Where each of them carries the order out, it is carried out twice. Keep one of the two, or make the second depend on
the failure of the first."
wrong "SET order = {action: \"BUY\"}\nWRITE_TO_TOOL \"TradingAPI\", order -> a\nCHAIN_OP \"Ethereum\", \"swap\", order -> b\nLOG [a, b]\n"
right "SET order = {action: \"BUY\"}\nWRITE_TO_TOOL \"TradingAPI\", order -> a\nIF lastPluginFailed THEN\n  CHAIN_OP \"Ethereum\", \"swap\", order -> a\nENDIF\nLOG a\n"

OVERWRITTEN = 919 Warning "value that is overwritten before it is read"
"Whichever way control goes from here, the register gets another value before anything reads this one, so the statement has no
effect. Remove it, or read the register before."
wrong "SET total = 5\nSET total = 6\nLOG total\n" right "SET total = 5\nLOG total\nSET total = 6\nLOG total\n"

AMBIGUOUS_CHANNEL = 920 Warning "broadcast without a channel after several were joined"
"A broadcast that names no channel goes to the one that was joined last. The agent has joined more than one by here, so the
order of statements decides who hears it. Name the channel, `channel=\"…\"` (X-31)."
wrong "SWARM_CONNECT \"a\"\nSWARM_CONNECT \"b\"\nSWARM_BROADCAST \"hello\"\n"
right "SWARM_CONNECT \"a\"\nSWARM_CONNECT \"b\"\nSWARM_BROADCAST \"hello\", channel=\"a\"\n"
}

/// Whether a warning comes from a lint, that is, from a look at the whole program that `avm check`
/// takes.
pub const fn is_lint(code: Code) -> bool {
    code.0 >= UNUSED_ALLOW.0
}

#[cfg(test)]
mod tests {
    use super::{MESSAGES, explain};

    #[test]
    fn rows_are_ascending_and_complete() {
        assert!(MESSAGES.windows(2).all(|pair| pair[0].code < pair[1].code));
        for row in MESSAGES {
            let texts = [row.title, row.text, row.wrong, row.right];
            assert!(texts.iter().all(|text| !text.trim().is_empty()), "{}", row.code);
            assert_eq!(explain(row.code), Some(row));
        }
    }
}
