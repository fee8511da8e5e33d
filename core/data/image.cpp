// SPDX-License-Identifier: Apache-2.0
#include "core/data/image.hpp"

#include <itkMetaImageIO.h>
#include <itkNiftiImageIO.h>
#include <itkNrrdImageIO.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "core/data/itk_setup.hpp"
#include "core/data/meta_check.hpp"
#include "core/data/nifti.hpp"
#include "core/util/files.hpp"

namespace hilum::data {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const fs::path& file, const std::string& what) {
  throw Error(file.string() + ": " + what, Fault::data);
}

bool is_nifti(const std::string& name) {
  return name.ends_with(".nii") || name.ends_with(".nii.gz");
}

itk::ImageIOBase::Pointer make_io(const fs::path& file) {
  prepare_itk();
  const std::string name = file.filename().string();
  itk::ImageIOBase::Pointer io;
  if (is_nifti(name)) io = itk::NiftiImageIO::New();
  if (name.ends_with(".nrrd") || name.ends_with(".nhdr")) io = itk::NrrdImageIO::New();
  if (name.ends_with(".mha") || name.ends_with(".mhd")) io = itk::MetaImageIO::New();
  if (!io) fail(file, "is no image that is read here: .nii, .nii.gz, .nrrd, .nhdr, .mha or .mhd.");
  io->SetFileName(file.string());
  return io;
}

// The last line of ITK's message is the cause; the lines before say where in ITK's sources.
std::string cause(const itk::ExceptionObject& error) {
  std::string text = error.GetDescription();
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  if (const auto line = text.rfind('\n'); line != text.npos) text = text.substr(line + 1);
  if (text.starts_with("ITK ERROR: "))
    if (const auto object = text.find("): "); object != text.npos) text = text.substr(object + 3);
  return text.empty() ? "unknown cause" : text;
}

// Size, spacing and orientation as ITK has them (x, y, z); a 2D image becomes one of depth 1.
Geometry geometry_of(const itk::ImageIOBase& io, const fs::path& file) {
  const unsigned axes = io.GetNumberOfDimensions();
  for (unsigned i = 3; i < axes; ++i)
    if (io.GetDimensions(i) > 1)
      fail(file, "has " + std::to_string(axes) + " dimensions; a region has 3 (or 2). Split it.");
  if (axes < 2) fail(file, "has " + std::to_string(axes) + " dimensions; a region has 3 (or 2).");
  Geometry geometry{{1, 1, 1}, {1, 1, 1}, {}, {1, 0, 0, 0, 1, 0, 0, 0, 1}};
  for (unsigned i = 0; i < std::min(axes, 3u); ++i) {
    geometry.size[2 - i] = static_cast<int64_t>(io.GetDimensions(i));
    geometry.spacing[2 - i] = io.GetSpacing(i);
    geometry.origin[i] = io.GetOrigin(i);
    const auto direction = io.GetDirection(i);
    for (unsigned row = 0; row < std::min<size_t>(direction.size(), 3); ++row)
      geometry.direction[row * 3 + i] = direction[row];
  }
  return geometry;
}

template <class T>
void convert(const std::vector<char>& bytes, std::vector<float>& voxels) {
  const T* from = reinterpret_cast<const T*>(bytes.data());
  std::transform(from, from + voxels.size(), voxels.begin(),
                 [](T value) { return static_cast<float>(value); });
}

void convert(itk::IOComponentEnum type, const std::vector<char>& bytes, std::vector<float>& voxels,
             const fs::path& file) {
  using Type = itk::IOComponentEnum;
  switch (type) {
    case Type::UCHAR:
      return convert<unsigned char>(bytes, voxels);
    case Type::CHAR:
      return convert<signed char>(bytes, voxels);
    case Type::USHORT:
      return convert<unsigned short>(bytes, voxels);
    case Type::SHORT:
      return convert<short>(bytes, voxels);
    case Type::UINT:
      return convert<unsigned>(bytes, voxels);
    case Type::INT:
      return convert<int>(bytes, voxels);
    case Type::ULONG:
      return convert<unsigned long>(bytes, voxels);
    case Type::LONG:
      return convert<long>(bytes, voxels);
    case Type::ULONGLONG:
      return convert<unsigned long long>(bytes, voxels);
    case Type::LONGLONG:
      return convert<long long>(bytes, voxels);
    case Type::FLOAT:
      return convert<float>(bytes, voxels);
    case Type::DOUBLE:
      return convert<double>(bytes, voxels);
    default:
      fail(file, "has voxels of a type that is not read here.");
  }
}

