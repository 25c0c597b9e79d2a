# SPDX-License-Identifier: Apache-2.0
# Everything comes from Debian's packages; tools/install-deps installs them.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(CURL REQUIRED)
find_package(LibArchive REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
if(MSB_BUILD_TESTS)
  find_package(GTest REQUIRED)
  find_package(spdlog REQUIRED)  # for the adapter's test
endif()
