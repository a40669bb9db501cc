//! Views of the trace of a small program.

#[path = "common/run.rs"]
mod common;

use avm_ir::{Opcode, verify::CodePlace};
use avm_trace::{Filter, Profile, Stacks, ViewError, chrome, flame, json, text};
use common::{Run, SAMPLE};

#[test]
fn lines_for_people() {
    let run = Run::of(SAMPLE);
    let mut out = String::new();
    text::write(&mut run.reader(), &Filter::default(), &mut out).expect("a whole trace");
    insta::assert_snapshot!(out);
}

#[test]
fn lines_of_json() {
    let run = Run::of(SAMPLE);
    let mut out = String::new();
    json::write(&mut run.reader(), &Filter::default(), 64, &mut out).expect("a whole trace");
    insta::assert_snapshot!(out);
}

#[test]
fn code_that_changes() {
    let run = Run::rewriting();
    let mut out = String::new();
    text::write(&mut run.reader(), &Filter::default(), &mut out).expect("a whole trace");
    insta::assert_snapshot!(out);
    let mut out = String::new();
    json::write(&mut run.reader(), &Filter::default(), 64, &mut out).expect("a whole trace");
    let kept: Vec<&str> = out.lines().filter(|line| line.contains("\"rewrite\"")).collect();
    insta::assert_snapshot!("code_that_changes_json", kept.join("\n"));
    let folded = Stacks::read(&mut run.reader()).expect("a whole trace").folded();
    let table = Profile::read(&mut run.reader()).expect("a whole trace").to_text(9);
    insta::assert_snapshot!("code_that_changes_gas", table + &folded);
    let mut out = String::new();
    chrome::write(&mut run.reader(), &mut out).expect("a whole trace");
    let kept: Vec<&str> = out.lines().filter(|line| line.contains("\"rewrite\"")).collect();
    insta::assert_snapshot!("code_that_changes_chrome", kept.join("\n"));
}

fn steps(run: &Run, filter: &Filter) -> Vec<serde_json::Value> {
    let mut out = String::new();
    json::write(&mut run.reader(), filter, 64, &mut out).expect("a whole trace");
    let lines = out.lines().map(|line| serde_json::from_str(line).expect("a line of JSON"));
    lines.filter(|line: &serde_json::Value| line["kind"] == "step").collect()
}

#[test]
fn filters() {
    let run = Run::of(SAMPLE);
    let all = steps(&run, &Filter::default());
    assert_eq!(all.len() as u64, run.machine.steps());
    let count = |filter: Filter, wanted: fn(&serde_json::Value) -> bool| {
        let found = steps(&run, &filter);
        assert!(!found.is_empty() && found.len() < all.len());
        assert_eq!(found, all.iter().filter(|step| wanted(step)).cloned().collect::<Vec<_>>());
    };
    count(Filter { opcodes: vec![Opcode::CALL], ..Filter::default() }, |step| step["op"] == "CALL");
    count(Filter { gas: 2_000, ..Filter::default() }, |step| step["gas"].as_u64() >= Some(2_000));
    count(Filter { steps: 3..=5, ..Filter::default() }, |step| {
        (3..=5).contains(&step["step"].as_u64().unwrap_or(0))
    });
    count(Filter { registers: vec!["list".into()], ..Filter::default() }, |step| {
        let names = |key: &str| {
            let list = step[key].as_array().cloned().unwrap_or_default();
            list.iter().any(|item| item["register"] == "list")
        };
        names("inputs") || names("outputs")
    });
    let nowhere = Filter { regions: vec!["nowhere".into()], ..Filter::default() };
    assert!(steps(&run, &nowhere).is_empty());
}

#[test]
fn every_view_sums_to_the_gas_used() {
    for run in [Run::rewriting(), Run::of(SAMPLE)] {
        sums(&run);
    }
    let run = Run::of(SAMPLE);
    let profile = Profile::read(&mut run.reader()).expect("a whole trace");
    let folded = Stacks::read(&mut run.reader()).expect("a whole trace").folded();
    insta::assert_snapshot!(profile.to_text(6) + &folded);
}

fn sums(run: &Run) {
    let used = run.machine.gas_used();
    let profile = Profile::read(&mut run.reader()).expect("a whole trace");
    assert_eq!(profile.all().gas, used);
    assert_eq!(profile.all().steps, run.machine.steps());
    for rows in [profile.by_region(), profile.by_line(), profile.by_opcode()] {
        assert_eq!(rows.iter().map(|(_, total)| total.gas).sum::<u64>(), used);
        assert_eq!(rows.iter().map(|(_, total)| total.steps).sum::<u64>(), run.machine.steps());
    }
    let stacks = Stacks::read(&mut run.reader()).expect("a whole trace");
    let folded = stacks.folded();
    let weights = folded.lines().filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
    assert_eq!(weights.sum::<u64>(), used);
    let speedscope: serde_json::Value =
        serde_json::from_str(&stacks.speedscope("test")).expect("JSON");
    let weights = speedscope["profiles"][0]["weights"].as_array().expect("a list");
    assert_eq!(weights.iter().filter_map(serde_json::Value::as_u64).sum::<u64>(), used);
    assert_eq!(speedscope["profiles"][0]["endValue"], used);
}

