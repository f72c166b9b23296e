# Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0

# The package, once for the build tree and once for the install: find_package(psoas), psoas::psoas.
include(CMakePackageConfigHelpers)

set(PSOAS_FIND_DEPENDENCIES "")
get_target_property(psoas_type psoas TYPE)
if(psoas_type STREQUAL "STATIC_LIBRARY")
  foreach(package IN LISTS PSOAS_COMPILED_DEPENDENCIES)
    string(APPEND PSOAS_FIND_DEPENDENCIES "find_dependency(${package})\n")
  endforeach()
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/psoas)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/psoasConfig.cmake.in
  ${PROJECT_BINARY_DIR}/psoasConfig.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may break the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/psoasConfigVersion.cmake COMPATIBILITY SameMinorVersion)
export(TARGETS psoas NAMESPACE psoas:: FILE ${PROJECT_BINARY_DIR}/psoasTargets.cmake)

if(PSOAS_INSTALL)
  install(TARGETS psoas EXPORT psoasTargets FILE_SET HEADERS)
  if(TARGET psoas_program)
    install(TARGETS psoas_program)
  endif()
  if(TARGET psoas_mpi_program)
    install(TARGETS psoas_mpi_program)
  endif()
  install(EXPORT psoasTargets NAMESPACE psoas:: DESTINATION ${package_dir})
  install(FILES ${PROJECT_BINARY_DIR}/psoasConfig.cmake ${PROJECT_BINARY_DIR}/psoasConfigVersion.cmake
    DESTINATION ${package_dir})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/models DESTINATION ${CMAKE_INSTALL_DATADIR}/psoas
    PATTERN tools EXCLUDE)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
endif()
