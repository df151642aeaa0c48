//! The allocator of a component: a static arena first, memory growth only past it.
//!
//! By default every run gets a fresh instance, and each `memory.grow` in it is an
//! `mprotect` under the host process's memory-map lock, undone at its end: it
//! costs more than a small check does and keeps threads from running side by
//! side. A check that stays within the arena never grows. The arena is zeroed
//! memory that no file holds and, untouched, no page backs.
//!
//! Blocks are cut from the arena upwards and sorted by size class when freed.
//! The topmost block can grow and be given back in place, which is what a
//! growing buffer needs. Free neighbours are not merged: an instance lives for
//! one run, or for some of the same check. Single-threaded, like the target.

#![allow(unsafe_code, reason = "an allocator hands out addresses and keeps its lists inside free memory")]

use std::alloc::Layout;

/// Alignment and smallest size of every block.
const GRAIN: usize = 16;

/// Four classes for each doubling, so that a block is at most a quarter too large.
const CLASSES_PER_DOUBLING: usize = 4;

/// Enough classes for every size a 32-bit address space can hold.
const CLASS_COUNT: usize = 104;

/// Bytes to ask for at least when growing, so that growing is rare.
const GROW_MIN: usize = 1 << 20;

/// Gets more memory: at least this many bytes, as `(start, length)`.
pub(crate) type Grow = fn(usize) -> Option<(usize, usize)>;

/// A heap over memory that it is handed by address.
///
/// Addresses are integers here; only [`Heap::pop`] and [`Heap::push`] touch
/// memory, to keep each free list inside its free blocks.
pub(crate) struct Heap {
    /// The first byte never handed out.
    top: usize,
    /// The end of the region that `top` is in.
    end: usize,
    /// For each class the address of its first free block, or 0.
    free: [usize; CLASS_COUNT],
    grow: Grow,
}

impl Heap {
    /// A heap without memory, which grows at the first allocation.
    pub(crate) const fn new(grow: Grow) -> Self {
        Self { top: 0, end: 0, free: [0; CLASS_COUNT], grow }
    }

    /// Adds a region; what is left of the one before becomes free blocks.
    ///
    /// # Safety
    /// The region is writable, unused, lives as long as the heap, and does not
    /// start at address 0.
    pub(crate) unsafe fn add_region(&mut self, start: usize, len: usize) {
        if start != self.end {
            let (rest, rest_len) = (self.top, self.end - self.top);
            // SAFETY: the rest of the old region was never handed out.
            unsafe { self.shed(rest, rest_len) };
            self.top = start.next_multiple_of(GRAIN);
        }
        self.end = (start + len) & !(GRAIN - 1);
    }

