//! Properties of the instruction table that its types cannot express.

use std::collections::BTreeSet;

use avm_ir::{
    Kind, OpInfo,
    gas::{Measure, formula_text},
    opcode::OPS,
};

/// The instructions of the whitepaper's reference (section 11), each with its formula and the
/// coefficients in it that the whitepaper names but leaves open. What stands besides them is the
/// whitepaper's number.
#[rustfmt::skip]
const REFERENCE: [(&str, &str, &[&str]); 46] = [
    // 11.1 time
    ("WAIT_FOR_RESPONSE", "none", &[]),
    ("WAIT", "none", &[]),
    ("SCHEDULE_TASK", "none", &[]),
    ("GET_CURRENT_TIME", "1", &[]),
    // 11.2 swarm
    ("SWARM_CONNECT", "20", &[]),
    ("SWARM_BROADCAST", "1 + 0.01 × size(data)", &[]),
    ("SWARM_FETCH", "5 + 0.01 × size(data_type)", &["dataComplexity"]),
    ("FORK_AGENT", "50 + 0.5 × instructions of the code", &["codeSize·costFactor"]),
    ("SEND_SWARM_MSG", "5 + 0.01 × size(message)", &[]),
    // 11.3 concurrency; the base of a model call is that of section 8.2
    ("MAP_MODEL_CALL", "10 + 0.01 × size(dataset)", &["pricePerUnit"]),
    ("REDUCE_MODEL_CALL", "1 + 0.01 × count(input_results)", &["aggTypeCost"]),
    ("WAIT_FOR_TASK", "none", &[]),
    // 11.4 state
    ("LOAD_EXECUTION_STATE", "10", &[]),
    ("SAVE_EXECUTION_STATE", "15", &[]),
    ("RESET_EXECUTION_STATE", "5", &[]),
    ("HALT", "none", &[]),
    // 11.5 tools and plugins
    ("GET_TOOLS_LIST", "2", &[]),
    ("READ_FROM_TOOL", "0.01 × size(data)", &[]),
    ("WRITE_TO_TOOL", "0.02 × size(data)", &[]),
    ("CALL_PLUGIN", "10 + 0.1 × size(args)", &["baseCost"]),
    // 11.6 storage
    ("SQL_EXECUTE", "0.001 × thousand steps of the database", &["queryComplexity·baseCost"]),
    // the steps of the database are an addition: few rows may be found among many
    (
        "SQL_FETCH",
        "0.01 × count(data) + 0.001 × thousand steps of the database",
        &["fetchCost", "queryComplexity·baseCost"],
    ),
    ("KV_STORE", "0.01 × size(value)", &[]),
    ("KV_FETCH", "0.005 × size(value)", &[]),
    // 11.7 the agent's own code
    ("SELF_INTROSPECT", "10 + 0.01 × size(data)", &[]),
    ("SELF_OBSERVER_MODE", "5", &[]),
    ("SELF_MODIFY", "50 + 0.5 × codeSize", &[]),
    ("REVERT_CODE", "10", &[]),
    // 11.8 GPU and HPC
    ("ALLOCATE_GPU", "1 × time_sec", &["GPU_RATE"]),
    ("RELEASE_GPU", "10", &[]),
    ("GPU_INFER", "10 + 0.01 × size(input)", &["complexityCoeff"]),
    ("CHECK_GPU_LOAD", "1", &[]),
    ("HPC_MIGRATE", "20 + 0.01 × size(payload)", &["hpcCost", "dataSizeFactor"]),
    // 11.9 security
    ("CHECK_PERMISSIONS", "1", &[]),
    ("CHECK_SIG", "1", &[]),
    ("SECURITY_CHECK", "1", &[]),
    // 11.10 wallet
    ("CHECK_BALANCE", "2", &[]),
    ("PAY_AGENT", "3", &[]),
    ("CHAIN_OP", "50 + 0.01 × size(args)", &["chainOpCost"]),
    // 11.11 documents; storing the text and deleting each document are additions
    ("CALC_EMBED", "0.001 + 0.000001 × size(text)", &[]),
    ("DOC_EMBED", "0.001 + 0.000001 × size(text) + 0.000002 × vectorDim", &[]),
    ("DOC_STORE", "0.000002 × dimension(embed_vec) + 0.000001 × size(text)", &["storeTextCost"]),
    ("DOC_FETCH", "0.000001 × dimension(embed_vec)", &[]),
    ("DOC_SEARCH", "0.0001 × documents compared + 0.000001 × top_k", &["similarityCost/10000"]),
    ("DELETE_DOC", "0.0005", &[]),
    ("DELETE_COLLECTION", "0.001 + 0.0005 × documents deleted", &["deleteCost"]),
];