// All of the image as one region of the file: what Read and Write go by.
void select_all(itk::ImageIOBase& io) {
  itk::ImageIORegion region(io.GetNumberOfDimensions());
  for (unsigned i = 0; i < io.GetNumberOfDimensions(); ++i) region.SetSize(i, io.GetDimensions(i));
  io.SetIORegion(region);
}

Volume read_by_itk(const fs::path& file) {
  const auto io = make_io(file);
  io->ReadImageInformation();
  Volume volume{geometry_of(*io, file), {}};
  if (io->GetNumberOfComponents() != 1)
    fail(file, "has " + std::to_string(io->GetNumberOfComponents()) +
                   " values a voxel (colour or vectors); a region has one.");
  check_geometry(volume.geometry, file);
  select_all(*io);
  const auto size = static_cast<uintmax_t>(io->GetImageSizeInBytes());
  const std::string name = file.filename().string();
  if (name.ends_with(".mha") || name.ends_with(".mhd")) refuse_cut_meta_image(file, size);
  std::vector<char> bytes(size);
  io->Read(bytes.data());
  volume.voxels.resize(static_cast<size_t>(voxels(volume.geometry)));
  convert(io->GetComponentType(), bytes, volume.voxels, file);
  return volume;
}

// Returns the bytes of the voxels.
uintmax_t write(const fs::path& file, const Geometry& geometry, const void* data, size_t count,
                itk::IOComponentEnum type) {
  if (static_cast<int64_t>(count) != voxels(geometry))
    throw Error(file.string() + ": " + std::to_string(count) + " voxels to write, the grid has " +
                std::to_string(voxels(geometry)) + ".");
  const auto io = make_io(file);
  io->SetNumberOfDimensions(3);
  for (unsigned i = 0; i < 3; ++i) {
    io->SetDimensions(i, static_cast<size_t>(geometry.size[2 - i]));
    io->SetSpacing(i, geometry.spacing[2 - i]);
    io->SetOrigin(i, geometry.origin[i]);
    const auto* d = geometry.direction.data();
    io->SetDirection(i, std::vector<double>{d[i], d[3 + i], d[6 + i]});
  }
  io->SetPixelType(itk::IOPixelEnum::SCALAR);
  io->SetNumberOfComponents(1);
  io->SetComponentType(type);
  io->SetUseCompression(true);
  select_all(*io);
  io->WriteImageInformation();
  io->Write(data);
  return static_cast<uintmax_t>(io->GetImageSizeInBytes());
}

// ITK's NIfTI takes no notice of a full disk. A gzip stream ends with the length of what it holds,
// here a heading and the voxels.
bool is_whole(const fs::path& file, uintmax_t bytes) {
  if (file.extension() == ".nii") return fs::file_size(file) > bytes;
  if (file.extension() != ".gz") return true;
  uint32_t length = 0;
  std::ifstream in(file, std::ios::binary);
  in.seekg(-4, std::ios::end).read(reinterpret_cast<char*>(&length), sizeof length);
  return in && length - static_cast<uint32_t>(bytes) < 4096;
}

void write_safely(const fs::path& file, const Geometry& geometry, const void* data, size_t count,
                  itk::IOComponentEnum type) try {
  make_io(file);  // a wrong extension is an error before a folder is made
  if (file.has_parent_path()) fs::create_directories(file.parent_path());
  const std::string name = file.filename().string();
  // These name a second file inside: renaming one of the two would part them.
  if (name.ends_with(".mhd") || name.ends_with(".nhdr")) {
    write(file, geometry, data, count, type);
    return;
  }
  const auto dot = name.find(name.ends_with(".nii.gz") ? ".nii.gz" : file.extension().string());
  const fs::path beside = file.parent_path() / (name.substr(0, dot) + ".part" +
                                                std::to_string(getpid()) + name.substr(dot));
  try {
    if (!is_whole(beside, write(beside, geometry, data, count, type)))
      throw util::DiskFull(file.string() +
                           ": cannot be written whole: No space left on device, it seems. Free "
                           "some space on this disk.");
    fs::rename(beside, file);
  } catch (...) {
    std::error_code ignored;
    fs::remove(beside, ignored);
    throw;
  }
} catch (const itk::ExceptionObject& error) {
  throw Error(file.string() + ": cannot be written: " + cause(error));
} catch (const fs::filesystem_error& error) {
  throw Error(file.string() + ": cannot be written: " + error.code().message() + ".");
}

