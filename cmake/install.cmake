# Installation, and the package `hilum` for plugins outside this tree: find_package(hilum) gives hilum::sdk and
# hilum_add_plugin, from the build tree (-Dhilum_DIR=BUILD) and from an installed prefix alike.
include(CMakePackageConfigHelpers)
set(HILUM_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/hilum)
set(HILUM_INSTALLED_PLUGIN_DIR ${CMAKE_INSTALL_LIBDIR}/hilum/plugins)  # core/plugins/search.cpp looks there

foreach(program hilum hilum-engine)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()

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

# Key maps of published weights, for `hilum weights`.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/experiments/maps DESTINATION ${CMAKE_INSTALL_DATADIR}/hilum
  FILES_MATCHING PATTERN "*.toml")

# The package. Both places need the compiler that the SDK was built with: the stamp has its ABI.
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/hilumConfig.cmake @ONLY CONTENT [[
# hilum::sdk (with LibTorch) and hilum_add_plugin(<kind> <name>). CMAKE_CXX_STANDARD is the plugin's own affair.
include(${CMAKE_CURRENT_LIST_DIR}/hilumTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/HilumPlugin.cmake)
set(hilum_built_with "@CMAKE_CXX_COMPILER_ID@")
if(CMAKE_CXX_COMPILER_ID AND NOT CMAKE_CXX_COMPILER_ID STREQUAL hilum_built_with)
  message(WARNING "hilum was built with ${hilum_built_with}, this project uses ${CMAKE_CXX_COMPILER_ID}: "
    "its plugins may be refused for another ABI.")
endif()
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)  # without it a plugin is not optimised
endif()
set(hilum_FOUND TRUE)
]])
write_basic_package_version_file(${PROJECT_BINARY_DIR}/hilumConfigVersion.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
configure_file(${PROJECT_SOURCE_DIR}/cmake/HilumPlugin.cmake ${PROJECT_BINARY_DIR}/HilumPlugin.cmake COPYONLY)
export(EXPORT hilum NAMESPACE hilum:: FILE ${PROJECT_BINARY_DIR}/hilumTargets.cmake)
install(FILES ${PROJECT_BINARY_DIR}/hilumConfig.cmake ${PROJECT_BINARY_DIR}/hilumConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/HilumPlugin.cmake DESTINATION ${HILUM_PACKAGE_DIR})