#[test]
fn chrome_opens_and_closes_every_call() {
    let run = Run::of(SAMPLE);
    let mut out = String::new();
    chrome::write(&mut run.reader(), &mut out).expect("a whole trace");
    let read: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let events = read["traceEvents"].as_array().expect("a list");
    let (mut open, mut last, mut kinds) = (0_i32, 0.0, std::collections::BTreeMap::new());
    for event in events {
        let phase = event["ph"].as_str().expect("a phase");
        *kinds.entry(phase).or_insert(0) += 1;
        open += match phase {
            "B" => 1,
            "E" => -1,
            _ => 0,
        };
        assert!(open >= 0);
        if let Some(at) = event["ts"].as_f64() {
            assert!(at >= last);
            last = at;
        }
    }
    assert_eq!(open, 0);
    assert_eq!((last * 1_000.0).round() as u64, run.machine.gas_used());
    // main, total_of, twice and total_of under it; two effects; a note and two changes of the store.
    assert_eq!((kinds["B"], kinds["X"], kinds["i"]), (4, 2, 3));
}

#[test]
fn a_flame_graph_is_one_box_a_stack() {
    let run = Run::of(SAMPLE);
    let stacks = Stacks::read(&mut run.reader()).expect("a whole trace");
    let svg = flame::svg(&stacks, "a <test> & more");
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    assert!(svg.contains("a &lt;test&gt; &amp; more"));
    let wide =
        stacks.totals().iter().filter(|total| total.gas * 4000 > run.machine.gas_used()).count();
    assert_eq!(svg.matches("<g>").count(), wide);
}

#[test]
fn a_torn_trace_shows_what_is_whole() {
    let run = Run::of("SET x = 0\nFOR i IN 30000 DO\nSET x = x + i\nENDFOR\nRETURN x\n");
    let part = &run.bytes[..run.bytes.len() - 50];
    let mut reader = avm_vm::trace::Reader::new(run.image.clone(), part).expect("it begins");
    let mut out = String::new();
    let few = Filter { steps: 1..=1, ..Filter::default() };
    let error = json::write(&mut reader, &few, 64, &mut out).expect_err("it breaks off");
    assert!(matches!(error, ViewError::Trace(avm_vm::trace::TraceError::Torn { .. })), "{error}");
    // How it began, the step, and how the run ended; the end of the trace is missing.
    assert_eq!(out.lines().count(), 3);
    assert!(reader.machine().steps() > 10_000);
}

#[test]
fn a_trace_of_another_program_is_refused() {
    let (run, other) = (Run::of("RETURN 1\n"), Run::of("RETURN 2\n"));
    let error = avm_vm::trace::Reader::new(other.image, &run.bytes[..]).expect_err("another one");
    assert_eq!(error, avm_vm::trace::TraceError::Program(run.image.program_hash()));
}

#[test]
fn what_the_program_does_not_do_is_found_with_its_step() {
    let run = Run::of("SET x = 5\nSET y = x + 1\nRETURN y\n");
    // The step's record: an int, 6 more than the 0 before. The hashes are made to fit.
    let body = 6 + 5 + u32::from_le_bytes(run.bytes[6..10].try_into().expect("four")) as usize + 32;
    let records = body + 5;
    let mut forged = run.bytes.clone();
    let at = (records..).find(|at| forged[*at] == 12).expect("zigzag of 6");
    forged[at] = 14;
    seal(&mut forged);
    let mut reader = avm_vm::trace::Reader::new(run.image.clone(), &forged[..]).expect("it begins");
    let error = loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("nobody noticed"),
            Err(error) => break error,
        }
    };
    let place = CodePlace { region: 0, pc: 1 };
    assert_eq!(
        error,
        avm_vm::trace::TraceError::Differs {
            step: 1,
            at: place,
            what: "the trace says it gives Some(Int(7)), and it gives Some(Int(6))".into(),
        }
    );
}

/// Makes the hashes of a trace fit its bytes.
fn seal(bytes: &mut [u8]) {
    let mut link = blake3::derive_key("aither avm trace v1", &bytes[..6]);
    let mut at = 6;
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four")) as usize;
        let end = at + 5 + length;
        link = *blake3::keyed_hash(&link, &bytes[at..end]).as_bytes();
        bytes[end..end + 32].copy_from_slice(&link);
        at = end + 32;
    }
}
