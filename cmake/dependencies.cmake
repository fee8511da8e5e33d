# Libraries of the core. Each room links what it uses; dependencies.txt has the packages and their purpose.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(SQLiteCpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_path(HILUM_XXHASH xxhash.h REQUIRED)  # the header alone: Debian has no CMake package of it
find_package(pugixml REQUIRED)
find_package(benchmark REQUIRED)
set(CMAKE_MESSAGE_LOG_LEVEL NOTICE)  # GDCM's package names fifteen programs that Debian keeps elsewhere
find_package(ITK 5.2 REQUIRED COMPONENTS
  ITKCommon ITKIOImageBase ITKIONIFTI ITKIONRRD ITKIOMeta ITKIOGDCM ITKImageGrid ITKImageFunction
  ITKConnectedComponents ITKDistanceMap ITKSmoothing ITKTransform)
unset(CMAKE_MESSAGE_LOG_LEVEL)
# ITK's own list of include folders and libraries as one target.
add_library(hilum_itk INTERFACE)
target_include_directories(hilum_itk SYSTEM INTERFACE ${ITK_INCLUDE_DIRS})
target_link_libraries(hilum_itk INTERFACE ${ITK_LIBRARIES})
if(HILUM_TESTS)
  find_package(GTest REQUIRED)
endif()
