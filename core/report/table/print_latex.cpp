// SPDX-License-Identifier: Apache-2.0
#include <string_view>
#include <utility>

#include "core/report/table/print_parts.hpp"

namespace hilum::report {
namespace {

// What LaTeX takes for a command, and signs for which its usual fonts have no letter.
constexpr std::pair<std::string_view, std::string_view> kSigns[] = {{"\\", "\\textbackslash{}"},
                                                                    {"&", "\\&"},
                                                                    {"%", "\\%"},
                                                                    {"$", "\\$"},
                                                                    {"#", "\\#"},
                                                                    {"_", "\\_"},
                                                                    {"{", "\\{"},
                                                                    {"}", "\\}"},
                                                                    {"~", "\\textasciitilde{}"},
                                                                    {"^", "\\textasciicircum{}"},
                                                                    {"<", "$<$"},
                                                                    {">", "$>$"},
                                                                    {"|", "$|$"},
                                                                    {"\"", "''"},
                                                                    {"[", "{[}"},
                                                                    {"]", "{]}"},
                                                                    {"±", "$\\pm$"},
                                                                    {"×", "$\\times$"},
                                                                    {"–", "--"},
                                                                    {"—", "---"},
                                                                    {"−", "$-$"},
                                                                    {"≤", "$\\le$"},
                                                                    {"≥", "$\\ge$"},
                                                                    {"…", "\\dots{}"},
                                                                    {"²", "$^2$"},
                                                                    {"³", "$^3$"},
                                                                    {"α", "$\\alpha$"},
                                                                    {"β", "$\\beta$"},
                                                                    {"γ", "$\\gamma$"},
                                                                    {"δ", "$\\delta$"},
                                                                    {"ε", "$\\varepsilon$"},
                                                                    {"λ", "$\\lambda$"},
                                                                    {"μ", "$\\mu$"},
                                                                    {"µ", "$\\mu$"},
                                                                    {"σ", "$\\sigma$"},
                                                                    {"τ", "$\\tau$"},
                                                                    {"₁", "$_1$"},
                                                                    {"₂", "$_2$"},
                                                                    {"→", "$\\to$"},
                                                                    {"\n", " "}};

std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    bool found = false;
    for (const auto& [sign, command] : kSigns)
      if (text.starts_with(sign)) {
        out += command, text.remove_prefix(sign.size()), found = true;
        break;
      }
    if (!found) out += text.front(), text.remove_prefix(1);
  }
  return out;
}

// The interval smaller than the figure.
std::string in_latex(const Word& word) {
  const size_t rest = word.text.find(" [");
  std::string text = escaped(word.text.substr(0, rest));
  if (word.kind == Word::Kind::best) text = "\\textbf{" + text + "}";
  if (word.kind == Word::Kind::paper && !text.empty()) text = "\\textit{" + text + "}";
  if (rest == std::string::npos) return text;
  return text + " {\\scriptsize " + escaped(word.text.substr(rest + 1)) + "}";
}

std::string tabular(const std::vector<Word>& labels, const std::vector<Group>& groups, size_t begin,
                    size_t end) {
  const auto rows = side_by_side(labels, groups, begin, end);
  std::string text = "\\begin{tabular}{l" + std::string(rows[0].size() - 1, 'r') + "}\n\\toprule\n";
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t i = 0; i < rows[r].size(); ++i) text += (i > 0 ? " & " : "") + in_latex(rows[r][i]);
    text += r == 0 ? " \\\\\n\\midrule\n" : " \\\\\n";
  }
  return text + "\\bottomrule\n\\end{tabular}\n";
}

std::string tabulars(const std::vector<Word>& labels, const std::vector<Group>& groups) {
  std::string text;
  each_block(groups, [&](const std::string& block, size_t begin, size_t end) {
    if (begin > 0) text += "\\par\\medskip\n";
    if (!block.empty()) text += "\\noindent " + escaped(block) + "\\par\\smallskip\n";
    text += "\\noindent " + tabular(labels, groups, begin, end);
  });
  return text;
}

}  // namespace

std::string print_latex(const Sheet& sheet) {
  std::string text =
      "% \\usepackage[utf8]{inputenc}\\usepackage[T1]{fontenc}\\usepackage{booktabs}\n";
  text += "\\noindent\\textbf{" + escaped(sheet.title) + "}\\par\\medskip\n";
  text += tabulars(sheet.labels, sheet.groups);
  if (!sheet.compared.empty())
    text += "\\par\\medskip\n\\noindent " + escaped(sheet.versus) + "\\par\\smallskip\n" +
            tabulars(sheet.compared_labels, sheet.compared);
  text += "\\par\\medskip\n{\\footnotesize\n";
  for (const auto& line : sheet.head) text += "\\noindent " + escaped(line) + "\\par\n";
  for (const auto& [heading, lines] : sheet.notes) {
    text += "\\noindent\\textit{" + escaped(heading) + "}\\par\n";
    for (const auto& line : lines) text += "\\noindent " + escaped(line) + "\\par\n";
  }
  return text + "}\n";
}

}  // namespace hilum::report
