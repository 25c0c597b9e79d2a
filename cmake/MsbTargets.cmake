# SPDX-License-Identifier: Apache-2.0
# The kinds of target. A library is a folder of src/; a test stands beside what it tests.

# msb_library(<name> SOURCES <...> [DEPS <...>] [PRIVATE_DEPS <...>] [INSIDE])
# INSIDE: programs that run inside a sandbox are made of it.
function(msb_library name)
  cmake_parse_arguments(arg "INSIDE" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC msb_flags ${arg_DEPS} PRIVATE ${arg_PRIVATE_DEPS})
  if(arg_INSIDE AND MSB_SANITIZE)
    msb_inside_names(deps ${arg_DEPS})
    add_library(${name}_inside STATIC EXCLUDE_FROM_ALL ${arg_SOURCES})
    set_target_properties(${name}_inside PROPERTIES MSB_INSIDE ON)
    target_link_libraries(${name}_inside PUBLIC msb_flags ${deps})
  endif()
endfunction()

# The libraries to link instead of those named, in a program that runs inside a sandbox.
function(msb_inside_names result)
  set(names ${ARGN})
  if(MSB_SANITIZE)
    list(TRANSFORM names APPEND _inside REGEX "^msb_")
  endif()
  set(${result} ${names} PARENT_SCOPE)
endfunction()

# msb_executable(<name> SOURCES <...> [DEPS <...>])
function(msb_executable name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE msb_flags ${arg_DEPS})
endfunction()

# msb_inside_executable(<name> SOURCES <...> [DEPS <...>])
# Runs in any image, and so is static, and not position-independent: fewer pages to relocate. A
# sanitizer's runtime is neither static nor in any image: under MSB_SANITIZE these programs are made
# without, from the twins of their libraries.
function(msb_inside_executable name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  msb_inside_names(deps ${arg_DEPS})
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES MSB_INSIDE ON POSITION_INDEPENDENT_CODE OFF)
  target_link_libraries(${name} PRIVATE msb_flags ${deps})
  target_link_options(${name} PRIVATE -static -no-pie -Wl,--gc-sections)
endfunction()

# msb_test(<name> SOURCES <...> [DEPS <...>] [LABELS <unit|contract|security|soak>] [TIMEOUT s])
# One ctest entry per program; a program that skips tests reports each reason in its output.
function(msb_test name)
  cmake_parse_arguments(arg "" "LABELS;TIMEOUT" "SOURCES;DEPS" ${ARGN})
  if(NOT MSB_BUILD_TESTS)
    return()
  endif()
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_link_libraries(${name} PRIVATE msb_flags ${arg_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  if(MSB_SANITIZE)
    target_compile_options(${name} PRIVATE -O0)  # takes half as long to compile
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${arg_LABELS} TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "MSB_LIBEXEC_DIR=${CMAKE_BINARY_DIR}/bin")
endfunction()

# msb_fuzz(<name> SOURCES <...> [DEPS <...>] CORPUS <dir> [DICTIONARY <name>])
# With clang and MSB_FUZZ: a libFuzzer program, one of the target msb-fuzzers, and two files for tools/run-fuzzers:
# where its first inputs are, and which dictionary of fuzz/ helps. Otherwise: a unit test that replays the corpus and
# tries inputs made of it (fuzz/replay_main.cc).
option(MSB_FUZZ "Build libFuzzer targets (clang)" OFF)
if(MSB_FUZZ)
  # Every file tells the fuzzer which of its branches an input took: without that it learns nothing.
  target_compile_options(msb_flags INTERFACE
    $<$<NOT:$<BOOL:$<TARGET_PROPERTY:MSB_INSIDE>>>:-fsanitize=fuzzer-no-link>)
endif()
function(msb_fuzz name)
  cmake_parse_arguments(arg "" "CORPUS;DICTIONARY" "SOURCES;DEPS" ${ARGN})
  set(dictionary "")
  if(arg_DICTIONARY)
    set(dictionary -dict=${PROJECT_SOURCE_DIR}/fuzz/${arg_DICTIONARY}.dict)
  endif()
  if(NOT MSB_BUILD_TESTS)
    return()
  endif()
  if(MSB_FUZZ)
    add_executable(${name} ${arg_SOURCES})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
    target_link_libraries(${name} PRIVATE msb_flags ${arg_DEPS})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    file(WRITE ${CMAKE_BINARY_DIR}/fuzz/${name}.seeds ${arg_CORPUS}\n)
    file(WRITE ${CMAKE_BINARY_DIR}/fuzz/${name}.flags "${dictionary}\n")
    if(NOT TARGET msb-fuzzers)
      add_custom_target(msb-fuzzers)
    endif()
    add_dependencies(msb-fuzzers ${name})
  else()
    add_executable(${name} ${arg_SOURCES} ${PROJECT_SOURCE_DIR}/fuzz/replay_main.cc)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    target_link_libraries(${name} PRIVATE msb_flags ${arg_DEPS})
    add_test(NAME ${name} COMMAND ${name} ${dictionary} ${arg_CORPUS})
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 60)
  endif()
endfunction()

# msb_system_call_filter(<name> SOURCE <policy.cc>)
# Compiles a system call policy as the project is built (src/base/policy/compiler.h): makes <name>_filter.inc in the
# current binary folder, which is a source of who includes it. All of them are made by the target generated_sources.
function(msb_system_call_filter name)
  cmake_parse_arguments(arg "" "SOURCE" "" ${ARGN})
  set(compiler msb-${name}-system-call-policy)
  set(filter ${CMAKE_CURRENT_BINARY_DIR}/${name}_filter.inc)
  msb_executable(${compiler} SOURCES ${arg_SOURCE} DEPS msb_policy_compiler)
  set_target_properties(${compiler} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/generators)
  add_custom_command(OUTPUT ${filter} COMMAND ${MSB_LAUNCHER} $<TARGET_FILE:${compiler}> > ${filter}
    DEPENDS ${compiler} VERBATIM)
  add_custom_target(msb-${name}-system-call-filter DEPENDS ${filter})
  if(NOT TARGET generated_sources)
    add_custom_target(generated_sources)
  endif()
  add_dependencies(generated_sources msb-${name}-system-call-filter)
endfunction()
