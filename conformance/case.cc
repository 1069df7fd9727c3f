#include "conformance/case.h"

#include <algorithm>
#include <array>
#include <regex>
#include <set>

#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/yaml.h"

namespace k8s::conformance {
namespace {

// A verb, and the member without which its call says nothing.
struct KnownVerb {
  const char* name;
  const char* needs;
};
constexpr std::array kVerbs = {KnownVerb{"get", "resource"},
                               KnownVerb{"list", "resource"},
                               KnownVerb{"watch", "resource"},
                               KnownVerb{"create", "resource"},
                               KnownVerb{"update", "resource"},
                               KnownVerb{"patch", "resource"},
                               KnownVerb{"delete", "resource"},
                               KnownVerb{"deletecollection", "resource"},
                               KnownVerb{"raw", "path"},
                               KnownVerb{"logs", nullptr},
                               KnownVerb{"request", "method"},
                               KnownVerb{"updateStatus", "resource"},
                               KnownVerb{"apply", "resource"},
                               KnownVerb{"applyStatus", "resource"},
                               KnownVerb{"getScale", "resource"},
                               KnownVerb{"updateScale", "resource"},
                               KnownVerb{"bind", "name"},
                               KnownVerb{"evict", "name"},
                               KnownVerb{"createToken", "name"},
                               KnownVerb{"proxyGet", "name"},
                               KnownVerb{"retryWatch", "resource"},
                               KnownVerb{"serverVersion", nullptr},
                               KnownVerb{"serverGroups", nullptr},
                               KnownVerb{"serverResources", "groupVersion"},
                               KnownVerb{"serverGroupsAndResources", nullptr},
                               KnownVerb{"serverPreferredResources", nullptr}};
// Members of a call that a driver may lack though it has the verb.
constexpr std::array kCallFeatures = {"maxRetries", "readOnce", "cached"};
constexpr int64_t kMaxTimes = 1000;
constexpr int64_t kMaxParallel = 100;

template <class T>
Result<T> Strictly(const Value& value) {
  T object;
  std::vector<std::string> strict;
  auto decoded = DecodeJson(ToJson(value), TypeOf<T>(), &object, nullptr, &strict);
  if (!decoded) return decoded.error();
  if (!strict.empty()) return Invalid(Join(strict, ", "));
  return object;
}

Result<std::vector<std::string>> ReadProves(const Value* value) {
  std::vector<std::string> out;
  if (value != nullptr && value->is_string()) out.push_back(value->string());
  if (value != nullptr && value->is_array()) {
    for (const Value& one : value->array()) {
      if (!one.is_string()) return Invalid("proves: a statement is a text such as C-4.2");
      out.push_back(one.string());
    }
  }
  if (out.empty()) return Invalid("proves: names no statement");
  return out;
}

// What Strictly does not see: that a step is one call, and that its call is complete.
Result<void> CheckStep(const Value& step) {
  const auto is_there = [&](const KnownVerb& verb) { return step.Find(verb.name) != nullptr; };
  if (std::count_if(kVerbs.begin(), kVerbs.end(), is_there) != 1)
    return Invalid("a step has exactly one verb");
  const KnownVerb& verb = *std::find_if(kVerbs.begin(), kVerbs.end(), is_there);
  if (verb.needs != nullptr && step.StringAt({verb.name, verb.needs}).empty())
    return Invalid(Cat(verb.name, ".", verb.needs, " is missing"));
  if (step.IntAt({"times"}, 1) < 1 || step.IntAt({"times"}, 1) > kMaxTimes)
    return Invalid(Cat("times must be from 1 to ", std::to_string(kMaxTimes)));
  if (step.IntAt({"parallel"}, 2) < 2 || step.IntAt({"parallel"}, 2) > kMaxParallel)
    return Invalid(Cat("parallel must be from 2 to ", std::to_string(kMaxParallel)));
  return {};
}

Result<void> ReadSteps(const Value& document, Case& out) {
  out.steps = Value::MakeArray();
  const Value* when = document.Find("when");
  if (when == nullptr || !when->is_array() || when->array().empty())
    return Invalid("when: a case has at least one step");
  for (size_t i = 0; i < when->array().size(); ++i) {
    Value step = when->array()[i];
    if (auto good = CheckStep(step); !good)
      return good.error().Within(Cat("when[", std::to_string(i), "]"));
    const int64_t times = step.IntAt({"times"}, 1);
    step.Remove("times");
    for (int64_t n = 0; n < times; ++n) out.steps.Append(step);
  }
  return {};
}

Result<void> CheckThen(const Case& one) {
  if (one.story.then.empty()) return Invalid("then: a case expects something");
  const auto steps = static_cast<int64_t>(one.steps.array().size());
  for (size_t i = 0; i < one.story.then.size(); ++i) {
    const auto& wanted = one.story.then[i];
    const std::string place = Cat("then[", std::to_string(i), "]");
    if (wanted.step < 0 || wanted.step > steps)
      return Invalid(Cat(place, ".step: there is no step ", std::to_string(wanted.step)));
    if (!wanted.exchanges) continue;
    const auto exchanges = ParseJson(wanted.exchanges->raw);
    if (!exchanges) return exchanges.error().Within(place);
    if (exchanges->is_int()) continue;
    if (!exchanges->is_array()) return Invalid(Cat(place, ".exchanges: a number or a list"));
    for (const Value& exchange : exchanges->array()) {
      if (auto good = ParseExchange(exchange); !good)
        return good.error().Within(Cat(place, ".exchanges"));
    }
  }
  return {};
}

Result<void> CheckChanges(const Case& one) {
  for (size_t i = 0; i < one.story.meanwhile.size(); ++i) {
    const auto& change = one.story.meanwhile[i];
    const int kinds = int{change.create.has_value()} + int{change.update.has_value()} +
                      int{change.delete_.has_value()} + int{change.compact} +
                      int{!change.files.empty()};
    if (change.after < 1 || kinds != 1) {
      return Invalid(
          Cat("meanwhile[", std::to_string(i),
              "]: after which exchange, and one of create, update, delete, compact, files"));
    }
  }
  return {};
}

Result<Case> Read(std::string_view name, const Value& document) {
  Case out;
  out.name = name;
  out.area = name.substr(0, name.find('/'));
  auto story = Strictly<casesv1::Case>(document);
  if (!story) return story.error();
  out.story = *std::move(story);
  auto proves = ReadProves(document.Find("proves"));
  if (!proves) return proves.error();
  out.proves = *std::move(proves);
  if (auto read = ReadSteps(document, out); !read) return read.error();
  if (auto good = CheckThen(out); !good) return good.error();
  if (auto good = CheckChanges(out); !good) return good.error();
  const Value* config = document.Find("config");
  out.config = config != nullptr && config->is_object() ? *config : Value::MakeObject();
  const Value* given = document.Find("given");
  out.given = given != nullptr && given->is_array() ? *given : Value::MakeArray();
  const Value* changes = document.Find("meanwhile");
  out.changes = changes != nullptr && changes->is_array() ? *changes : Value::MakeArray();
  if (const Value* faults = document.Find("faults")) out.faults = ToJson(*faults);
  return out;
}

// One row of a table, put into the file around it: $(column) in a text is its text, and a text that
// is nothing else becomes the value itself. Where the row has no such column the member is left
// out, and so is an object of which nothing is left.
class Row {
 public:
  Row(const Value& columns, const std::set<std::string>& known)
      : columns_(columns), known_(known) {}

