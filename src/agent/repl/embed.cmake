# SPDX-License-Identifier: Apache-2.0
# cmake -DOUTPUT=<file.cc> -DFILES="kName=<file>;..." -P embed.cmake
# Writes a source file that defines the files' bytes (see embedded_drivers.h). Comment lines of
# bootstraps are left out: a bootstrap is an argument, and the process list shows it.

file(WRITE ${OUTPUT}
  "#include \"agent/repl/embedded_drivers.h\"\n"
  "namespace msb::agent::repl {\n")
foreach(entry IN LISTS FILES)
  string(REGEX MATCH "^([^=]+)=(.+)$" matched "${entry}")
  set(name ${CMAKE_MATCH_1})
  set(path ${CMAKE_MATCH_2})
  if(name MATCHES "Bootstrap$")
    file(READ ${path} text)
    string(REGEX REPLACE "(^|\n)(#|//)[^\n]*" "" text "${text}")
    string(STRIP "${text}" text)
    string(HEX "${text}" hex)
  else()
    file(READ ${path} hex HEX)
  endif()
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  file(APPEND ${OUTPUT}
    "namespace {\nconstexpr char ${name}Bytes[] = {${bytes}};\n}\n"
    "const std::string_view ${name}(${name}Bytes, ${size});\n")
endforeach()
file(APPEND ${OUTPUT} "}\n")
