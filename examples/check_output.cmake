# SPDX-License-Identifier: Apache-2.0
# cmake -DPROGRAM=<path> -DEXPECTED=<regex> -P check_output.cmake
# Unlike ctest's PASS_REGULAR_EXPRESSION it asks for exit status 0 as well.
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE output ERROR_VARIABLE errors
                RESULT_VARIABLE status)
message("${output}${errors}")
if(NOT status STREQUAL "0")
  message(FATAL_ERROR "exit status ${status}")
endif()
if(NOT output MATCHES "${EXPECTED}")
  message(FATAL_ERROR "the output does not match ${EXPECTED}")
endif()
