# `make install PREFIX=DIR`: the programs in bin/, LibTorch in lib/fusor/ in the wheels' own layout, so that
# the installation can be copied to a machine that has none.

option(FUSOR_INSTALL_TORCH "Copy LibTorch into the installation; otherwise it is used where it is" ON)

# The libraries of LibTorch and what they load. Without the plug-in, nothing of CUDA but the two small
# libraries that libtorch_cpu.so itself names.
function(_fusor_install_torch)
  set(cuda_parts PATTERN "libtorch_cuda*" EXCLUDE PATTERN "libc10_cuda*" EXCLUDE
                 PATTERN "libtorch_nvshmem*" EXCLUDE PATTERN "libcaffe2_nvrtc*" EXCLUDE)
  set(nvidia_parts FILES_MATCHING PATTERN "libcupti.so*" PATTERN "libcudart.so*")
  if(TARGET fusor_cuda)
    set(cuda_parts "")
    set(nvidia_parts FILES_MATCHING PATTERN "*.so*")
  endif()
  install(DIRECTORY ${LibTorch_ROOT}/lib/ DESTINATION lib/fusor/torch/lib USE_SOURCE_PERMISSIONS
          FILES_MATCHING PATTERN "*.so*" PATTERN "libtorch_python*" EXCLUDE ${cuda_parts})
  file(GLOB directories RELATIVE ${LibTorch_ROOT}/../nvidia ${LibTorch_ROOT}/../nvidia/*/lib)
  foreach(directory IN LISTS directories)
    install(DIRECTORY ${LibTorch_ROOT}/../nvidia/${directory}/ DESTINATION lib/fusor/nvidia/${directory}
            USE_SOURCE_PERMISSIONS ${nvidia_parts})
  endforeach()
  if(EXISTS ${LibTorch_ROOT}/../licenses)
    install(DIRECTORY ${LibTorch_ROOT}/../licenses/ DESTINATION share/doc/fusor/licenses)
  endif()
endfunction()

function(fusor_install)
  foreach(program fusord fusor-worker fusor fusor-train)
    if(TARGET ${program})
      install(TARGETS ${program} RUNTIME DESTINATION bin)
    endif()
  endforeach()
  if(TARGET fusor_cuda)
    install(TARGETS fusor_cuda LIBRARY DESTINATION lib/fusor)
  endif()
  if(FUSOR_TRAINER AND FUSOR_INSTALL_TORCH)
    _fusor_install_torch()
    set_target_properties(fusor-train PROPERTIES INSTALL_RPATH "$ORIGIN/../lib/fusor/torch/lib")
    if(TARGET fusor_cuda)
      set_target_properties(fusor_cuda PROPERTIES INSTALL_RPATH
                            "$ORIGIN/torch/lib:$ORIGIN/nvidia/cu13/lib:$ORIGIN/nvidia/nccl/lib")
    endif()
  elseif(FUSOR_TRAINER)
    set_target_properties(fusor-train PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
    if(TARGET fusor_cuda)
      set_target_properties(fusor_cuda PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
    endif()
  endif()
  install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/README.md DESTINATION share/doc/fusor
          OPTIONAL)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/deploy/examples DESTINATION share/fusor OPTIONAL)
endfunction()
