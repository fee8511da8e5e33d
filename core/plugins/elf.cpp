// SPDX-License-Identifier: Apache-2.0
#include "core/plugins/elf.hpp"

#include <elf.h>

#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace hilum::plugins {
namespace {

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
#else
#error "Name this machine's ELF number."
#endif

[[noreturn]] void refuse(const std::string& why) { throw std::runtime_error(why); }

void check_header(const Elf64_Ehdr& header) {
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) refuse("it is no ELF file");
  if (header.e_ident[EI_CLASS] != ELFCLASS64) refuse("it is a 32-bit library");
  if (header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != kMachine)
    refuse("it is for another processor (ELF machine " + std::to_string(header.e_machine) + ")");
  if (header.e_type != ET_DYN) refuse("it is an ELF file, but no shared library");
}

// Whether `size` bytes from `begin` on lie within the file; neither can be trusted.
bool inside(uint64_t begin, uint64_t size, uint64_t whole) {
  return begin <= whole && size <= whole - begin;
}

}  // namespace

void require_whole_library(const std::filesystem::path& file) {
  const uint64_t bytes = std::filesystem::file_size(file);
  Elf64_Ehdr header{};
  if (bytes < sizeof header) refuse("the file is too short");
  std::ifstream in(file, std::ios::binary);
  in.read(reinterpret_cast<char*>(&header), sizeof header);
  if (!in) refuse("it cannot be read");
  check_header(header);
  const std::string cut = "it is cut off or damaged: its " + std::to_string(bytes) + " bytes end ";
  if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shstrndx >= header.e_shnum)
    refuse("it has no table of sections, so its symbols cannot be read");
  if (!inside(header.e_shoff, uint64_t{header.e_shnum} * sizeof(Elf64_Shdr), bytes))
    refuse(cut + "before its table of sections does");
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  in.seekg(static_cast<std::streamoff>(header.e_shoff));
  in.read(reinterpret_cast<char*>(sections.data()),
          static_cast<std::streamsize>(sections.size() * sizeof(Elf64_Shdr)));
  if (!in) refuse("it cannot be read");
  for (const auto& section : sections)
    if (section.sh_type != SHT_NOBITS && !inside(section.sh_offset, section.sh_size, bytes))
      refuse(cut + "before its sections do");
}

}  // namespace hilum::plugins
