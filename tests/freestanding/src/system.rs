//! The edge: entry, reading, writing, leaving. x86-64 Linux, by system calls.

use alloc::vec::Vec;
use core::{
    arch::{asm, global_asm},
    panic::PanicInfo,
};

global_asm!(
    ".globl _start",
    "_start:",
    "xor %ebp, %ebp",
    "and $-16, %rsp",
    "call start",
    "ud2",
    options(att_syntax)
);

fn call(number: usize, a: usize, b: usize, c: usize) -> isize {
    let result;
    // SAFETY: read, write and exit touch only the buffers that the callers below pass, which are
    // live and as long as they say; the kernel clobbers rcx and r11.
    unsafe {
        asm!("syscall", inlateout("rax") number as isize => result, in("rdi") a, in("rsi") b,
            in("rdx") c, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

/// All of standard input.
pub(crate) fn read_all() -> Vec<u8> {
    let mut input = Vec::new();
    let mut chunk = [0_u8; 4096];
    loop {
        let count = call(0, 0, chunk.as_mut_ptr() as usize, chunk.len());
        match usize::try_from(count) {
            Ok(0) | Err(_) => return input,
            Ok(count) => input.extend_from_slice(&chunk[..count]),
        }
    }
}

/// Writes to standard output.
pub(crate) fn write(bytes: &[u8]) {
    call(1, 1, bytes.as_ptr() as usize, bytes.len());
}

/// Ends the process.
pub(crate) fn exit(code: usize) -> ! {
    call(60, code, 0, 0);
    loop {}
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    write(b"panic\n");
    exit(101)
}

/// Named by the precompiled libraries, never called: panics abort.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Named by the precompiled libraries, never called: panics abort.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    exit(102)
}
