#pragma once

// A function so marked is compiled once for each level of the instruction set, the best chosen when
// the program is loaded. CMakeLists.txt sets the options under which its loops become vector code.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define FUSOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FUSOR_CLONES
#endif

// What it calls has to be compiled with it.
#define FUSOR_INLINE [[gnu::always_inline]] inline
