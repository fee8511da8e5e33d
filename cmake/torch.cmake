# hilum::torch, an imported target of our own: the wheel's find_package(Torch) insists on a CUDA toolkit.
# Only the CPU library is linked. libtorch_cuda.so is loaded at run time where there is a GPU.
set(HILUM_WANT_CUDA OFF)
if(HILUM_CUDA STREQUAL "ON" OR (HILUM_CUDA STREQUAL "AUTO" AND EXISTS "/dev/nvidiactl"))
  set(HILUM_WANT_CUDA ON)
endif()

set(hilum_torch_dir "${HILUM_TORCH}")
if(NOT hilum_torch_dir)
  set(flavour cpu)
  if(HILUM_WANT_CUDA)
    set(flavour cuda)
  endif()
  execute_process(COMMAND ${PROJECT_SOURCE_DIR}/scripts/fetch_torch.sh ${flavour}
    OUTPUT_VARIABLE hilum_torch_dir OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "LibTorch could not be fetched. Give one with -DHILUM_TORCH=DIR (the folder with include/ and lib/).")
  endif()
endif()
foreach(file include/torch/csrc/api/include/torch/torch.h lib/libtorch_cpu.so lib/libc10.so)
  if(NOT EXISTS "${hilum_torch_dir}/${file}")
    message(FATAL_ERROR "HILUM_TORCH=${hilum_torch_dir} has no ${file}")
  endif()
endforeach()

# The CUDA version LibTorch was built for is in version.py only (the CPU headers do not have it): 13.0 -> 130.
set(HILUM_TORCH_CUDA 0)
if(EXISTS "${hilum_torch_dir}/version.py")
  file(STRINGS "${hilum_torch_dir}/version.py" line REGEX "^cuda")
  if(line MATCHES "'([0-9]+)\\.([0-9]+)'")
    set(HILUM_TORCH_CUDA "${CMAKE_MATCH_1}${CMAKE_MATCH_2}")
  endif()
endif()
message(STATUS "LibTorch: ${hilum_torch_dir} (built for CUDA: ${HILUM_TORCH_CUDA}; CUDA wanted: ${HILUM_WANT_CUDA})")

add_library(hilum_torch INTERFACE)
add_library(hilum::torch ALIAS hilum_torch)
target_include_directories(hilum_torch SYSTEM INTERFACE
  "${hilum_torch_dir}/include" "${hilum_torch_dir}/include/torch/csrc/api/include")
target_link_libraries(hilum_torch INTERFACE
  "${hilum_torch_dir}/lib/libtorch_cpu.so" "${hilum_torch_dir}/lib/libc10.so")
target_link_options(hilum_torch INTERFACE "LINKER:-rpath,${hilum_torch_dir}/lib"
  "LINKER:--allow-shlib-undefined")
target_compile_definitions(hilum_torch INTERFACE HILUM_TORCH_CUDA=${HILUM_TORCH_CUDA})
# at::parallel_for is a header: in a file that is compiled without OpenMP it runs in one thread and says nothing. The
# runtime is the one that LibTorch carries; a process has one.
target_compile_options(hilum_torch INTERFACE $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-fopenmp>)
file(GLOB hilum_torch_openmp "${hilum_torch_dir}/lib/libgomp*.so*")
target_link_libraries(hilum_torch INTERFACE ${hilum_torch_openmp})
