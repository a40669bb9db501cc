//! The programs of which it is counted what they hold of the heap.

/// Does nothing.
pub const IDLE: &str = "HALT\n";

/// Has some state and waits for an answer.
pub const ASKING: &str = r#"
SET name = "Ada"
SET count = 3
READ_FROM_TOOL "wait", name -> answer
RETURN [name, count, answer]
"#;

/// Ten thousand texts of a thousand bytes, then a question, then a write.
pub const TEN_MEGABYTES: &str = r#"
SET texts = []
FOR i IN 10000 DO
  PUSH texts, REPEAT("x", 995) + (10000 + i)
ENDFOR
READ_FROM_TOOL "wait" -> answer
SET texts[5000] = answer
"#;

/// Goes down [`DEPTH`] calls and asks a question there.
pub const DEEP: &str = r#"
.func down(n)
  IF n > 0 THEN
    SET below = down(n - 1)
    RETURN below
  ENDIF
  READ_FROM_TOOL "wait" -> answer
  RETURN 0
.endfunc
RETURN down(9000)
"#;

/// Calls of [`DEEP`].
pub const DEPTH: usize = 9_000;
