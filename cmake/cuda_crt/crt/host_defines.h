#pragma once

// For machines that have the torch wheel and no toolkit: CUDA's runtime headers include a header of
// this name, which comes with CUDA's compiler and which the wheel does not bring. All that they
// need of it in C++ are words that mark code for that compiler, and alignment.

#define __host__
#define __device__
#define __global__
#define __shared__
#define __constant__
#define __managed__
#define __grid_constant__
#define __device_builtin__
#define __device_builtin_texture_type__
#define __device_builtin_surface_type__
#define __cudart_builtin__
#define __specialization_static
#define __annotate__(word)
#define __location__(word)
#define __launch_bounds__(...)
#define __cluster_dims__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __builtin_align__(bytes) __align__(bytes)
#define __forceinline__ __inline__ __attribute__((always_inline))
#define CUDARTAPI
#define CUDARTAPI_CDECL