    /// The address of a block for `layout`, or `None` when memory is exhausted.
    pub(crate) fn alloc(&mut self, layout: Layout) -> Option<usize> {
        let class = class_of(layout.size())?;
        self.pop_aligned(class, layout.align())
            .or_else(|| self.bump(class, layout.align()))
            .or_else(|| self.split(class, layout.align()))
            .or_else(|| self.grow_and_bump(class, layout.align()))
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// `address` came from [`Heap::alloc`] with a layout of the same size class
    /// and is not used any more.
    pub(crate) unsafe fn dealloc(&mut self, address: usize, size: usize) {
        let Some(class) = class_of(size) else { return };
        if address + class_size(class) == self.top {
            self.top = address;
        } else {
            // SAFETY: the caller gave the block up.
            unsafe { self.push(class, address) };
        }
    }

    /// Whether the block can serve `new_size` where it is; if so it does from now on.
    pub(crate) fn resize_in_place(&mut self, address: usize, old_size: usize, new_size: usize) -> bool {
        let (Some(old), Some(new)) = (class_of(old_size), class_of(new_size)) else {
            return false;
        };
        if old == new {
            return true;
        }
        // Only then is the block in the region that `end` ends.
        let is_topmost = address + class_size(old) == self.top;
        let resized = is_topmost && self.end - address >= class_size(new);
        if resized {
            self.top = address + class_size(new);
        }
        resized
    }

    fn bump(&mut self, class: usize, align: usize) -> Option<usize> {
        let start = self.top.checked_next_multiple_of(align.max(GRAIN))?;
        let end = start.checked_add(class_size(class))?;
        if self.top == 0 || end > self.end {
            return None;
        }
        let (gap, gap_len) = (self.top, start - self.top);
        self.top = end;
        // SAFETY: the gap below an aligned block was never handed out.
        unsafe { self.shed(gap, gap_len) };
        Some(start)
    }

    /// Cuts a block from a free one of a larger class.
    fn split(&mut self, class: usize, align: usize) -> Option<usize> {
        let (found, address) = (class + 1..CLASS_COUNT).find_map(|c| Some((c, self.pop_aligned(c, align)?)))?;
        let (size, rest) = (class_size(class), class_size(found) - class_size(class));
        // SAFETY: the rest of a block that was just popped belongs to nobody.
        unsafe { self.shed(address + size, rest) };
        Some(address)
    }

    fn grow_and_bump(&mut self, class: usize, align: usize) -> Option<usize> {
        let needed = class_size(class).checked_add(align.max(GRAIN))?;
        let (start, len) = (self.grow)(needed.max(GROW_MIN)).or_else(|| (self.grow)(needed))?;
        // SAFETY: `grow` hands out fresh memory.
        unsafe { self.add_region(start, len) };
        self.bump(class, align)
    }

    /// Turns a stretch of memory into free blocks, largest first.
    ///
    /// # Safety
    /// The stretch is writable and belongs to nobody.
    unsafe fn shed(&mut self, mut address: usize, mut len: usize) {
        while len >= GRAIN {
            let class = largest_class_within(len);
            // SAFETY: the block lies within the stretch.
            unsafe { self.push(class, address) };
            address += class_size(class);
            len -= class_size(class);
        }
    }

    fn pop_aligned(&mut self, class: usize, align: usize) -> Option<usize> {
        let head = self.free[class];
        (head != 0 && head.is_multiple_of(align)).then(|| self.pop(class, head))
    }

    fn pop(&mut self, class: usize, head: usize) -> usize {
        // SAFETY: every block on a list is at least a grain of unused memory and
        // holds the address of the next one, written by `push`.
        self.free[class] = unsafe { (head as *const usize).read() };
        head
    }

    /// # Safety
    /// The block is writable, of the size of `class`, and belongs to nobody.
    unsafe fn push(&mut self, class: usize, address: usize) {
        // SAFETY: as the caller promises; blocks are aligned to a grain.
        unsafe { (address as *mut usize).write(self.free[class]) };
        self.free[class] = address;
    }
}

/// The smallest class whose blocks hold `size` bytes.
fn class_of(size: usize) -> Option<usize> {
    let grains = size.max(1).div_ceil(GRAIN);
    let class = if grains <= CLASSES_PER_DOUBLING {
        grains - 1
    } else {
        // Between two powers of two lie four classes: take the two bits below the leading one, of `grains - 1`
        // so that a size on a boundary stays in the lower class.
        let below = grains - 1;
        let shift = below.ilog2() as usize - 2;
        shift * CLASSES_PER_DOUBLING + (below >> shift)
    };
    (class < CLASS_COUNT && isize::try_from(class_size(class)).is_ok()).then_some(class)
}

/// The size of a class's blocks in bytes.
const fn class_size(class: usize) -> usize {
    let grains = if class < CLASSES_PER_DOUBLING {
        class + 1
    } else {
        let shift = class / CLASSES_PER_DOUBLING - 1;
        (class % CLASSES_PER_DOUBLING + CLASSES_PER_DOUBLING + 1) << shift
    };
    grains * GRAIN
}

/// The largest class whose blocks fit into `len` bytes, of which there is a grain.
fn largest_class_within(len: usize) -> usize {
    match class_of(len) {
        Some(class) if class_size(class) == len => class,
        Some(class) => class.saturating_sub(1),
        // More than the last class that `class_of` gives out on 32 bits.
        None => CLASS_COUNT - 2,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    thread_local! {
        /// How often the heap of this test grew.
        static GROWN: Cell<usize> = const { Cell::new(0) };
    }

    /// Leaks, as WebAssembly memory does: regions live as long as the process.
    fn grow(len: usize) -> Option<(usize, usize)> {
        GROWN.with(|grown| grown.set(grown.get() + 1));
        let region = vec![0_u64; len.div_ceil(8)].leak();
        Some((region.as_ptr() as usize, len))
    }

    fn grow_never(_: usize) -> Option<(usize, usize)> {
        None
    }

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    /// A heap with one region of `len` bytes and nothing beyond.
    fn heap_of(len: usize) -> Heap {
        let mut heap = Heap::new(grow_never);
        let (start, len) = grow(len).unwrap();
        // SAFETY: the region was just leaked and is used here only.
        unsafe { heap.add_region(start, len) };
        heap
    }

    // Every class holds its sizes, wastes at most a quarter, and is the smallest that fits.
    #[test]
    fn classes_fit_tightly() {
        for size in (1..5000).chain((5000..1 << 22).step_by(997)) {
            let class = class_of(size).unwrap();
            assert!(class_size(class) >= size, "{size}");
            assert!(class == 0 || class_size(class - 1) < size, "{size}");
            assert!(size < 64 || class_size(class) <= size + size / 4 + GRAIN, "{size}");
        }
        assert_eq!(class_of(1 << 40), None);
    }

    // A block that is freed is handed out again, so a loop of allocations needs no more memory.
    #[test]
    fn freed_blocks_are_reused() {
        let mut heap = heap_of(4096);
        let _below = heap.alloc(layout(100, 8)).unwrap();
        for _ in 0..1000 {
            let first = heap.alloc(layout(300, 8)).unwrap();
            let second = heap.alloc(layout(200, 8)).unwrap();
            // SAFETY: both came from this heap with these sizes.
            unsafe {
                heap.dealloc(first, 300);
                heap.dealloc(second, 200);
            }
        }
    }

    // A growing buffer on top of the heap grows where it is.
    #[test]
    fn the_topmost_block_grows_in_place() {
        let mut heap = heap_of(1 << 16);
        let block = heap.alloc(layout(100, 1)).unwrap();
        assert!(heap.resize_in_place(block, 100, 30_000));
        let above = heap.alloc(layout(16, 1)).unwrap();
        assert!(above >= block + 30_000);
        assert!(!heap.resize_in_place(block, 30_000, 60_000), "something lies above it now");
    }

    // An exhausted heap says so instead of handing out what is not there; what is freed serves smaller blocks.
    #[test]
    fn exhaustion_is_none_and_large_blocks_are_split() {
        let mut heap = heap_of(4096);
        let block = heap.alloc(layout(4000, 16)).unwrap();
        assert_eq!(heap.alloc(layout(1000, 16)), None);
        // SAFETY: the block came from this heap with this size.
        unsafe { heap.push(class_of(4000).unwrap(), block) };
        let parts: Vec<_> = std::iter::from_fn(|| heap.alloc(layout(1000, 16))).collect();
        assert!(parts.len() >= 3, "{parts:?}");
    }

    // A small check, served from the arena, never grows the memory.
    #[test]
    fn small_work_stays_in_the_first_region() {
        GROWN.with(|grown| grown.set(0));
        let mut heap = Heap::new(grow);
        let mut live: Vec<(usize, usize)> = Vec::new();
        for round in 0..2000_usize {
            let size = 16 + round * 37 % 2000;
            live.push((heap.alloc(layout(size, 8)).unwrap(), size));
            if live.len() > 100 {
                let (address, size) = live.swap_remove(round % 100);
                // SAFETY: taken off the list of live blocks.
                unsafe { heap.dealloc(address, size) };
            }
        }
        assert_eq!(GROWN.with(Cell::get), 1);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Alloc { size: usize, align: usize },
        Free { which: usize },
        Resize { which: usize, size: usize },
    }

    fn step() -> impl Strategy<Value = Step> {
        let size = || prop_oneof![1..200_usize, 200..5000_usize, 5000..300_000_usize];
        prop_oneof![
            3 => (size(), 0..9_u32).prop_map(|(size, bits)| Step::Alloc { size, align: 1 << bits }),
            2 => any::<usize>().prop_map(|which| Step::Free { which }),
            1 => (any::<usize>(), size()).prop_map(|(which, size)| Step::Resize { which, size }),
        ]
    }

    /// One live block: where, how large, and the byte it is filled with.
    struct Block {
        address: usize,
        size: usize,
        fill: u8,
    }

    impl Block {
        fn fill(&self) {
            // SAFETY: the block is live, so these bytes are the test's.
            unsafe { std::ptr::write_bytes(self.address as *mut u8, self.fill, self.size) };
        }

        fn is_intact(&self, upto: usize) -> bool {
            // SAFETY: as in `fill`, which wrote them.
            let bytes = unsafe { std::slice::from_raw_parts(self.address as *const u8, upto.min(self.size)) };
            bytes.iter().all(|byte| *byte == self.fill)
        }
    }

    fn apply(heap: &mut Heap, live: &mut Vec<Block>, step: &Step, fill: u8) {
        match *step {
            Step::Alloc { size, align } => {
                let address = heap.alloc(layout(size, align)).unwrap();
                assert!(address.is_multiple_of(align));
                let block = Block { address, size, fill };
                block.fill();
                live.push(block);
            }
            Step::Free { which } if !live.is_empty() => {
                let block = live.swap_remove(which % live.len());
                assert!(block.is_intact(block.size), "a neighbour wrote into a live block");
                // SAFETY: taken off the list of live blocks.
                unsafe { heap.dealloc(block.address, block.size) };
            }
            Step::Resize { which, size } if !live.is_empty() => {
                let which = which % live.len();
                let block = &mut live[which];
                if heap.resize_in_place(block.address, block.size, size) {
                    assert!(block.is_intact(size), "resizing moved or lost content");
                    block.size = size;
                    block.fill();
                }
            }
            Step::Free { .. } | Step::Resize { .. } => {}
        }
    }

    proptest! {
        // Whatever is allocated, resized and freed in whatever order: live blocks
        // are aligned and never overlap each other or the heap's own lists.
        #[test]
        fn live_blocks_never_overlap(steps in proptest::collection::vec(step(), 1..200)) {
            let mut heap = Heap::new(grow);
            let mut live = Vec::new();
            for (index, step) in steps.iter().enumerate() {
                apply(&mut heap, &mut live, step, index as u8 | 1);
            }
            for block in &live {
                prop_assert!(block.is_intact(block.size));
            }
        }
    }
}