#[test]
fn formulas_are_the_whitepapers() {
    for (mnemonic, formula, open) in REFERENCE {
        let info = OPS.iter().find(|info| info.mnemonic == mnemonic);
        let info = info.unwrap_or_else(|| panic!("no {mnemonic}"));
        assert_eq!(formula_text(info.gas), formula, "{mnemonic}");
        let named: Vec<&str> = info.gas.iter().filter_map(|term| term.name).collect();
        assert_eq!(named, open, "{mnemonic}");
        assert!(info.source.contains("§11"), "{mnemonic} has the source {}", info.source);
    }
    let distinct: BTreeSet<&str> = REFERENCE.iter().map(|(mnemonic, ..)| *mnemonic).collect();
    assert_eq!(distinct.len(), 46);
}

#[test]
fn everything_is_documented() {
    for info in OPS {
        let name = info.mnemonic;
        assert!(info.summary.ends_with('.'), "{name}: summary {:?}", info.summary);
        assert!(!info.source.is_empty(), "{name}: source");
        // NOP has no effect to write down.
        assert!(!info.semantics.is_empty() || name == "NOP", "{name}: semantics");
        for input in info.inputs {
            assert!(!input.doc.is_empty(), "{name}: operand {}", input.name);
        }
        for output in info.outputs {
            assert!(!output.doc.is_empty(), "{name}: result {}", output.name);
        }
    }
}

#[test]
fn mnemonics_are_unique() {
    let mut seen = BTreeSet::new();
    for info in OPS {
        for name in info.aliases.iter().chain([&info.mnemonic]) {
            let form =
                name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
            assert!(form, "{name} is not in upper case");
            assert!(seen.insert(*name), "{name} stands for two instructions");
        }
    }
}

/// Every name by which a program can name an operand or result, in lower case.
fn operand_names(info: &OpInfo) -> impl Iterator<Item = String> {
    let inputs = info.inputs.iter().flat_map(|input| input.aliases.iter().chain([&input.name]));
    let outputs =
        info.outputs.iter().flat_map(|output| output.aliases.iter().chain([&output.name]));
    inputs.chain(outputs).map(|name| name.to_lowercase())
}

#[test]
fn operand_names_are_unique() {
    for info in OPS {
        let mut seen = BTreeSet::new();
        for name in operand_names(info) {
            assert_ne!(name, "out", "{}: `out` is the first result of every row", info.mnemonic);
            assert!(seen.insert(name.clone()), "{}: two operands {name}", info.mnemonic);
        }
    }
}

#[test]
fn variadic_operands_are_last() {
    for info in OPS {
        let before = info.inputs.split_last().map_or(&[][..], |(_, before)| before);
        let last = before.iter().all(|input| input.kind != Kind::Args);
        assert!(last, "{}: operands behind a variadic one", info.mnemonic);
    }
}

#[test]
fn measures_name_operands() {
    for info in OPS {
        let known = |name: &str| {
            info.inputs.iter().any(|input| input.name == name)
                || info.outputs.iter().any(|output| output.name == name)
        };
        for term in info.gas {
            let names: Vec<&str> = match term.measure {
                Measure::One => Vec::new(),
                Measure::Units(what) => {
                    assert!(!what.is_empty(), "{}: units of nothing", info.mnemonic);
                    Vec::new()
                }
                Measure::Size(a)
                | Measure::Weight(a)
                | Measure::Scan(a)
                | Measure::Count(a)
                | Measure::Dim(a)
                | Measure::Value(a)
                | Measure::SortWork(a) => vec![a],
                Measure::Times(a, b) | Measure::Product(a, b) => vec![a, b],
                Measure::Steps(a, b, c) => vec![a, b, c],
            };
            for name in names {
                assert!(known(name), "{}: measure of {name}", info.mnemonic);
            }
            assert!(term.coefficient > 0, "{}: a term without price", info.mnemonic);
        }
    }
}

#[test]
fn what_reaches_outside_is_an_effect_and_has_a_status() {
    for info in OPS {
        assert_eq!(info.reach.is_some(), info.family == "effect", "{}", info.mnemonic);
        if info.reach.is_some() {
            assert!(info.sets.is_some(), "{} fails without a status", info.mnemonic);
        }
    }
}
