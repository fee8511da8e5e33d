// SPDX-License-Identifier: Apache-2.0
#include <cctype>
#include <charconv>

#include "core/runs/ask/where.hpp"

namespace hilum::runs {
namespace {

struct Token {
  enum class Kind { word, text, sign, end } kind = Kind::end;  // text: was in quotes
  std::string text;
  size_t at = 0;
};

bool is_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) || byte >= 0x80 ||
         std::string_view("_.-+:*%/@").find(c) != std::string_view::npos;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

class Tokens {
 public:
  explicit Tokens(const std::string& text) : text_(text) { next(); }
  const Token& now() const { return now_; }
  bool is(const char* word) const {
    return (now_.kind == Token::Kind::sign && now_.text == word) ||
           (now_.kind == Token::Kind::word && lower(now_.text) == word);
  }
  bool take(const char* word) { return is(word) && (next(), true); }
  Token pop() {
    Token token = now_;
    next();
    return token;
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw asked_error({text_}, now_.at, what);
  }

 private:
  void next() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    now_ = {Token::Kind::end, "", at_};
    if (at_ == text_.size()) return;
    const char c = text_[at_];
    if (c == '\'' || c == '"') return quoted(c);
    if (is_word(c)) {
      now_.kind = Token::Kind::word;
      while (at_ < text_.size() && is_word(text_[at_])) now_.text += text_[at_++];
      return;
    }
    now_.kind = Token::Kind::sign;
    for (const std::string_view sign : {"==", "!=", "<>", "<=", ">=", "=", "<", ">", "(", ")", ","})
      if (text_.compare(at_, sign.size(), sign) == 0) {
        now_.text = sign, at_ += sign.size();
        return;
      }
    fail(std::string("unexpected '") + c + "'. Quote values with special characters: name = 'a&b'");
  }
  void quoted(char quote) {  // a doubled quote stands for one
    now_.kind = Token::Kind::text;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == quote && (at_ + 1 == text_.size() || text_[at_ + 1] != quote)) {
        ++at_;
        return;
      }
      if (text_[at_] == quote) ++at_;
      now_.text += text_[at_];
    }
    fail(std::string("the quote ") + quote + " is not closed");
  }

  const std::string& text_;
  size_t at_ = 0;
  Token now_;
};

class Parser {
 public:
  explicit Parser(const std::string& text) : tokens_(text) {}
  Expression all() {
    if (tokens_.now().kind == Token::Kind::end) tokens_.fail("nothing to compare");
    Expression whole = disjunction();
    if (tokens_.now().kind != Token::Kind::end)
      tokens_.fail("expected 'and', 'or' or the end, not '" + tokens_.now().text + "'");
    return whole;
  }

 private:
  using Kind = Expression::Kind;
  Expression chain(Kind kind, const char* word, Expression (Parser::*part)()) {
    Expression first = (this->*part)();
    if (!tokens_.is(word)) return first;
    Expression list{kind, {}, {std::move(first)}};
    while (tokens_.take(word)) list.children.push_back((this->*part)());
    return list;
  }
  Expression disjunction() { return chain(Kind::disjunction, "or", &Parser::conjunction); }
  Expression conjunction() { return chain(Kind::conjunction, "and", &Parser::negation); }
  Expression negation() {
    if (++depth_ > 200) tokens_.fail("nested too deeply");
    Expression result;
    if (tokens_.take("not")) {
      result = {Kind::negation, {}, {negation()}};
    } else if (tokens_.take("(")) {
      result = disjunction();
      if (!tokens_.take(")")) tokens_.fail("expected ')'");
    } else {
      result = comparison();
    }
    --depth_;
    return result;
  }
  Expression comparison() {
    if (tokens_.now().kind != Token::Kind::word)
      tokens_.fail("expected a name such as dice, status or train.lr");
    const Token name = tokens_.pop();
    Expression result{Kind::comparison, {name.text, "", {}, name.at}, {}};
    Comparison& c = result.comparison;
    const bool negated = tokens_.take("not");
    if (tokens_.take("like")) {
      c.op = "like", c.values = {literal()};
    } else if (tokens_.take("in")) {
      c.op = "in", c.values = list();
    } else if (negated) {
      tokens_.fail("expected 'like' or 'in' after 'not'");
    } else if (!sign(c.op) && lower(c.name) == "dirty") {
      c.op = "=", c.values = {{"1", 1, true}};  // the one column that is a yes or no by itself
    } else if (c.op.empty()) {
      tokens_.fail("expected = != < <= > >= like or in after '" + c.name + "'");
    } else {
      c.values = {literal()};
    }
    return negated ? Expression{Kind::negation, {}, {std::move(result)}} : result;
  }
  bool sign(std::string& op) {
    for (const char* known : {"=", "==", "!=", "<>", "<=", ">=", "<", ">"})
      if (tokens_.take(known)) {
        op = known;
        if (op == "==") op = "=";
        if (op == "<>") op = "!=";
        return true;
      }
    return false;
  }
  std::vector<Literal> list() {
    if (!tokens_.take("(")) tokens_.fail("expected '(' after 'in'");
    std::vector<Literal> values{literal()};
    while (tokens_.take(",")) values.push_back(literal());
    if (!tokens_.take(")")) tokens_.fail("expected ',' or ')'");
    return values;
  }
  Literal literal() {
    const bool quoted = tokens_.now().kind == Token::Kind::text;
    if (!quoted && tokens_.now().kind != Token::Kind::word)
      tokens_.fail("expected a number or a text");
    Literal value{tokens_.pop().text};
    const char* end = value.text.data() + value.text.size();
    const char* start = value.text.data() + (value.text.size() > 1 && value.text[0] == '+');
    const auto [rest, error] = std::from_chars(start, end, value.number);
    value.is_number = !quoted && error == std::errc() && rest == end;
    return value;
  }

  Tokens tokens_;
  int depth_ = 0;
};

}  // namespace

Error asked_error(const Asked& asked, size_t at, const std::string& what) {
  return Error(asked.option + ", column " + std::to_string(at + 1) + ": " + what + "\n  " +
                   asked.text + "\n  " + std::string(at, ' ') + "^",
               Fault::request);
}

Expression parse_where(const std::string& text) { return Parser(text).all(); }

}  // namespace hilum::runs
