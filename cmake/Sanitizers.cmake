# FUSOR_SANITIZE=address (with undefined) or thread, for everything that is compiled here.
# Debian's libraries are not instrumented; what they are falsely accused of is listed, by library,
# in tests/sanitizers/*.supp, which the test presets name.

set(FUSOR_SANITIZE "" CACHE STRING "address, thread or empty")
set_property(CACHE FUSOR_SANITIZE PROPERTY STRINGS "" address thread)

if(FUSOR_SANITIZE STREQUAL "address")
  # A null pointer traps without its check, and objects' sizes are the address sanitizer's own
  # business; these checks would take a third of the build's time.
  set(fusor_sanitize_flags -fsanitize=address,undefined -fno-sanitize-recover=all
      -fno-sanitize=null,vptr,object-size,alignment)
elseif(FUSOR_SANITIZE STREQUAL "thread")
  set(fusor_sanitize_flags -fsanitize=thread)
  # The sanitizer does not know the fences that Asio puts between what its locks order already.
  add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
elseif(NOT FUSOR_SANITIZE STREQUAL "")
  message(FATAL_ERROR "FUSOR_SANITIZE=${FUSOR_SANITIZE}: address, thread or nothing")
endif()

if(FUSOR_SANITIZE)
  add_compile_options(${fusor_sanitize_flags} -fno-omit-frame-pointer)
  add_link_options(${fusor_sanitize_flags})
endif()

# Everything that carries the label `sanitize`; the presets asan and tsan build just this.
add_custom_target(sanitize_tests)
