//! Where gas went, by call stack.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use avm_ir::{Opcode, Program, verify::CodePlace};
use avm_vm::{
    journal::Event,
    trace::{Entry, Reader, Source},
};

use crate::{
    ViewError,
    json::quoted,
    profile::Total,
    walk::{clean, function, region},
};

/// Deeper calls count for the one at this depth, so that a deep recursion stays readable.
const DEEP: usize = 256;

/// A function under the calls that led to it.
#[derive(Clone, Debug)]
pub struct Node {
    /// `region` outside functions, else `region.function`.
    pub name: String,
    /// Who called it; `None` for the first ones.
    pub parent: Option<usize>,
    /// What its own instructions cost.
    pub own: Total,
    /// Functions that it called, by name.
    children: BTreeMap<String, usize>,
}

/// Gas by call stack.
#[derive(Clone, Debug, Default)]
pub struct Stacks {
    nodes: Vec<Node>,
    roots: BTreeMap<String, usize>,
}

/// `region`, or `region.function`.
pub(crate) fn frame(program: &Program, at: CodePlace) -> String {
    let region = region(program, at);
    clean(&match function(program, at) {
        Some(function) => format!("{region}.{function}"),
        None => region,
    })
}

/// Follows calls. Calls that were open before the trace began are not known.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// Where each open call's function was entered, and how many were entered in all.
    pub(crate) depth: usize,
}

impl Calls {
    /// Follows a step that was executed.
    pub(crate) fn step(&mut self, opcode: Opcode) {
        match opcode {
            Opcode::CALL => self.depth += 1,
            Opcode::RETURN => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

impl Stacks {
    /// Adds up a trace.
    pub fn read<S: Source>(reader: &mut Reader<S>) -> Result<Self, ViewError> {
        let mut image = reader.machine().image().clone();
        let mut stacks = Self::default();
        // Node of each open call.
        let mut open: Vec<usize> = Vec::new();
        let mut calls = Calls::default();
        while let Some(entry) = reader.next()? {
            let Entry::Step { at, instr, said, .. } = entry else {
                match entry {
                    Entry::Rewritten(_) => image = reader.machine().image().clone(),
                    Entry::Outside(Event::Called { .. }) => {
                        let waits = reader.machine().depth().checked_sub(1);
                        let Some(waits) = waits.and_then(|d| reader.machine().window(d)) else {
                            continue;
                        };
                        open.truncate(calls.depth.min(DEEP));
                        let name = frame(image.program(), waits.at);
                        let node = stacks.node(open.last().copied(), name);
                        calls.depth += 1;
                        if open.len() < DEEP {
                            open.push(node);
                        }
                    }
                    _ => {}
                }
                continue;
            };
            let name = frame(image.program(), at);
            open.truncate(calls.depth.min(DEEP));
            let parent = open.last().copied();
            let node = stacks.node(parent, name);
            stacks.nodes[node].own.add(Total { steps: 1, gas: said.gas });
            calls.step(instr.op);
            if calls.depth > open.len() && open.len() < DEEP {
                open.push(node);
            }
        }
        Ok(stacks)
    }

    fn node(&mut self, parent: Option<usize>, name: String) -> usize {
        let next = self.nodes.len();
        let known = match parent {
            Some(parent) => &mut self.nodes[parent].children,
            None => &mut self.roots,
        };
        let number = *known.entry(name.clone()).or_insert(next);
        if number == next {
            let children = BTreeMap::new();
            self.nodes.push(Node { name, parent, own: Total::default(), children });
        }
        number
    }

    /// The functions under the calls that led to them, callers before those they call.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What a function cost together with all that it called, for each of [`Self::nodes`].
    pub fn totals(&self) -> Vec<Total> {
        let mut totals: Vec<Total> = self.nodes.iter().map(|node| node.own).collect();
        for number in (0..self.nodes.len()).rev() {
            if let Some(parent) = self.nodes[number].parent {
                let total = totals[number];
                totals[parent].add(total);
            }
        }
        totals
    }

    /// What the first functions are.
    pub(crate) fn roots(&self) -> impl Iterator<Item = usize> + '_ {
        self.roots.values().copied()
    }

    /// What a function called.
    pub(crate) fn children(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.nodes[node].children.values().copied()
    }

    /// Names from the first caller on.
    fn path(&self, node: usize) -> Vec<usize> {
        let mut path = Vec::new();
        let mut at = Some(node);
        while let Some(number) = at {
            path.push(number);
            at = self.nodes[number].parent;
        }
        path.reverse();
        path
    }

    /// A line `caller;called;called nanogas` for each stack: what flame graph tools read.
    pub fn folded(&self) -> String {
        let mut out = String::new();
        for (number, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.own.gas > 0) {
            let path = self.path(number);
            // Names are identifiers; a debug section may say otherwise.
            let names: Vec<String> =
                path.iter().map(|n| self.nodes[*n].name.replace([';', ' '], "_")).collect();
            out.push_str(&format!("{} {}\n", names.join(";"), node.own.gas));
        }
        out
    }

    /// The file format of speedscope, weights in nanogas.
    pub fn speedscope(&self, name: &str) -> String {
        let mut frames: BTreeMap<&str, usize> = BTreeMap::new();
        let mut list: Vec<String> = Vec::new();
        for node in &self.nodes {
            frames.entry(&node.name).or_insert_with(|| {
                list.push(format!("{{\"name\":{}}}", quoted(&node.name)));
                list.len() - 1
            });
        }
        let (mut samples, mut weights, mut sum) = (Vec::new(), Vec::new(), 0);
        for (number, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.own.gas > 0) {
            let path = self.path(number);
            let path: Vec<String> =
                path.iter().map(|n| frames[self.nodes[*n].name.as_str()].to_string()).collect();
            samples.push(format!("[{}]", path.join(",")));
            weights.push(node.own.gas.to_string());
            sum += node.own.gas;
        }
        format!(
            "{{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\
             \"shared\":{{\"frames\":[{}]}},\"profiles\":[{{\"type\":\"sampled\",\"name\":{},\
             \"unit\":\"none\",\"startValue\":0,\"endValue\":{sum},\"samples\":[{}],\
             \"weights\":[{}]}}]}}\n",
            list.join(","),
            quoted(name),
            samples.join(","),
            weights.join(","),
        )
    }
}
