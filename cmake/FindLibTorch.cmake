# LibTorch without a CUDA toolkit: find_package(LibTorch) defines
#
#   fusor::torch        libtorch_cpu and libc10, headers as system headers
#   fusor::openmp       the OpenMP library that LibTorch runs on
#   fusor::torch_cuda   libtorch_cuda and libc10_cuda, where the CUDA libraries and headers are too;
#                       only the plug-in (trainer/cuda) links it
#   LibTorch_VERSION, LibTorch_ROOT (the directory that holds lib/ and include/)
#   LibTorch_NVCC       the CUDA wheels' compiler or an installed toolkit's, or empty
#
# Where it looks: FUSOR_TORCH (CMake variable or environment: a site-packages/torch or an unpacked
# LibTorch archive), else the cache that deploy/torch.sh fills (FUSOR_CACHE, ~/.cache/fusor).
# The wheel's own TorchConfig.cmake serves neither purpose: it demands a CUDA toolkit.

set(LibTorch_VERSION_MIN 2.11)
set(LibTorch_VERSION_MAX 2.15)

function(_libtorch_locate out)
  if(FUSOR_TORCH)
    set(given "${FUSOR_TORCH}")
  elseif(DEFINED ENV{FUSOR_TORCH} AND NOT "$ENV{FUSOR_TORCH}" STREQUAL "")
    set(given "$ENV{FUSOR_TORCH}")
  else()
    file(STRINGS "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../deploy/torch.lock" row
         REGEX "^cpu +torch +" LIMIT_COUNT 1)
    string(REGEX REPLACE "^cpu +torch +([^ ]+) .*" "\\1" locked "${row}")
    if(FUSOR_CACHE)
      set(cache "${FUSOR_CACHE}")
    elseif(DEFINED ENV{FUSOR_CACHE} AND NOT "$ENV{FUSOR_CACHE}" STREQUAL "")
      set(cache "$ENV{FUSOR_CACHE}")
    elseif(DEFINED ENV{XDG_CACHE_HOME} AND NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
      set(cache "$ENV{XDG_CACHE_HOME}/fusor")
    else()
      set(cache "$ENV{HOME}/.cache/fusor")
    endif()
    set(given "${cache}/torch-${locked}")
  endif()
  if(EXISTS "${given}/torch/lib/libtorch_cpu.so")
    set(given "${given}/torch")
  endif()
  set(${out} "${given}" PARENT_SCOPE)
endfunction()

# The version stands in one of two headers, depending on the release.
function(_libtorch_version root out)
  foreach(header torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
    set(parts "")
    foreach(part MAJOR MINOR PATCH)
      if(EXISTS "${root}/include/${header}")
        file(STRINGS "${root}/include/${header}" line REGEX "#define TORCH_VERSION_${part} [0-9]+"
             LIMIT_COUNT 1)
        if(line MATCHES "([0-9]+)$")
          list(APPEND parts "${CMAKE_MATCH_1}")
        endif()
      endif()
    endforeach()
    list(LENGTH parts found)
    if(found EQUAL 3)
      list(JOIN parts "." version)
      set(${out} "${version}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

function(_libtorch_import target library)
  add_library(${target} SHARED IMPORTED)
  get_filename_component(soname "${library}" NAME)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${library}" IMPORTED_SONAME
                                             "${soname}")
endfunction()

_libtorch_locate(LibTorch_ROOT)
set(LibTorch_LIBRARY "${LibTorch_ROOT}/lib/libtorch_cpu.so")
set(LibTorch_VERSION "")
if(EXISTS "${LibTorch_LIBRARY}")
  _libtorch_version("${LibTorch_ROOT}" LibTorch_VERSION)
else()
  set(LibTorch_LIBRARY "")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  LibTorch
  REQUIRED_VARS LibTorch_LIBRARY LibTorch_VERSION
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE
    "no LibTorch in ${LibTorch_ROOT}. Run 'make setup', or set FUSOR_TORCH to a directory with lib/ and include/")

string(REGEX MATCH "^[0-9]+\\.[0-9]+" _libtorch_minor "${LibTorch_VERSION}")
if(LibTorch_FOUND AND (_libtorch_minor VERSION_LESS LibTorch_VERSION_MIN OR _libtorch_minor
                                                                            VERSION_GREATER
                                                                            LibTorch_VERSION_MAX))
  message(FATAL_ERROR "LibTorch ${LibTorch_VERSION} in ${LibTorch_ROOT} is not supported: "
                      "${LibTorch_VERSION_MIN} to ${LibTorch_VERSION_MAX} are.")
endif()

if(LibTorch_FOUND AND NOT TARGET fusor::torch)
  _libtorch_import(fusor::libc10 "${LibTorch_ROOT}/lib/libc10.so")
  _libtorch_import(fusor::libtorch_cpu "${LibTorch_LIBRARY}")
  add_library(fusor::torch INTERFACE IMPORTED)
  target_include_directories(fusor::torch SYSTEM
                             INTERFACE "${LibTorch_ROOT}/include"
                                       "${LibTorch_ROOT}/include/torch/csrc/api/include")
  target_link_libraries(fusor::torch INTERFACE fusor::libtorch_cpu fusor::libc10)
  # Operators register themselves when their library is loaded, so it must be loaded even where no
  # symbol of it is used; and the libraries that it needs in turn are found by its own RPATH.
  target_link_options(fusor::torch INTERFACE LINKER:--no-as-needed LINKER:--allow-shlib-undefined)

  # The OpenMP library that LibTorch itself runs on, so that a process has one set of threads: beside
  # its libraries, in the wheel's folder for foreign libraries, or the compiler's own. Files that use
  # it are compiled with -fopenmp.
  file(GLOB _libtorch_gomp "${LibTorch_ROOT}/lib/libgomp*.so*" "${LibTorch_ROOT}/../torch.libs/libgomp*.so*")
  add_library(fusor::openmp INTERFACE IMPORTED)
  if(_libtorch_gomp)
    list(GET _libtorch_gomp 0 _libtorch_gomp)
    _libtorch_import(fusor::libgomp "${_libtorch_gomp}")
    target_link_libraries(fusor::openmp INTERFACE fusor::libgomp)
  else()
    target_link_libraries(fusor::openmp INTERFACE gomp)
  endif()

  # CUDA: the wheels' nvidia/*/{lib,include} beside torch/, or libraries inside torch's own lib/
  # with the headers of an installed toolkit. What a torch wheel alone does not bring is in cuda_crt.
  file(GLOB _libtorch_cuda_includes "${LibTorch_ROOT}/../nvidia/*/include")
  file(GLOB _libtorch_cccl "${LibTorch_ROOT}/../nvidia/*/include/cccl")
  list(APPEND _libtorch_cuda_includes "$ENV{CUDA_HOME}/include" "/usr/local/cuda/include" ${_libtorch_cccl}
       "$ENV{CUDA_HOME}/include/cccl" "/usr/local/cuda/include/cccl" "${CMAKE_CURRENT_LIST_DIR}/cuda_crt")
  set(LibTorch_CUDA_INCLUDE_DIRS "")
  set(_libtorch_cuda_headers cuda_runtime_api.h cublas_v2.h cusparse.h cusolverDn.h crt/host_defines.h
      nv/target)
  foreach(header IN LISTS _libtorch_cuda_headers)
    find_path(_libtorch_dir_of_header ${header} PATHS ${_libtorch_cuda_includes} NO_DEFAULT_PATH
                                                NO_CACHE)
    if(NOT _libtorch_dir_of_header)
      set(LibTorch_CUDA_MISSING ${header})
      break()
    endif()
    list(APPEND LibTorch_CUDA_INCLUDE_DIRS "${_libtorch_dir_of_header}")
    unset(_libtorch_dir_of_header)
  endforeach()
  unset(_libtorch_dir_of_header)
  find_path(LibTorch_NCCL_INCLUDE_DIR nccl.h PATHS ${_libtorch_cuda_includes} NO_CACHE)
  if(LibTorch_NCCL_INCLUDE_DIR)
    list(APPEND LibTorch_CUDA_INCLUDE_DIRS "${LibTorch_NCCL_INCLUDE_DIR}")
  endif()
  list(REMOVE_DUPLICATES LibTorch_CUDA_INCLUDE_DIRS)
  file(GLOB _libtorch_cublas "${LibTorch_ROOT}/../nvidia/*/lib/libcublas.so.*"
       "${LibTorch_ROOT}/lib/libcublas*.so.*")

  if(EXISTS "${LibTorch_ROOT}/lib/libtorch_cuda.so" AND _libtorch_cublas AND NOT
                                                                          LibTorch_CUDA_MISSING)
    _libtorch_import(fusor::libtorch_cuda "${LibTorch_ROOT}/lib/libtorch_cuda.so")
    _libtorch_import(fusor::libc10_cuda "${LibTorch_ROOT}/lib/libc10_cuda.so")
    add_library(fusor::torch_cuda INTERFACE IMPORTED)
    target_include_directories(fusor::torch_cuda SYSTEM INTERFACE ${LibTorch_CUDA_INCLUDE_DIRS})
    target_link_libraries(fusor::torch_cuda INTERFACE fusor::torch fusor::libtorch_cuda
                                                      fusor::libc10_cuda)
    file(GLOB _libtorch_cudart "${LibTorch_ROOT}/../nvidia/*/lib/libcudart.so.*"
         "${LibTorch_ROOT}/lib/libcudart*.so.*")
    if(_libtorch_cudart)
      list(GET _libtorch_cudart 0 _libtorch_cudart)
      _libtorch_import(fusor::libcudart "${_libtorch_cudart}")
      target_link_libraries(fusor::torch_cuda INTERFACE fusor::libcudart)
    endif()
    # The one beside these libraries is of their version.
    file(GLOB _libtorch_nvcc_dirs "${LibTorch_ROOT}/../nvidia/*/bin")
    if(NOT "$ENV{CUDA_HOME}" STREQUAL "")
      list(APPEND _libtorch_nvcc_dirs "$ENV{CUDA_HOME}/bin")
    endif()
    unset(LibTorch_NVCC CACHE)
    find_program(LibTorch_NVCC nvcc PATHS ${_libtorch_nvcc_dirs} /usr/local/cuda/bin NO_DEFAULT_PATH)
    if(LibTorch_NCCL_INCLUDE_DIR)
      target_compile_definitions(fusor::torch_cuda INTERFACE USE_C10D_NCCL)
    endif()
  endif()
endif()
