//! What a patch may name of the program around it: labels and functions of other regions, names of
//! regions. They come from bytecode, so they have no place in any text.

use avm_ir::{Diagnostic, FileId, Program, Span, program::Target};

use crate::{
    ast::{Arena, Func, Name, Region, Stmt, StmtKind},
    messages::{self, Report, diagnostic},
    resolve::{FuncSymbol, LabelSymbol, Symbols},
};

/// A place in none of the files.
const NOWHERE: Span = Span::new(FileId(u16::MAX), 0, 0);

/// Adds the program's names to those of the patch, which is its region `index`.
pub(super) fn surround<'a>(
    symbols: &mut Symbols<'a>,
    program: &'a Program,
    index: u32,
    arena: &'a Arena,
    diagnostics: &mut Vec<Diagnostic>,
) {
    // So far the patch is the first region behind an empty `main`.
    for name in &symbols.label_names {
        if let Some(symbol) = symbols.labels.get_mut(name) {
            symbol.region = index;
        }
    }
    for symbol in &mut symbols.functions {
        symbol.region = index;
    }
    let own = core::mem::take(&mut symbols.regions).into_iter().next();
    symbols.region_of.clear();
    for (at, region) in (0u32..).zip(&program.regions).skip(1) {
        let stub = Region {
            name: Name { text: &region.name, span: NOWHERE },
            perms: None,
            detached: true,
            inputs: &[],
            outputs: &[],
            body: &[],
            head: NOWHERE,
        };
        symbols.regions.push(own.filter(|_| at == index).unwrap_or_else(|| arena.put(stub)));
        symbols.region_of.insert(&region.name, at);
    }
    for define in &symbols.defines {
        if program.register(define.name).is_some() {
            let message = format!("`{}` is a register of the program", define.name);
            let report = diagnostic(messages::READ_ONLY, define.span, message);
            diagnostics.push(report.help("give the constant another name"));
        }
    }
    let parameters = arena.list(&[Name { text: "_", span: NOWHERE }; 256]);
    let nothing = arena.put(Stmt { number: None, kind: StmtKind::Error, span: NOWHERE });
    for (at, region) in (0u32..).zip(&program.regions).filter(|(at, _)| *at != index) {
        for label in &region.labels {
            let name = label.name.as_str();
            if name.is_empty() || name.starts_with('@') || label.target == Target::Elsewhere {
                continue;
            }
            if let Some(own) = symbols.labels.get(name) {
                if own.region == index {
                    let message =
                        format!("label `{name}` is already one of region `{}`", region.name);
                    let report = diagnostic(messages::DUPLICATE_LABEL, own.span, message);
                    diagnostics
                        .push(report.help("give it another name, or make it local by a dot"));
                }
                continue;
            }
            let symbol = LabelSymbol { region: at, span: NOWHERE, in_for: None };
            symbols.labels.insert(name, symbol);
            symbols.label_names.push(name);
        }
        for function in &region.functions {
            let name = function.name.as_str();
            if let Some(own) = symbols.function(name) {
                if own.region == index {
                    let message =
                        format!("function `{name}` is already one of region `{}`", region.name);
                    let report =
                        diagnostic(messages::DUPLICATE_FUNCTION, own.func.name.span, message);
                    diagnostics.push(report.help("give it another name"));
                }
                continue;
            }
            let func = arena.put(Func {
                name: Name { text: name, span: NOWHERE },
                params: parameters.get(..usize::from(function.params)).unwrap_or_default(),
                body: &[],
                head: NOWHERE,
            });
            symbols.function_of.insert(name, symbols.functions.len() as u32);
            symbols.functions.push(FuncSymbol { func, region: at, stmt: nothing });
        }
    }
}
