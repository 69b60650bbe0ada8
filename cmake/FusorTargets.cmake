# The two ways a target comes into being: fusor_library() for a folder, fusor_test() for a test program.
# A folder's target links exactly what the folder may include (docs/architecture.md).

add_library(fusor_options INTERFACE)
target_compile_options(fusor_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
  -Wno-missing-field-initializers)
# OFF with compilers that nobody has tried: they may warn of what ours do not.
option(FUSOR_WERROR "Warnings are errors" ON)
if(FUSOR_WERROR)
  target_compile_options(fusor_options INTERFACE -Werror)
endif()
target_include_directories(fusor_options INTERFACE ${CMAKE_SOURCE_DIR})

find_package(Threads REQUIRED)

# fusor_library(NAME SOURCES a.cc ... LINK other ...)
function(fusor_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC fusor_options ${ARG_LINK})
  set_property(GLOBAL APPEND PROPERTY FUSOR_LIBRARIES ${name})
endfunction()

# fusor_vector_sources(x.cc ...)
# Loops as vector code, in every build: results must not depend on how the tree was configured.
function(fusor_vector_sources)
  set_source_files_properties(${ARGN} PROPERTIES
    COMPILE_OPTIONS "-O3;-fno-math-errno;-fno-trapping-math;-ffp-contract=off")
endfunction()

# fusor_program(NAME SOURCES main.cc LINK ...)
function(fusor_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE fusor_options ${ARG_LINK})
endfunction()

# fusor_test(NAME SOURCES x_test.cc ... LINK ... [LABELS ...] [TIMEOUT seconds] [ARGS ...])
# One test program = one entry of ctest. Unit tests and the simulator also run under the sanitizers
# (label `sanitize`), the trainer's apart.
function(fusor_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK;LABELS;ARGS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE fusor_options ${ARG_LINK} GTest::gtest GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} ${ARG_ARGS})
  if(NOT ARG_TIMEOUT)
    # Ends what hangs; no test is judged by its speed, however busy the machine.
    set(ARG_TIMEOUT 900)
  endif()
  file(RELATIVE_PATH folder ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  if(folder MATCHES "^tests/(unit|sim)(/|$)" AND NOT folder MATCHES "trainer")
    list(APPEND ARG_LABELS sanitize)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  if("sanitize" IN_LIST ARG_LABELS)
    add_dependencies(sanitize_tests ${name})
  endif()
endfunction()
