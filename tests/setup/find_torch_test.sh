#!/usr/bin/env bash
# Shows what cmake/FindLibTorch.cmake takes for a LibTorch, with trees of empty files: the layouts of the
# wheels and of an unpacked archive, with and without CUDA, versions in and out of range.
#
#   find_torch_test.sh SOURCE_DIR
set -uo pipefail
source_dir=$(cd "${1:?usage: find_torch_test.sh SOURCE_DIR}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
unset FUSOR_TORCH FUSOR_CACHE

Fail() { echo "FAILED: $*"; cat "$work/output"; failures=$((failures + 1)); }

mkdir "$work/project"
cat >"$work/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(find NONE)
list(APPEND CMAKE_MODULE_PATH "$source_dir/cmake")
find_package(LibTorch REQUIRED)
if(TARGET fusor::torch_cuda)
  get_target_property(directories fusor::torch_cuda INTERFACE_INCLUDE_DIRECTORIES)
endif()
message(STATUS "torch=\${LibTorch_VERSION} root=\${LibTorch_ROOT} cuda=[\${directories}] nvcc=[\${LibTorch_NVCC}]")
END

# MakeTorch DIR VERSION: DIR/lib and DIR/include
MakeTorch() {
  local dir=$1 major minor patch
  IFS=. read -r major minor patch <<<"$2"
  mkdir -p "$dir/lib" "$dir/include/torch/headeronly"
  touch "$dir/lib/libtorch_cpu.so" "$dir/lib/libc10.so"
  printf '#define TORCH_VERSION_%s\n' "MAJOR $major" "MINOR $minor" "PATCH $patch" \
    >"$dir/include/torch/headeronly/version.h"
}

# MakeCuda SITE: the libraries and headers that the NVIDIA wheels bring
MakeCuda() {
  mkdir -p "$1/nvidia/cu13/lib" "$1/nvidia/cu13/include/crt" "$1/nvidia/nccl/include"
  touch "$1/torch/lib/libtorch_cuda.so" "$1/torch/lib/libc10_cuda.so"
  touch "$1/nvidia/cu13/lib/libcublas.so.13" "$1/nvidia/cu13/lib/libcudart.so.13"
  touch "$1/nvidia/cu13/include"/{cuda_runtime_api,cublas_v2,cusparse,cusolverDn,crt/host_defines}.h
  touch "$1/nvidia/nccl/include/nccl.h"
}

# Configure [NAME=VALUE]...: runs CMake with these in its environment
Configure() {
  rm -rf "$work/build"
  env "$@" cmake -S "$work/project" -B "$work/build" >"$work/output" 2>&1
}
Says() { tr '\n' ' ' <"$work/output" | tr -s ' ' | grep -qF -- "$1" || Fail "$current: expected to read '$1'"; }

current="the cache of deploy/torch.sh"
locked=$(awk '$1 == "cpu" && $2 == "torch" { print $3 }' "$source_dir/deploy/torch.lock")
MakeTorch "$work/cache/torch-$locked/torch" "$locked"
Configure FUSOR_CACHE="$work/cache" || Fail "$current"
Says "torch=$locked root=$work/cache/torch-$locked/torch cuda=[]"

current="the cache with CUDA"
MakeCuda "$work/cache/torch-$locked"
Configure FUSOR_CACHE="$work/cache" || Fail "$current"
Says "nvidia/cu13/include"
Says "nvidia/nccl/include"

# Sorted by name the other one would come first.
current="the compiler beside the libraries, and another"
for compiler in "$work/cache/torch-$locked/nvidia/cu13" "$work/a-toolkit"; do
  mkdir -p "$compiler/bin"
  printf '#!/bin/sh\n' >"$compiler/bin/nvcc"
  chmod +x "$compiler/bin/nvcc"
done
Configure FUSOR_CACHE="$work/cache" CUDA_HOME="$work/a-toolkit" || Fail "$current"
Says "nvcc=[$work/cache/torch-$locked/nvidia/cu13/bin/nvcc]"
rm "$work/cache/torch-$locked/nvidia/cu13/bin/nvcc"
Configure FUSOR_CACHE="$work/cache" CUDA_HOME="$work/a-toolkit" || Fail "$current"
Says "nvcc=[$work/a-toolkit/bin/nvcc]"

current="an empty cache"
if Configure FUSOR_CACHE="$work/nothing"; then Fail "$current"; fi
Says "Run 'make setup'"

for version in 2.11.0 2.15.3; do
  current="an unpacked archive of $version"
  MakeTorch "$work/$version" "$version"
  Configure FUSOR_TORCH="$work/$version" || Fail "$current"
  Says "torch=$version root=$work/$version cuda=[]"
done

current="a site-packages"
MakeTorch "$work/site/torch" 2.12.1
Configure FUSOR_TORCH="$work/site" || Fail "$current"
Says "torch=2.12.1 root=$work/site/torch"

for version in 1.13.1 2.10.0 2.16.0; do
  current="version $version"
  MakeTorch "$work/$version" "$version"
  if Configure FUSOR_TORCH="$work/$version"; then Fail "$current was taken"; fi
  Says "LibTorch $version in $work/$version is not supported: 2.11 to 2.15 are."
done

current="CUDA libraries without the compiler's headers, as a torch wheel brings them"
MakeTorch "$work/partial/torch" 2.11.0
MakeCuda "$work/partial"
rm "$work/partial/nvidia/cu13/include/crt/host_defines.h"
Configure FUSOR_TORCH="$work/partial" CUDA_HOME="$work/none" || Fail "$current"
[[ -e /usr/local/cuda/include/crt/host_defines.h ]] || Says "cmake/cuda_crt"

current="CUDA libraries without their headers"
rm "$work/partial/nvidia/cu13/include/cublas_v2.h"
Configure FUSOR_TORCH="$work/partial" CUDA_HOME="$work/none" || Fail "$current"
[[ -e /usr/local/cuda/include/cublas_v2.h ]] || Says "cuda=[]"

if (( failures > 0 )); then echo "$failures failed"; exit 1; fi
echo "all passed"
