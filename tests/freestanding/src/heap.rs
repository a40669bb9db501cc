//! The allocator: an arena in the program's own data, with free lists by power of two.

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    ptr,
};

const ARENA: usize = 64 << 20;
const CLASSES: usize = 27;

#[repr(align(4096))]
struct Arena(UnsafeCell<[u8; ARENA]>);

struct State {
    next: usize,
    free: [*mut u8; CLASSES],
}

struct Heap {
    arena: Arena,
    state: UnsafeCell<State>,
}

// SAFETY: the program has one thread and no signal handlers.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap {
    arena: Arena(UnsafeCell::new([0; ARENA])),
    state: UnsafeCell::new(State { next: 0, free: [ptr::null_mut(); CLASSES] }),
};

/// Blocks are powers of two of at least 16 bytes, so a class fits every alignment below its size.
fn class(layout: Layout) -> usize {
    let size = layout.size().max(layout.align()).max(16).next_power_of_two();
    size.trailing_zeros() as usize
}

// SAFETY: blocks are disjoint parts of the arena, aligned to their size (the arena to 4096), and a
// block returns to the list of the class it came from.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let class = class(layout);
        if class >= CLASSES || layout.align() > 4096 {
            return ptr::null_mut();
        }
        // SAFETY: one thread; a free block's first word is the link its release wrote.
        unsafe {
            let state = &mut *self.state.get();
            let head = state.free[class];
            if !head.is_null() {
                state.free[class] = head.cast::<*mut u8>().read();
                return head;
            }
            let size = 1 << class;
            let start = state.next.next_multiple_of(size.min(4096));
            if start + size > ARENA {
                return ptr::null_mut();
            }
            state.next = start + size;
            self.arena.0.get().cast::<u8>().add(start)
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: one thread; the block is at least 16 bytes and nobody uses it any more.
        unsafe {
            let state = &mut *self.state.get();
            let class = class(layout);
            block.cast::<*mut u8>().write(state.free[class]);
            state.free[class] = block;
        }
    }
}
