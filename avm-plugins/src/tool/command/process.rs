//! One process from its start to the end of its group: fed, read, capped, timed, killed.
//!
//! One thread does it all by polling, so that nothing can block: not a program that does not read,
//! not one that writes without end, not a grandchild that keeps a pipe open.

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    os::{fd::AsFd, unix::process::CommandExt},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, waitid},
};

/// What standard error may say, in bytes; what is more is read and dropped.
const MAX_ERRORS: usize = 4096;

/// Most reads after a process has ended: what its pipes hold, and no more, should somebody who left
/// its group go on writing.
const LAST_READS: u32 = 256;

/// Longest pause between looks at whether the process has ended, in milliseconds.
const LONGEST_PAUSE: u64 = 16;

/// What to run.
pub(super) struct Job<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: &'a [String],
    /// All of its environment.
    pub(super) environment: &'a [(OsString, OsString)],
    pub(super) folder: &'a Path,
    pub(super) input: &'a [u8],
    /// Most bytes of standard output.
    pub(super) max_bytes: usize,
    pub(super) timeout: Duration,
}

/// How it ended.
pub(super) enum End {
    Exited(i32),
    Killed(i32),
    TooLate,
    TooLarge,
}

/// How it ended and what it wrote until then.
pub(super) struct Done {
    pub(super) end: End,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Runs a program in a process group of its own. When this comes back the whole group is gone:
/// what the program started and left behind is killed with it.
pub(super) fn run(job: &Job<'_>) -> io::Result<Done> {
    let start = Instant::now();
    let mut command = Command::new(job.program);
    command.args(job.arguments).current_dir(job.folder).process_group(0);
    command.env_clear().envs(job.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::of(command.spawn()?)?;
    let mut pipes = Pipes::of(&mut group.child, job)?;
    let mut pause = 1;
    let mut last_reads = 0;
    let end = loop {
        let Some(left) = job.timeout.checked_sub(start.elapsed()).filter(|left| !left.is_zero())
        else {
            break End::TooLate;
        };
        // Looked at before reading, so that all it wrote is read after its end.
        let ended = group.ended()?;
        if ended.is_some() {
            // Whoever it left behind is not waited for.
            group.kill();
            (pause, last_reads) = (0, last_reads + 1);
        }
        let moved = pipes.step(pause, left)?;
        if pipes.stdout.len() > job.max_bytes {
            break End::TooLarge;
        }
        match ended {
            Some(end) if !moved || last_reads == LAST_READS => break end,
            Some(_) => {}
            None => pause = if moved { 1 } else { (pause * 2).min(LONGEST_PAUSE) },
        }
    };
    drop(group);
    Ok(Done { end, stdout: pipes.stdout, stderr: pipes.stderr })
}

/// A process and everything that it starts.
struct Group {
    child: Child,
    pid: Pid,
}

impl Group {
    fn of(child: Child) -> io::Result<Self> {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("the process has no number"))?;
        Ok(Self { child, pid })
    }

    /// How the process ended, if it has. It stays a zombie, so that its number, which is that of
    /// the group, cannot become another's before the group is killed.
    fn ended(&self) -> io::Result<Option<End>> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        let status: Option<WaitIdStatus> = waitid(WaitId::Pid(self.pid), options)?;
        Ok(status.map(|status| match status.exit_status() {
            Some(code) => End::Exited(code),
            None => End::Killed(status.terminating_signal().unwrap_or(0)),
        }))
    }
}

impl Group {
    fn kill(&self) {
        // It fails only where there is nobody left.
        let _ = kill_process_group(self.pid, Signal::KILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
        let _ = self.child.wait();
    }
}

/// Our ends of its pipes; `None` when closed.
struct Pipes<'a> {
    stdin: Option<ChildStdin>,
    input: &'a [u8],
    out: Option<std::process::ChildStdout>,
    errors: Option<std::process::ChildStderr>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// Bytes kept of standard output: one more than allowed shows that there are more.
    keep: usize,
}

impl<'a> Pipes<'a> {
    fn of(child: &mut Child, job: &Job<'a>) -> io::Result<Self> {
        let (stdin, out) = (child.stdin.take(), child.stdout.take());
        let errors = child.stderr.take();
        for end in [stdin.as_ref().map(AsFd::as_fd), out.as_ref().map(AsFd::as_fd)] {
            end.map_or(Ok(()), unblock)?;
        }
        errors.as_ref().map(AsFd::as_fd).map_or(Ok(()), unblock)?;
        let keep = job.max_bytes.saturating_add(1);
        let (stdout, stderr) = (Vec::new(), Vec::new());
        Ok(Self { stdin, input: job.input, out, errors, stdout, stderr, keep })
    }

    /// Waits at most so many milliseconds for a pipe to be ready, moves what can be moved, and
    /// tells whether anything was.
    fn step(&mut self, millis: u64, left: Duration) -> io::Result<bool> {
        let wait = Duration::from_millis(millis).min(left);
        let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(wait.subsec_nanos()) };
        let mut ready = Vec::with_capacity(3);
        if let Some(stdin) = &self.stdin {
            ready.push(PollFd::new(stdin, PollFlags::OUT));
        }
        ready.extend(self.out.as_ref().map(|out| PollFd::new(out, PollFlags::IN)));
        ready.extend(self.errors.as_ref().map(|errors| PollFd::new(errors, PollFlags::IN)));
        match poll(&mut ready, Some(&wait)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        drop(ready);
        let wrote = self.feed();
        let read = drain(&mut self.out, &mut self.stdout, self.keep);
        Ok(drain(&mut self.errors, &mut self.stderr, MAX_ERRORS) | read | wrote)
    }

    /// Writes what it takes of the input; a program that does not want it is no failure.
    fn feed(&mut self) -> bool {
        let Some(stdin) = &mut self.stdin else { return false };
        match stdin.write(self.input) {
            Ok(count) if count > 0 => {
                self.input = &self.input[count..];
                if self.input.is_empty() {
                    self.stdin = None;
                }
                true
            }
            Err(error) if waits(&error) => false,
            _ => {
                self.stdin = None;
                true
            }
        }
    }
}

/// Reads what is there, once; keeps so many bytes. A pipe that ended or broke is closed.
fn drain<R: Read>(pipe: &mut Option<R>, kept: &mut Vec<u8>, most: usize) -> bool {
    let Some(reader) = pipe else { return false };
    let mut buffer = [0; 16 * 1024];
    match reader.read(&mut buffer) {
        Ok(count) if count > 0 => {
            kept.extend_from_slice(&buffer[..count.min(most.saturating_sub(kept.len()))]);
            true
        }
        Err(error) if waits(&error) => false,
        _ => {
            *pipe = None;
            true
        }
    }
}

fn waits(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn unblock(end: std::os::fd::BorrowedFd<'_>) -> io::Result<()> {
    Ok(fcntl_setfl(end, fcntl_getfl(end)? | OFlags::NONBLOCK)?)
}