std::string text(const std::array<int64_t, 3>& size) {
  return std::to_string(size[0]) + "x" + std::to_string(size[1]) + "x" + std::to_string(size[2]);
}

std::string text(const std::array<double, 3>& values) {
  std::string all;
  for (const double value : values) {
    char one[32];
    std::snprintf(one, sizeof one, "%s%g", all.empty() ? "" : ", ", value);
    all += one;
  }
  return "(" + all + ")";
}

}  // namespace

Volume read_image(const fs::path& file) {
  if (!fs::is_regular_file(file)) fail(file, fs::exists(file) ? "is no file." : "does not exist.");
  try {
    Volume volume = is_nifti(file.filename().string()) ? read_nifti(file) : read_by_itk(file);
    if (!std::all_of(volume.voxels.begin(), volume.voxels.end(),
                     [](float value) { return std::isfinite(value); }))
      fail(file, "a voxel is not a finite number (NaN or infinity).");
    return volume;
  } catch (const itk::ExceptionObject& error) {
    fail(file, "cannot be read: " + cause(error));
  }
}

void write_image(const fs::path& file, const Geometry& geometry, std::span<const uint8_t> voxels) {
  write_safely(file, geometry, voxels.data(), voxels.size(), itk::IOComponentEnum::UCHAR);
}
void write_image(const fs::path& file, const Geometry& geometry, std::span<const int16_t> voxels) {
  write_safely(file, geometry, voxels.data(), voxels.size(), itk::IOComponentEnum::SHORT);
}
void write_image(const fs::path& file, const Geometry& geometry, std::span<const float> voxels) {
  write_safely(file, geometry, voxels.data(), voxels.size(), itk::IOComponentEnum::FLOAT);
}

void check_geometry(const Geometry& geometry, const fs::path& file) {
  for (size_t i = 0; i < 3; ++i) {
    if (geometry.size[i] < 1) fail(file, "has an empty axis.");
    if (!(geometry.spacing[i] > 0) || !std::isfinite(geometry.spacing[i]))
      fail(file, "has a voxel spacing of " + std::to_string(geometry.spacing[i]) +
                     " mm; it must be above 0.");
    if (!std::isfinite(geometry.origin[i])) fail(file, "has an origin that is not finite.");
  }
  // A header can promise more than any file holds; nothing is allocated on its word alone.
  constexpr int64_t kMost = int64_t{1} << 31;
  if (voxels(geometry) > kMost)
    fail(file, "has " + std::to_string(voxels(geometry)) + " voxels; a region has at most 2^31.");
}

int64_t voxels(const Geometry& geometry) {
  // In floating point first: a broken header's sizes overflow as integers.
  const double count = static_cast<double>(geometry.size[0]) *
                       static_cast<double>(geometry.size[1]) *
                       static_cast<double>(geometry.size[2]);
  if (count > 0x1p62) return int64_t{1} << 62;
  return geometry.size[0] * geometry.size[1] * geometry.size[2];
}

std::string difference(const Geometry& is, const Geometry& expected) {
  if (is.size != expected.size)
    return "size " + text(is.size) + ", not " + text(expected.size) + " (D x H x W)";
  for (size_t i = 0; i < 3; ++i)
    if (std::abs(is.spacing[i] - expected.spacing[i]) > 1e-3 * expected.spacing[i])
      return "spacing " + text(is.spacing) + " mm, not " + text(expected.spacing) + " (D, H, W)";
  for (size_t i = 0; i < 9; ++i)
    if (std::abs(is.direction[i] - expected.direction[i]) > 1e-3)
      return "another orientation in its header";
  for (size_t i = 0; i < 3; ++i)  // a tenth of a voxel
    if (std::abs(is.origin[i] - expected.origin[i]) > 0.1 * expected.spacing[2 - i])
      return "origin " + text(is.origin) + " mm, not " + text(expected.origin) + " (x, y, z)";
  return "";
}

}  // namespace hilum::data
