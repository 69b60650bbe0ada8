# One program per fusor_library() that links every object of it: a static library that uses a symbol
# of a library it does not name builds silently, and fails here.

function(fusor_add_link_tests)
  get_property(libraries GLOBAL PROPERTY FUSOR_LIBRARIES)
  foreach(library IN LISTS libraries)
    add_executable(link_${library} ${CMAKE_SOURCE_DIR}/tests/link/main.cc)
    target_link_libraries(link_${library} PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,${library}>")
    set_target_properties(link_${library} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                                     ${CMAKE_BINARY_DIR}/link_tests)
    add_test(NAME link_${library} COMMAND link_${library})
    set_tests_properties(link_${library} PROPERTIES LABELS link TIMEOUT 60)
  endforeach()
endfunction()
