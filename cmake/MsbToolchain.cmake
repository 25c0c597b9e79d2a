# SPDX-License-Identifier: Apache-2.0
# What every target of the project is compiled with.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

include(CheckPIESupported)
check_pie_supported()  # without it CMake compiles for it, and leaves the linking to the compiler's own mind

find_program(MSB_CCACHE ccache)
if(MSB_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${MSB_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${MSB_CCACHE})
endif()

set(MSB_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize= (address,undefined or thread)")

add_library(msb_flags INTERFACE)
target_compile_options(msb_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  -fstack-protector-strong -fno-plt
  # g++ 12 sees overlaps in std::string concatenation that are not there (GCC bug 105329).
  $<$<AND:$<COMPILE_LANG_AND_ID:CXX,GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fcf-protection=full>
  $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-fcf-protection=full>)
if(CMAKE_UNITY_BUILD)
  # To g++ the sources that are read as one are headers, whose anonymous namespaces it warns of.
  target_compile_options(msb_flags INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)
endif()
target_include_directories(msb_flags INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>)
# tools/check-hardening, which ctest runs, looks for what these and the compiler's options leave in the programs.
target_link_options(msb_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code -Wl,--as-needed)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT MSB_SANITIZE)
  target_compile_definitions(msb_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
if(MSB_SANITIZE)
  # All but the targets with MSB_INSIDE (see msb_inside_executable), asked of each that uses the flags.
  set(sanitized $<NOT:$<BOOL:$<TARGET_PROPERTY:MSB_INSIDE>>>)
  target_compile_options(msb_flags INTERFACE
    $<${sanitized}:-fsanitize=${MSB_SANITIZE}> $<${sanitized}:-fno-sanitize-recover=all>
    -fno-omit-frame-pointer)
  target_link_options(msb_flags INTERFACE $<${sanitized}:-fsanitize=${MSB_SANITIZE}>)
endif()

# ThreadSanitizer of g++ 12 does not start where the kernel scatters memory further than it did then.
set(launcher "")
if(MSB_SANITIZE MATCHES "thread" AND EXISTS /proc/sys/vm/mmap_rnd_bits)
  file(STRINGS /proc/sys/vm/mmap_rnd_bits mmap_rnd_bits)
  if(mmap_rnd_bits GREATER 28)
    set(launcher setarch --addr-no-randomize)
  endif()
endif()
set(MSB_LAUNCHER "${launcher}" CACHE STRING "What runs the build's programs, in it and in tools/run-tests")
