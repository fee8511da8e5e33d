# Installation, and the package for plugins outside this tree: find_package(Hilum), or (hilum), gives hilum::sdk,
# hilum::hilum (the program) and hilum_add_plugin, from the build tree and from an installed prefix alike. Both are
# found where their bin folder is on the PATH, or by CMAKE_PREFIX_PATH. A prefix may be moved: everything in it finds
# the rest relative to itself.
include(CMakePackageConfigHelpers)
set(HILUM_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/hilum)
set(HILUM_INSTALLED_PLUGIN_DIR ${CMAKE_INSTALL_LIBDIR}/hilum/plugins)  # core/plugins/search.cpp looks there

install(TARGETS hilum EXPORT hilum RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS hilum-engine RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# hilum_torch has absolute paths: LibTorch stays where it is, it is too large to copy.
set_target_properties(hilum_torch PROPERTIES EXPORT_NAME torch)
install(TARGETS hilum_sdk hilum_torch EXPORT hilum LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/core/include/hilum DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.hpp")
install(EXPORT hilum NAMESPACE hilum:: FILE hilumTargets.cmake DESTINATION ${HILUM_PACKAGE_DIR})

set(HILUM_PLUGIN_SOURCES ${PROJECT_SOURCE_DIR}/plugins)
get_property(all GLOBAL PROPERTY HILUM_PLUGINS)
set(plugins)
foreach(plugin IN LISTS all)  # those of the tests stay at home
  get_target_property(folder ${plugin} SOURCE_DIR)
  cmake_path(IS_PREFIX HILUM_PLUGIN_SOURCES ${folder} ours)
  if(ours)
    list(APPEND plugins ${plugin})
  endif()
endforeach()
if(plugins)
  set_target_properties(${plugins} PROPERTIES INSTALL_RPATH "$ORIGIN/../..")
  install(TARGETS ${plugins} LIBRARY DESTINATION ${HILUM_INSTALLED_PLUGIN_DIR})
  install(FILES ${PROJECT_SOURCE_DIR}/registry.toml DESTINATION ${HILUM_INSTALLED_PLUGIN_DIR})
endif()

# Experiments and tables to start from, and key maps of published weights for `hilum weights`.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/experiments DESTINATION ${CMAKE_INSTALL_DATADIR}/hilum
  FILES_MATCHING PATTERN "*.toml" PATTERN maps EXCLUDE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/experiments/maps DESTINATION ${CMAKE_INSTALL_DATADIR}/hilum
  FILES_MATCHING PATTERN "*.toml")

# The package. hilum-config.cmake is found under both spellings of the name.
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/hilum-config.cmake @ONLY CONTENT [[
# hilum::sdk (with LibTorch), hilum::hilum (the program) and hilum_add_plugin(<kind> <name>), whose tests ctest runs.
foreach(hilum_file include/ATen/ATen.h lib/libtorch_cpu.so lib/libc10.so)
  if(NOT EXISTS "@hilum_torch_dir@/${hilum_file}")
    set(${CMAKE_FIND_PACKAGE_NAME}_FOUND FALSE)
    string(CONCAT ${CMAKE_FIND_PACKAGE_NAME}_NOT_FOUND_MESSAGE "Hilum was built with the LibTorch in @hilum_torch_dir@, and "
      "${hilum_file} is no longer there. Bring it back, or build Hilum again with another one: "
      "cmake --preset release -DHILUM_TORCH=DIR in Hilum's folder.")
    return()
  endif()
endforeach()
include("${CMAKE_CURRENT_LIST_DIR}/hilumTargets.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/HilumPlugin.cmake")
# The stamp of a plugin has the compiler's ABI.
if(CMAKE_CXX_COMPILER_ID AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "@CMAKE_CXX_COMPILER_ID@")
  message(WARNING "Hilum was built with @CMAKE_CXX_COMPILER_ID@, this project uses ${CMAKE_CXX_COMPILER_ID}: "
    "its plugins may be refused for another ABI.")
endif()
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)  # without it a plugin is not optimised
endif()
option(BUILD_TESTING "Plugins' tests" ON)
if(BUILD_TESTING)
  enable_testing()  # for the folder that asks for the package: a plugin's CMakeLists.txt need not
endif()
]])
write_basic_package_version_file(${PROJECT_BINARY_DIR}/hilum-config-version.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
configure_file(${PROJECT_SOURCE_DIR}/cmake/HilumPlugin.cmake ${PROJECT_BINARY_DIR}/HilumPlugin.cmake COPYONLY)
export(EXPORT hilum NAMESPACE hilum:: FILE ${PROJECT_BINARY_DIR}/hilumTargets.cmake)
install(FILES ${PROJECT_BINARY_DIR}/hilum-config.cmake ${PROJECT_BINARY_DIR}/hilum-config-version.cmake
  ${PROJECT_SOURCE_DIR}/cmake/HilumPlugin.cmake DESTINATION ${HILUM_PACKAGE_DIR})
# Build folders of before have these, and find_package(hilum) would take them first.
file(REMOVE ${PROJECT_BINARY_DIR}/hilumConfig.cmake ${PROJECT_BINARY_DIR}/hilumConfigVersion.cmake)
