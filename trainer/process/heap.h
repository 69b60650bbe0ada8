#pragma once

namespace fusor {

// Backs this process's heap with huge pages. What the libraries register when they are loaded fills
// some 50 MiB of heap; a fork copies one entry for each page, so with 4 KiB pages the fork and the
// end of a trial cost 5 ms of processor time, with huge pages 1. Does nothing where the kernel
// cannot (before Linux 6.1, or without huge pages).
void CollapseHeap();

// From here on freed memory stays with the process. Every step allocates the same large blocks
// again; given back between, each would come as fresh pages that the kernel has to clear and map: a
// seventh of a step's processor time. Peak memory grows by a tenth.
void KeepFreedMemory();

}  // namespace fusor
