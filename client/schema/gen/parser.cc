#include "parser.h"

#include <set>

#include "k8s/base/strings.h"

namespace k8s::gen {
namespace {

const std::set<std::string_view> kKnownAttributes = {
    "package", "accessor",    "openapi",  "served",  "resource",      "client", "singular",
    "short",   "categories",  "scope",    "list",    "verbs",         "extra",  "kind",
    "methods", "transparent", "union",    "struct",  "discriminator", "oneof",  "outer",
    "always",  "omitzero",    "required", "default", "enum",          "patch",  "key",
    "keys",    "map",         "nullable", "format"};

class Parser {
 public:
  Parser(std::string_view file_name, std::string_view text) : file_name_(file_name), text_(text) {}

  Result<FileFacts> Run() {
    while (!text_.empty()) {
      const size_t end = text_.find('\n');
      const std::string_view line = text_.substr(0, end);
      text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
      ++line_number_;
      if (Trim(line).empty() || line[0] == '#') continue;
      if (auto done = Line(line); !done) return done.error();
    }
    if (file_.Package().empty()) return Fail("the file has no group line with a package");
    return std::move(file_);
  }

 private:
  Error Fail(std::string_view what) const {
    return ConfigError(Cat(file_name_, ":", std::to_string(line_number_), ": ", what));
  }

  // Words are separated by blanks; blanks inside a JSON string or a JSON value do not count.
  static std::vector<std::string> Words(std::string_view line) {
    std::vector<std::string> words;
    bool quoted = false, in_word = false;
    for (size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (quoted && c == '\\') {
        words.back() += c;
        words.back() += line[++i];
        continue;
      }
      if (c == '"') quoted = !quoted;
      if (c == ' ' && !quoted) {
        in_word = false;
        continue;
      }
      if (!in_word) words.emplace_back();
      in_word = true;
      words.back() += c;
    }
    return words;
  }

  Result<Attributes> ReadAttributes(const std::vector<std::string>& words, size_t from) const {
    Attributes attributes;
    for (size_t i = from; i < words.size(); ++i) {
      const size_t equals = words[i].find('=');
      const std::string key = words[i].substr(0, equals);
      std::string value = equals == std::string::npos ? "" : words[i].substr(equals + 1);
      if (!kKnownAttributes.contains(key)) return Fail(Cat("unknown attribute ", Quote(key)));
      // Everywhere but in default=, quotes only hold a value together.
      if (key != "default" && value.size() >= 2 && value.front() == '"') {
        value = value.substr(1, value.size() - 2);
      }
      attributes.values.emplace(key, std::move(value));
    }
    return attributes;
  }

  Result<void> Line(std::string_view line) {
    const std::vector<std::string> words = Words(line);
    if (line[0] == ' ') return Row(words);
    if (words[0] == "group") return Group(words);
    if (words[0] == "use") {
      file_.uses.assign(words.begin() + 1, words.end());
      return {};
    }
    if (words[0] != "kind" && words[0] != "type")
      return Fail(Cat("unknown line ", Quote(words[0])));
    if (words.size() < 2) return Fail("a name is missing");
    auto attributes = ReadAttributes(words, 2);
    if (!attributes) return attributes.error();
    TypeFacts& type = file_.types.emplace_back();
    type.name = words[1];
    type.is_kind = words[0] == "kind";
    type.attributes = *std::move(attributes);
    return {};
  }

  Result<void> Group(const std::vector<std::string>& words) {
    if (words.size() < 2) return Fail("the group version is missing");
    const size_t slash = words[1].find('/');
    file_.group = slash == std::string::npos ? "" : words[1].substr(0, slash);
    file_.version = slash == std::string::npos ? words[1] : words[1].substr(slash + 1);
    auto attributes = ReadAttributes(words, 2);
    if (!attributes) return attributes.error();
    file_.attributes = *std::move(attributes);
    return {};
  }

  Result<void> Row(const std::vector<std::string>& words) {
    if (file_.types.empty()) return Fail("a row outside of a kind or type");
    TypeFacts& type = file_.types.back();
    if (words[0] == "sub") {
      if (words.size() < 2) return Fail("the subresource has no name");
      auto attributes = ReadAttributes(words, 2);
      if (!attributes) return attributes.error();
      type.subresources.push_back({words[1], *std::move(attributes)});
      return {};
    }
    if (words.size() < 3) return Fail("a row needs a number, a name and a type");
    FieldFacts field;
    const auto number = ParseInt(words[0]);
    if (!number || *number < 0 || *number > 0xffff) {
      return Fail(Cat(Quote(words[0]), " is no field number"));
    }
    field.number = static_cast<int>(*number);
    field.name = words[1];
    field.element = words[2];
    if (field.element.starts_with("[]")) {
      field.shape = FieldFacts::Shape::kList;
      field.element.erase(0, 2);
    } else if (field.element.starts_with("map[")) {
      field.shape = FieldFacts::Shape::kMap;
      field.element = field.element.substr(4, field.element.size() - 5);
    } else if (field.element.ends_with("?")) {
      field.shape = FieldFacts::Shape::kOptional;
      field.element.pop_back();
    }
    auto attributes = ReadAttributes(words, 3);
    if (!attributes) return attributes.error();
    field.attributes = *std::move(attributes);
    type.fields.push_back(std::move(field));
    return {};
  }

  std::string_view file_name_;
  std::string_view text_;
  int line_number_ = 0;
  FileFacts file_;
};

}  // namespace

Result<FileFacts> ParseFacts(std::string_view file_name, std::string_view text) {
  return Parser(file_name, text).Run();
}

}  // namespace k8s::gen
