# SPDX-License-Identifier: Apache-2.0
# The programs find each other in libexec/msb; users only ever call msb. The library is found with
# find_package(msb) or pkg-config.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS msb_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS msb-warden msb-agent msb-unpack msb-server msb-launcher msb-vm msb-guest msb-clone-preload
        RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/msb
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/msb)
install(DIRECTORY include/msb DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

install(TARGETS msb_static msb_shared EXPORT msbTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT msbTargets NAMESPACE msb:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/msb)

configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/msbConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/msbConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/msb)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/msbConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/msbConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/msbConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/msb)

file(RELATIVE_PATH MSB_PC_PREFIX
     /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${CMAKE_CURRENT_LIST_DIR}/msb.pc.in ${CMAKE_CURRENT_BINARY_DIR}/msb.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/msb.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
