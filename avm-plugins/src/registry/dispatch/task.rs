//! HPC tasks: starting, waiting, retrying; credits held and settled.
//!
//! The credits of a task are held when it is started. What it did not use comes back once, with the
//! first wait that is told its end.

use std::time::Duration;

use avm_ir::{NameKind, Opcode, Value, value::HandleKind};
use avm_vm::{EffectRequest, FailureCode, Spend};

use super::{any, billionths, name, unbound, wrong};
use crate::{
    guard::Ask,
    provider::{Call, Cluster, Outcome, Refusal, Reply, Report, TaskEnd},
    registry::{
        Bound, Origin, Registry,
        handles::{Key, Task},
    },
};

/// Longest wait, whoever asks for it.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Most attempts after the first.
const MOST_RETRIES: i64 = 100;

impl Registry {
    pub(super) fn migrate(&mut self, call: &Call, request: &EffectRequest) -> Outcome {
        let key = call.idempotency_key.bytes();
        self.forget_tasks(&key);
        let subnet = name(self, request)?.to_owned();
        let held = billionths(request, "hpc_credits")?;
        let spent = Spend { credits: held, ..Spend::NONE };
        call.reserves(&spent)?;
        let id = match self.handles.started_by(&key) {
            Some((id, _)) => id,
            None => {
                let number = start(self.cluster(&subnet)?, call, any(request, "payload"), held)?;
                let task = Task { subnet, number, held, key, settled: None, taken: None };
                self.handles.start(task)
            }
        };
        Ok(Reply::new(Value::Handle(HandleKind::Task, id), 0).spending(spent))
    }

    /// Starts an analysis, waits for it, and starts it again while it fails. What failed attempts
    /// used counts.
    pub(super) fn analyse(&mut self, call: &Call, request: &EffectRequest) -> Outcome {
        let payload = any(request, "payload");
        let budget = billionths(request, "budget")?;
        let retries = match request.arg("retry_limit") {
            None | Some(Value::Null) => 0,
            Some(Value::Int(retries)) => (*retries).clamp(0, MOST_RETRIES),
            Some(_) => return Err(wrong(request, "retry_limit", "an int")),
        };
        call.reserves(&Spend { credits: budget, ..Spend::NONE })?;
        let subnet = self.default_cluster();
        let subnet = subnet.ok_or_else(|| no_cluster("no HPC cluster bound"))?;
        let cluster = self.cluster(subnet)?;
        let patience = self.patience.min(call.timeout).min(LONGEST_WAIT);
        let deadline = self.host.now().saturating_add(patience);
        let mut used = 0_u64;
        let mut last = String::new();
        for attempt in 0..=retries {
            let left = deadline.saturating_sub(self.host.now());
            let idempotency_key = attempt_key(&call.idempotency_key.bytes(), attempt).into();
            let try_call = Call { idempotency_key, timeout: left, ..*call };
            let spending = |used| Spend { credits: used, ..Spend::NONE };
            let number = start(cluster, &try_call, payload.clone(), budget - used)
                .map_err(|refusal| refusal.spending(spending(used)))?;
            let report = cluster.provider.wait(number, left);
            cluster.provider.cancel(number);
            let report = report.map_err(|refusal| refusal.spending(spending(used)))?;
            used += report.credits.min(budget - used);
            match report.end {
                TaskEnd::Complete | TaskEnd::Partial => {
                    return call.fits(Reply::new(report.result, 0).spending(spending(used)));
                }
                TaskEnd::Running => {
                    let message =
                        format!("the analysis on {subnet} is not done after {patience:?}");
                    let refusal = Refusal::new(FailureCode::Timeout, message);
                    return Err(refusal.spending(spending(used)));
                }
                TaskEnd::Failed => last = report.message,
            }
        }
        let message = format!("the analysis on {subnet} failed {} times: {last}", retries + 1);
        let refusal = Refusal::new(FailureCode::TaskFailed, message);
        Err(refusal.spending(Spend { credits: used, ..Spend::NONE }))
    }

    pub(super) fn wait_for(&mut self, call: &Call, request: &EffectRequest) -> Outcome {
        let key = call.idempotency_key.bytes();
        self.forget_tasks(&key);
        let id = self.task_id(request)?;
        let no_task = || Refusal::not_found("there is no such task, or its result was taken");
        let task = self.handles.task(id).cloned().ok_or_else(no_task)?;
        let (wanted, timeout) = self.timeout(call, request)?;
        let report = self.cluster(&task.subnet)?.provider.wait(task.number, timeout)?;
        let wants_result = request.opcode == Opcode::WAIT_FOR_RESPONSE;
        if report.end == TaskEnd::Running && wanted > Duration::ZERO {
            let subnet = &task.subnet;
            let message = format!("task {id} on {subnet} is not done after {timeout:?}");
            return Err(Refusal::new(FailureCode::Timeout, message));
        }
        let answer = match (wants_result, report.end) {
            (_, TaskEnd::Failed) => None,
            (true, _) => Some(report.result.clone()),
            (false, end) => Some(Value::text(end.name())),
        };
        let answer = answer.map(|answer| call.fits(Reply::new(answer, 0))).transpose()?;
        let refund = match report.end {
            TaskEnd::Running => Spend::NONE,
            _ => self.settle(id, &report, key, wants_result),
        };
        match answer {
            Some(reply) => Ok(Reply { refund, ..reply }),
            None => {
                let message = format!("task {id} on {} failed: {}", task.subnet, report.message);
                Err(Refusal { refund, ..Refusal::new(FailureCode::TaskFailed, message) })
            }
        }
    }

