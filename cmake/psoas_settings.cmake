# Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0

# Warnings and language mode of our own targets; none of it reaches a user of the library.
function(psoas_settings target)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE
    $<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wnon-virtual-dtor>
    # g++ 12 takes Eigen's optional members for uninitialised ones.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
    $<$<BOOL:${PSOAS_WERROR}>:-Werror>)
endfunction()

# A header-only dependency is never linked, so the exported package does not name it.
function(psoas_header_only target)
  foreach(dependency IN LISTS ARGN)
    target_include_directories(${target} SYSTEM PRIVATE
      $<TARGET_PROPERTY:${dependency},INTERFACE_INCLUDE_DIRECTORIES>)
    if(dependency STREQUAL "fmt::fmt-header-only")
      target_compile_definitions(${target} PRIVATE FMT_HEADER_ONLY=1)
    endif()
  endforeach()
endfunction()

# A private dependency with code of its own. A static psoas needs it when a program is linked, so the package
# configuration finds each package listed in PSOAS_COMPILED_DEPENDENCIES.
macro(psoas_compiled_dependency target package)
  find_package(${package} REQUIRED)
  target_link_libraries(${target} PRIVATE ${ARGN})
  list(APPEND PSOAS_COMPILED_DEPENDENCIES ${package})
endmacro()
