// SPDX-License-Identifier: Apache-2.0
#include "core/cli/junit.hpp"

#include <algorithm>
#include <pugixml.hpp>
#include <sstream>

namespace hilum::cli::junit {
namespace {

// XML has no control characters, not even escaped; a plugin's last words may hold some.
std::string clean(std::string text) {
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t'; }, '?');
  return text;
}

void count(pugi::xml_node node, size_t tests, size_t failures, size_t skipped) {
  node.append_attribute("tests") = tests;
  node.append_attribute("failures") = failures;
  node.append_attribute("errors") = 0;
  node.append_attribute("skipped") = skipped;
}

void add(pugi::xml_node parent, const Suite& suite) {
  auto node = parent.append_child("testsuite");
  node.append_attribute("name") = clean(suite.name).c_str();
  size_t failures = 0, skipped = 0;
  for (const auto& one : suite.cases)
    failures += !one.failure.empty(), skipped += !one.skipped.empty();
  count(node, suite.cases.size(), failures, skipped);
  for (const auto& one : suite.cases) {
    auto test = node.append_child("testcase");
    test.append_attribute("classname") = clean(suite.name).c_str();
    test.append_attribute("name") = clean(one.name).c_str();
    test.append_attribute("time") = one.seconds;
    if (!one.failure.empty()) {
      auto failure = test.append_child("failure");
      failure.append_attribute("message") = clean(one.failure).c_str();
      failure.text() = clean(one.details).c_str();
    }
    if (!one.skipped.empty())
      test.append_child("skipped").append_attribute("message") = clean(one.skipped).c_str();
  }
}

}  // namespace

std::string to_xml(const std::string& name, const std::vector<Suite>& suites) {
  pugi::xml_document document;
  auto root = document.append_child("testsuites");
  root.append_attribute("name") = clean(name).c_str();
  for (const auto& suite : suites) add(root, suite);
  std::ostringstream text;
  document.save(text, "  ");
  return text.str();
}

}  // namespace hilum::cli::junit