    /// Notes that a request was told a task's end, and gives what comes back with it.
    fn settle(&mut self, id: u64, report: &Report, key: Key, taken: bool) -> Spend {
        let Some(task) = self.handles.task_mut(id) else { return Spend::NONE };
        if taken || report.end == TaskEnd::Failed {
            task.taken = Some(key);
        }
        match *task.settled.get_or_insert(key) == key {
            true => Spend { credits: task.held.saturating_sub(report.credits), ..Spend::NONE },
            false => Spend::NONE,
        }
    }

    fn forget_tasks(&mut self, now: &Key) {
        for task in self.handles.forget(now) {
            if let Some(cluster) = self.clusters.get(&task.subnet) {
                cluster.provider.cancel(task.number);
            }
        }
    }

    /// The task that a request waits for: a handle, or the latest on the cluster of that name.
    fn task_id(&self, request: &EffectRequest) -> Result<u64, Refusal> {
        match request.arg("task_id") {
            Some(Value::Handle(HandleKind::Task, id)) => Ok(*id),
            Some(Value::Text(name)) => self.handles.latest(name).ok_or_else(|| {
                Refusal::not_found(format!(
                    "no request named \"{}\" waits for its answer",
                    name.as_str()
                ))
            }),
            _ => Err(wrong(request, "task_id", "the handle of a task, or the name of a cluster")),
        }
    }

    /// How long a request wants to wait, and how long it may.
    fn timeout(
        &self,
        call: &Call,
        request: &EffectRequest,
    ) -> Result<(Duration, Duration), Refusal> {
        let wanted = match request.arg("timeout") {
            None | Some(Value::Null) => self.patience,
            Some(Value::Int(seconds)) if *seconds >= 0 => {
                Duration::from_secs(seconds.cast_unsigned())
            }
            Some(Value::Float(seconds)) if *seconds >= 0.0 => {
                Duration::try_from_secs_f64(*seconds).unwrap_or(LONGEST_WAIT)
            }
            _ => return Err(wrong(request, "timeout", "a number of seconds, at least 0")),
        };
        Ok((wanted, wanted.min(call.timeout).min(LONGEST_WAIT)))
    }

    /// The cluster for analyses: the one that the operator named, or else the first by name that
    /// the operator bound, or else the embedded default.
    fn default_cluster(&self) -> Option<&str> {
        let bound = || {
            let own = |(_, bound): &(&String, &Bound<dyn Cluster>)| bound.origin != Origin::Default;
            let first = self.clusters.iter().find(own).or_else(|| self.clusters.iter().next());
            first.map(|(name, _)| name.as_str())
        };
        self.default_cluster.as_deref().or_else(bound)
    }

    fn cluster(&self, subnet: &str) -> Result<&Bound<dyn Cluster>, Refusal> {
        let bound = self.clusters.get(subnet);
        bound.ok_or_else(|| no_cluster(&format!("no provider bound for subnet \"{subnet}\"")))
    }

    /// Who would answer a request about tasks.
    pub(in crate::registry) fn cluster_of(&self, request: &EffectRequest) -> Option<&str> {
        let name = match (request.opcode, request.arg("task_id")) {
            (Opcode::HPC_EXTENDED_ANALYSIS, _) => self.default_cluster()?,
            (_, Some(Value::Handle(HandleKind::Task, id))) => &self.handles.task(*id)?.subnet,
            (_, Some(Value::Text(name))) => name,
            _ => self.name_of(request)?,
        };
        self.clusters.get(name).map(|bound| bound.label.as_str())
    }
}

fn no_cluster(why: &str) -> Refusal {
    let kind = NameKind::Subnet.name();
    unbound(format!("{why}; bind one with --bind {kind}:NAME=builtin:pool"))
}

/// Starts a task through the guard and gives its number there.
fn start(
    cluster: &Bound<dyn Cluster>,
    call: &Call,
    payload: Value,
    credits: u64,
) -> Result<u64, Refusal> {
    let args = payload.clone();
    let ask = Ask { function: "start", args: Some(&args) };
    let reply = cluster.call(call, ask, move |cluster, call| {
        let number = cluster.start(call, &payload, credits)?;
        Ok(Reply::new(Value::Int(number.cast_signed()), 0))
    })?;
    match reply.outputs.as_slice() {
        [Value::Int(number)] => Ok(number.cast_unsigned()),
        _ => Err(Refusal::new(FailureCode::Internal, "the cluster gave no number of a task")),
    }
}

/// The key of one attempt, so that the cluster does not take it for the one before.
fn attempt_key(key: &Key, attempt: i64) -> Key {
    let mut hasher = blake3::Hasher::new_derive_key("aither hpc attempt v1");
    hasher.update(key);
    hasher.update(&attempt.to_le_bytes());
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests;
