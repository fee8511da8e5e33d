# Plugins that load well and misbehave, and the battery that must find each. One object for all of them.
add_library(hilum_faults OBJECT faults.cpp)
target_link_libraries(hilum_faults PRIVATE hilum_sdk)
target_precompile_headers(hilum_faults REUSE_FROM hilum_pch)
set_target_properties(hilum_faults PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)

set(faults)
function(hilum_fault kind name)
  set(target ${kind}_${name})
  file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/fault_${name}.cpp
    CONTENT "extern const char* const kFault;\nconst char* const kFault = \"${name}\";\n")
  add_library(${target} MODULE ${CMAKE_CURRENT_BINARY_DIR}/fault_${name}.cpp $<TARGET_OBJECTS:hilum_faults>)
  target_link_libraries(${target} PRIVATE hilum_sdk)
  set_target_properties(${target} PROPERTIES PREFIX "" SUFFIX ".so"
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/faults)
  set(faults ${faults} ${target} PARENT_SCOPE)
endfunction()
foreach(name sound no_help bad_rule bad_limit idle_option throw odd_sizes idle_parameter unregistered wrong_gradient
    random eval_dropout batch_norm shared_state scratch unsaved layout cancels baked_size leak crash exit hang)
  hilum_fault(fusion ${name})
endforeach()
hilum_fault(regularizer overflow)
hilum_fault(regularizer needs_guide)
hilum_fault(head no_probability)
hilum_fault(head learns_nan)

if(TARGET hilum AND TARGET hilum-engine)
  hilum_add_test(plugins_check SOURCES check_test.cpp LINK nlohmann_json::nlohmann_json)
  target_include_directories(plugins_check_test PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(plugins_check_test PRIVATE
    HILUM_FAULTS_DIR="${CMAKE_CURRENT_BINARY_DIR}/faults" HILUM_PROGRAM="$<TARGET_FILE:hilum>")
  add_dependencies(plugins_check_test hilum hilum-engine ${faults})
  hilum_add_test(battery SOURCES battery_test.cpp LINK hilum_plugins)
  target_compile_definitions(battery_test PRIVATE
    HILUM_FAULTS_DIR="${CMAKE_CURRENT_BINARY_DIR}/faults" HILUM_ENGINE="$<TARGET_FILE:hilum-engine>")
  add_dependencies(battery_test hilum-engine ${faults})
endif()
