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
    if (file_.Package().empty()) {
      return Fail("the file has no package: begin it with group NAME/VERSION package=NAME");
    }
    return std::move(file_);
  }

 private:
  Error Fail(std::string_view what) const {
    return ConfigError(Cat(file_name_, ":", std::to_string(line_number_), ": ", what));
  }

  // Words are separated by blanks; blanks inside a JSON string or a JSON value do not count.
  Result<std::vector<std::string>> Words(std::string_view line) const {
    std::vector<std::string> words;
    bool quoted = false, in_word = false;
    for (size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (quoted && c == '\\' && i + 1 < line.size()) {
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
    if (quoted) return Fail("a quote is not closed on this line");
    return words;
  }

  Result<Attributes> ReadAttributes(const std::vector<std::string>& words, size_t from) const {
    Attributes attributes;
    for (size_t i = from; i < words.size(); ++i) {
      const size_t equals = words[i].find('=');
      const std::string key = words[i].substr(0, equals);
      std::string value = equals == std::string::npos ? "" : words[i].substr(equals + 1);
      if (!kKnownAttributes.contains(key)) {
        return Fail(Cat("unknown attribute ", Quote(key), ": GRAMMAR.md lists those there are"));
      }
      // Everywhere but in default=, quotes only hold a value together.
      if (key != "default" && value.size() >= 2 && value.front() == '"') {
        value = value.substr(1, value.size() - 2);
      }
      if (!attributes.values.emplace(key, std::move(value)).second) {
        return Fail(Cat("attribute ", Quote(key), " is there twice: keep one"));
      }
    }
    return attributes;
  }

  Result<void> Line(std::string_view line) {
    const auto split = Words(line);
    if (!split) return split.error();
    const std::vector<std::string>& words = *split;
    if (line[0] == ' ') return Row(words);
    if (words[0] == "group") return Group(words);
    if (words[0] == "use") {
      file_.uses.assign(words.begin() + 1, words.end());
      return {};
    }
    if (words[0] != "kind" && words[0] != "type") {
      return Fail(Cat("unknown line ", Quote(words[0]),
                      ": a line is group, use, kind or type, and a row is indented by two spaces"));
    }
    if (words.size() < 2) return Fail(Cat("a name is missing: write ", words[0], " NAME"));
    for (const TypeFacts& other : file_.types) {
      if (other.name == words[1]) return Fail(Cat(words[1], " is there twice: rename one"));
    }
    auto attributes = ReadAttributes(words, 2);
    if (!attributes) return attributes.error();
    TypeFacts& type = file_.types.emplace_back();
    type.name = words[1];
    type.is_kind = words[0] == "kind";
    type.attributes = *std::move(attributes);
    return {};
  }

  Result<void> Group(const std::vector<std::string>& words) {
    if (words.size() < 2) {
      return Fail("the group version is missing: write group NAME/VERSION package=NAME");
    }
    const size_t slash = words[1].find('/');
    file_.group = slash == std::string::npos ? "" : words[1].substr(0, slash);
    file_.version = slash == std::string::npos ? words[1] : words[1].substr(slash + 1);
    auto attributes = ReadAttributes(words, 2);
    if (!attributes) return attributes.error();
    file_.attributes = *std::move(attributes);
    return {};
  }

  Result<void> Row(const std::vector<std::string>& words) {
    if (file_.types.empty()) return Fail("a row outside of a kind or type: put that line first");
    TypeFacts& type = file_.types.back();
    if (words[0] == "sub") {
      if (words.size() < 2) return Fail("the subresource has no name: write sub NAME");
      auto attributes = ReadAttributes(words, 2);
      if (!attributes) return attributes.error();
      type.subresources.push_back({words[1], *std::move(attributes)});
      return {};
    }
    if (words.size() < 3) {
      return Fail("a row needs a number, a name and a type: write 1 spec MachineSpec");
    }
    FieldFacts field;
    const auto number = ParseInt(words[0]);
    if (!number || *number < 0 || *number > 0xffff) {
      return Fail(Cat(Quote(words[0]),
                      " is no field number: write one from 1 to 65535, or 0 where ",
                      "there is no protobuf form"));
    }
    field.number = static_cast<int>(*number);
    field.name = words[1];
    for (const FieldFacts& other : type.fields) {
      if (other.name == field.name) {
        return Fail(Cat(type.name, ".", field.name, " is there twice: rename one"));
      }
    }
    if (auto done = Type(words[2], field); !done) return done;
    auto attributes = ReadAttributes(words, 3);
    if (!attributes) return attributes.error();
    field.attributes = *std::move(attributes);
    type.fields.push_back(std::move(field));
    return {};
  }

  // T, T?, []T or map[T].
  Result<void> Type(std::string_view type, FieldFacts& field) const {
    std::string_view element = type;
    if (type.starts_with("[]")) {
      field.shape = FieldFacts::Shape::kList;
      element.remove_prefix(2);
    } else if (type.starts_with("map[") && type.ends_with("]")) {
      field.shape = FieldFacts::Shape::kMap;
      element = type.substr(4, type.size() - 5);
    } else if (type.ends_with("?")) {
      field.shape = FieldFacts::Shape::kOptional;
      element.remove_suffix(1);
    }
    if (element.empty() || element.find_first_of("[]?") != std::string_view::npos) {
      return Fail(Cat(Quote(type), " is no type: write T, T?, []T or map[T]"));
    }
    field.element = element;
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