  std::optional<Value> In(const Value& value) {
    if (value.is_string()) return InText(value.string());
    if (value.is_object()) {
      Value out = Value::MakeObject();
      for (const auto& [name, member] : value.object()) {
        if (auto put = In(member)) out.Set(name, *std::move(put));
      }
      if (out.object().empty() && !value.object().empty()) return std::nullopt;
      return out;
    }
    if (!value.is_array()) return value;
    Value out = Value::MakeArray();
    for (const Value& member : value.array()) {
      if (auto put = In(member)) out.Append(*std::move(put));
    }
    return out;
  }
  const std::set<std::string>& used() const { return used_; }

 private:
  std::optional<Value> InText(std::string text) {
    for (const std::string& name : known_) {
      const std::string mark = Cat("$(", name, ")");
      if (text.find(mark) == text.npos) continue;
      used_.insert(name);
      const Value* column = columns_.Find(name);
      if (text == mark) return column != nullptr ? std::optional(*column) : std::nullopt;
      const std::string by = column == nullptr     ? ""
                             : column->is_string() ? column->string()
                                                   : ToJson(*column);
      for (size_t at = 0; (at = text.find(mark, at)) != text.npos; at += by.size())
        text.replace(at, mark.size(), by);
    }
    return text;
  }

  const Value& columns_;
  const std::set<std::string>& known_;
  std::set<std::string> used_;
};

Result<std::vector<Case>> ReadTable(std::string_view name, Value document) {
  const Value table = *document.Find("table");
  document.Remove("table");
  if (!table.is_array() || table.array().empty()) return Invalid("table: a list of rows");
  std::set<std::string> columns, used, names;
  for (const Value& row : table.array()) {
    if (!row.is_object() || !names.insert(std::string(row.StringAt({"name"}))).second ||
        names.contains(""))
      return Invalid("table: every row has a name of its own");
    for (const auto& [column, value] : row.object()) columns.insert(column);
  }
  std::vector<Case> out;
  for (const Value& columns_of_row : table.array()) {
    const std::string row_name(columns_of_row.StringAt({"name"}));
    Row row(columns_of_row, columns);
    auto one = Read(Cat(name, ".", row_name), *row.In(document));
    if (!one) return one.error().Within(Cat("row ", row_name));
    used.insert(row.used().begin(), row.used().end());
    out.push_back(*std::move(one));
  }
  for (const std::string& column : columns) {
    if (column != "name" && !used.contains(column))
      return Invalid(Cat("table: $(", column, ") does not occur"));
  }
  return out;
}

Result<std::vector<Case>> ReadAll(std::string_view name, std::string_view text) {
  auto documents = ParseYaml(text);
  if (!documents) return documents.error();
  if (documents->size() != 1 || !documents->front().value.is_object())
    return Invalid("a case is one document, an object");
  if (!documents->front().duplicates.empty())
    return Invalid(Join(documents->front().duplicates, ", "));
  const Value& document = documents->front().value;
  if (document.Find("table") != nullptr) return ReadTable(name, document);
  auto one = Read(name, document);
  if (!one) return one.error();
  return std::vector<Case>{*std::move(one)};
}

}  // namespace

std::string VerbOf(const Value& step) {
  for (const KnownVerb& verb : kVerbs) {
    if (step.Find(verb.name) != nullptr) return verb.name;
  }
  return "";
}

Result<casesv1::CaseExchange> ParseExchange(const Value& value) {
  auto exchange = Strictly<casesv1::CaseExchange>(value);
  if (!exchange) return exchange;
  for (const auto& [name, pattern] : exchange->matches) {
    try {
      const std::regex compiled(pattern);
    } catch (const std::regex_error&) {
      return Invalid(Cat("matches.", name, ": no regular expression"));
    }
  }
  return exchange;
}

std::vector<std::string> FeaturesOf(const Case& one) {
  std::set<std::string> out;
  for (const Value& step : one.steps.array()) {
    if (step.Find("parallel") != nullptr) out.insert("parallel");
    for (const char* feature : kCallFeatures) {
      if (step.Find(VerbOf(step))->Find(feature) != nullptr) out.insert(feature);
    }
  }
  const std::string_view client = one.config.StringAt({"client"});
  if (client == "metadata" || client == "scale") out.insert(Cat(client, "Client"));
  for (const auto& wanted : one.story.then) {
    if (wanted.metadata) out.insert("listMetadata");
  }
  return {out.begin(), out.end()};
}

Result<std::vector<Case>> ParseCases(std::string_view name, std::string_view text) {
  auto read = ReadAll(name, text);
  if (!read) return read.error().Within(Cat(name, ".yaml"));
  return read;
}

Result<Case> ParseCase(std::string_view name, std::string_view text) {
  auto read = ParseCases(name, text);
  if (!read) return read.error();
  if (read->size() != 1) return Invalid(Cat(name, ".yaml: has a table"));
  return std::move(read->front());
}

Result<std::vector<Case>> LoadCases(const Host& host, const std::string& folder) {
  std::vector<Case> out;
  auto areas = host.ListDirectory(folder);
  if (!areas) return areas.error();
  for (const std::string& area : *areas) {
    if (!host.IsDirectory(Cat(folder, "/", area))) continue;
    auto files = host.ListDirectory(Cat(folder, "/", area));
    if (!files) return files.error();
    for (const std::string& file : *files) {
      if (!file.ends_with(".yaml")) continue;
      auto text = host.ReadFile(Cat(folder, "/", area, "/", file));
      if (!text) return text.error();
      const std::string name = Cat(area, "/", file.substr(0, file.size() - 5));
      auto cases = ParseCases(name, *text);
      if (cases) {
        std::move(cases->begin(), cases->end(), std::back_inserter(out));
      } else {
        out.push_back({.area = area, .name = name, .malformed = cases.error().message()});
      }
    }
  }
  return out;
}

Result<void> CheckStatement(std::string_view statements, std::string_view id) {
  const size_t dot = id.find('.');
  const auto number = dot == id.npos ? std::nullopt : ParseInt(id.substr(dot + 1));
  for (const std::string_view line : Split(statements, '\n')) {
    const auto words = Split(line, ' ');
    if (words.size() != 2 || words[0] != id.substr(0, dot)) continue;
    const auto last = ParseInt(words[1]);
    if (number && last && *number >= 1 && *number <= *last) return {};
  }
  return Invalid(Cat(id, " is no statement of the specification"));
}

}  // namespace k8s::conformance
