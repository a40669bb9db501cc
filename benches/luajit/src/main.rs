//! Runs one workload in LuaJIT's interpreter: a run a line of input, `check nanoseconds` a line of
//! output. The first line of input is `size length`, then comes the text of that length.

use std::{
    error::Error,
    io::{BufRead, Read, Write},
};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("no workload is named")?;
    let source = std::fs::read_to_string(path)?;
    let mut input = std::io::stdin().lock();
    let mut header = String::new();
    input.read_line(&mut header)?;
    let (size, length) = header.trim().split_once(' ').ok_or("the first line is no header")?;
    let mut content = vec![0; length.parse()?];
    input.read_exact(&mut content)?;
    let script =
        avm_bench_lua::Script::new(&source, size.parse()?, std::str::from_utf8(&content)?)?;
    let mut output = std::io::stdout().lock();
    for line in input.lines() {
        line?;
        let (check, time) = script.run()?;
        writeln!(output, "{check} {}", time.as_nanos())?;
        output.flush()?;
    }
    Ok(())
}
