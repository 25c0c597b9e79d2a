# SPDX-License-Identifier: Apache-2.0
# The programs find each other in MSB_LIBEXEC_DIR; users only ever call msb.
include(GNUInstallDirs)
install(TARGETS msb_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS msb-warden msb-agent msb-unpack
        RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/msb)
install(DIRECTORY include/msb DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
