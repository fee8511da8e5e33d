# Kernels for a GPU, one library beside a plugin: cuda_<kind>_<name>.so. nvcc is called as it is: CMake's CUDA language
# would pass it the options of the whole build (-fPIC, sanitizers, mold), which it refuses, and fails without a toolkit.
set(HILUM_CUDA_KERNELS AUTO CACHE STRING "Kernels for a GPU: AUTO (where there is an nvcc that works), ON or OFF")
set_property(CACHE HILUM_CUDA_KERNELS PROPERTY STRINGS AUTO ON OFF)
# No debug information, no warnings of generated code; hidden symbols; a runtime of its own, so nothing of CUDA is
# needed to load the library, and any version of it may be in LibTorch.
set(HILUM_NVCC_FLAGS -std=c++20 -O3 -ccbin ${CMAKE_CXX_COMPILER} -shared -cudart static
  -Xcompiler -fPIC,-fvisibility=hidden,-Wall -Xlinker --exclude-libs,ALL
  -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90,code=[sm_90,compute_90])

set(hilum_kernels OFF)
if(HILUM_CUDA_KERNELS)  # AUTO is neither of CMake's words for no
  find_program(HILUM_NVCC nvcc PATHS /usr/local/cuda/bin ENV CUDA_PATH ENV CUDA_HOME PATH_SUFFIXES bin)
  set(hilum_kernels ON)
  if(NOT HILUM_NVCC)
    set(hilum_kernels "there is no nvcc on the PATH or in /usr/local/cuda/bin")
  elseif(NOT "${HILUM_NVCC_WORKS}" STREQUAL "${HILUM_NVCC} ${CMAKE_CXX_COMPILER}")
    # An older one may not know this compiler or sm_90.
    set(probe ${PROJECT_BINARY_DIR}/CMakeFiles/hilum_nvcc)
    file(WRITE ${probe}.cu "__global__ void kernel() {}\nvoid start() { kernel<<<1, 1>>>(); }\n")
    execute_process(COMMAND ${HILUM_NVCC} ${HILUM_NVCC_FLAGS} ${probe}.cu -o ${probe}.so
      RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(failed)
      set(hilum_kernels "${HILUM_NVCC} fails:\n${output}")
    else()
      set(HILUM_NVCC_WORKS "${HILUM_NVCC} ${CMAKE_CXX_COMPILER}" CACHE INTERNAL "nvcc and the compiler that were tried")
    endif()
  endif()
  if(NOT hilum_kernels STREQUAL ON AND HILUM_CUDA_KERNELS STREQUAL ON)
    message(FATAL_ERROR "HILUM_CUDA_KERNELS=ON, but ${hilum_kernels}")
  endif()
endif()
if(hilum_kernels STREQUAL ON)
  message(STATUS "Kernels for a GPU: with ${HILUM_NVCC}")
elseif(hilum_kernels STREQUAL OFF)
  message(STATUS "Kernels for a GPU: off")
else()
  message(STATUS "Kernels for a GPU are not built: ${hilum_kernels}")
endif()

# hilum_add_emulated_test(<plugin> <folder> SOURCES ...): what stands between LibTorch and the kernels, with kernels that
# a processor plays instead of the library.
function(hilum_add_emulated_test plugin folder)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "SOURCES")
  if(HILUM_TESTS)
    hilum_add_test(plugin_${plugin}_on_gpu TORCH WHOLE
      SOURCES on_gpu_test.cpp on_gpu.cpp ${folder}/emulated_library.cpp ${arg_SOURCES} LINK hilum_train)
    cmake_path(ABSOLUTE_PATH folder NORMALIZE)
    target_include_directories(plugin_${plugin}_on_gpu_test PRIVATE ${folder})
  endif()
endfunction()

# hilum_add_cuda_kernels(<plugin> <source.cu> <folder>): for the plugin's target of this directory. It includes what
# stands in the folder, which several plugins share, whether the library is built or not.
function(hilum_add_cuda_kernels plugin source folder)
  cmake_path(ABSOLUTE_PATH folder NORMALIZE)
  foreach(target ${plugin} plugin_${plugin}_test)
    if(TARGET ${target})
      target_include_directories(${target} PRIVATE ${folder})
      target_link_libraries(${target} PRIVATE ${CMAKE_DL_LIBS})
    endif()
  endforeach()
  if(TARGET plugin_${plugin}_test)
    target_compile_definitions(plugin_${plugin}_test PRIVATE HILUM_KERNELS_OF="${plugin}")
  endif()
  set(library ${HILUM_PLUGIN_DIR}/cuda_${plugin}.so)
  if(NOT hilum_kernels STREQUAL ON)
    file(REMOVE ${library})  # of before: the plugin would load it
    return()
  endif()
  cmake_path(ABSOLUTE_PATH source NORMALIZE)
  set(depfile ${CMAKE_CURRENT_BINARY_DIR}/cuda_${plugin}.d)
  add_custom_command(OUTPUT ${library}
    COMMAND ${HILUM_NVCC} ${HILUM_NVCC_FLAGS} -I ${folder} -MD -MF ${depfile} -MT ${library} ${source} -o ${library}
    DEPENDS ${source} DEPFILE ${depfile} VERBATIM COMMENT "Compiling cuda_${plugin}.so for sm_80 and sm_90")
  add_custom_target(cuda_${plugin} ALL DEPENDS ${library})
  add_dependencies(${plugin} cuda_${plugin})
  if(TARGET plugin_${plugin}_test)
    target_compile_definitions(plugin_${plugin}_test PRIVATE HILUM_KERNELS_BUILT)
  endif()
  install(PROGRAMS ${library} DESTINATION ${CMAKE_INSTALL_LIBDIR}/hilum/plugins)  # as install.cmake the plugins
endfunction()
