#pragma once

namespace fusor {

// Backs this process's heap with huge pages. What the libraries register when they are loaded fills
// some 50 MiB of heap; a fork copies one entry for each page, so with 4 KiB pages the fork and the
// end of a trial cost 5 ms of processor time, with huge pages 1. Does nothing where the kernel
// cannot (before Linux 6.1, or without huge pages).
void CollapseHeap();

}  // namespace fusor
