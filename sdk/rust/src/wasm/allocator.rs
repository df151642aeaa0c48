//! The [arena](crate::arena) as the component's global allocator.

#![allow(unsafe_code, reason = "a global allocator is unsafe to implement")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::ptr;

use crate::arena::Heap;

/// What a check can use without growing its memory: enough for a response of a
/// few hundred kilobytes and its parsed form. Untouched pages cost nothing.
const ARENA_BYTES: usize = 1 << 20;

const PAGE_BYTES: usize = 1 << 16;

/// State of the only thread there is: this target has no threads.
struct Single<T>(UnsafeCell<T>);

// SAFETY: without threads nothing is shared.
unsafe impl<T> Sync for Single<T> {}

#[repr(align(16))]
struct Arena(#[expect(dead_code, reason = "reached by address only")] [u8; ARENA_BYTES]);

static ARENA: Single<Arena> = Single(UnsafeCell::new(Arena([0; ARENA_BYTES])));
static ARENA_TAKEN: Single<bool> = Single(UnsafeCell::new(false));

/// The arena first, then new pages.
fn grow(bytes: usize) -> Option<(usize, usize)> {
    // SAFETY: one thread, and the reference does not outlive this line.
    let taken = unsafe { ptr::replace(ARENA_TAKEN.0.get(), true) };
    if !taken && bytes <= ARENA_BYTES {
        return Some((ARENA.0.get() as usize, ARENA_BYTES));
    }
    let pages = bytes.div_ceil(PAGE_BYTES);
    let before = core::arch::wasm32::memory_grow::<0>(pages);
    (before != usize::MAX).then_some((before * PAGE_BYTES, pages * PAGE_BYTES))
}

struct Allocator(Single<Heap>);

impl Allocator {
    #[allow(clippy::mut_from_ref, reason = "one thread, and no caller keeps it past one heap operation")]
    fn heap(&self) -> &mut Heap {
        // SAFETY: one thread, and the heap calls nothing that allocates.
        unsafe { &mut *self.0.0.get() }
    }
}

#[global_allocator]
static ALLOCATOR: Allocator = Allocator(Single(UnsafeCell::new(Heap::new(grow))));

// SAFETY: the heap hands out aligned, disjoint blocks of at least the asked size.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.heap().alloc(layout).map_or(ptr::null_mut(), |address| address as *mut u8)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller gives back what `alloc` returned for this layout.
        unsafe { self.heap().dealloc(block as usize, layout.size()) };
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if self.heap().resize_in_place(block as usize, layout.size(), new_size) {
            return block;
        }
        // SAFETY: the caller keeps `new_size` valid for this alignment; old and new block are disjoint.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}
