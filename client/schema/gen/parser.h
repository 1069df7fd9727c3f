#pragma once

// Reads facts files (../GRAMMAR.md) into plain values. Pure but for the text it is given; errors
// name the file and the line.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/base/result.h"

namespace k8s::gen {

struct Attributes {
  std::map<std::string, std::string, std::less<>> values;  // a bare flag has the value ""
  bool Has(std::string_view key) const { return values.find(key) != values.end(); }
  // "" when it is not there.
  const std::string& Get(std::string_view key) const {
    static const std::string kAbsent;
    const auto found = values.find(key);
    return found == values.end() ? kAbsent : found->second;
  }
};

struct FieldFacts {
  int number = 0;
  std::string name;
  std::string element;  // the type without [], map[] and ?
  enum class Shape { kOne, kOptional, kList, kMap } shape = Shape::kOne;
  Attributes attributes;
};

struct SubresourceFacts {
  std::string name;
  Attributes attributes;
};

struct TypeFacts {
  std::string name;
  bool is_kind = false;
  Attributes attributes;
  std::vector<FieldFacts> fields;
  std::vector<SubresourceFacts> subresources;
};

struct FileFacts {
  std::string group, version;
  Attributes attributes;          // of the group line
  std::vector<std::string> uses;  // packages
  std::vector<TypeFacts> types;
  std::string Package() const { return attributes.Get("package"); }
  std::string ApiVersion() const { return group.empty() ? version : group + "/" + version; }
};

Result<FileFacts> ParseFacts(std::string_view file_name, std::string_view text);

}  // namespace k8s::gen
