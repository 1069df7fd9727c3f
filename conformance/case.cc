#include "conformance/case.h"

#include <algorithm>
#include <array>

#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/yaml.h"

namespace k8s::conformance {
namespace {

constexpr std::array kVerbs = {"get",    "list",  "watch",  "create",
                               "update", "patch", "delete", "deletecollection",
                               "raw",    "logs"};
constexpr int64_t kMaxTimes = 1000;

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
  const auto is_verb = [&](const char* verb) { return step.Find(verb) != nullptr; };
  if (std::count_if(kVerbs.begin(), kVerbs.end(), is_verb) != 1)
    return Invalid("a step has exactly one verb");
  const std::string verb = VerbOf(step);
  const Value& call = *step.Find(verb);
  if (verb == "raw") {
    if (call.StringAt({"path"}).empty()) return Invalid("raw.path is missing");
  } else if (verb != "logs" && call.StringAt({"resource"}).empty()) {
    return Invalid(Cat(verb, ".resource is missing"));
  }
  if (step.IntAt({"times"}, 1) < 1 || step.IntAt({"times"}, 1) > kMaxTimes)
    return Invalid(Cat("times must be from 1 to ", std::to_string(kMaxTimes)));
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

Result<Case> Read(std::string_view name, std::string_view text) {
  auto documents = ParseYaml(text);
  if (!documents) return documents.error();
  if (documents->size() != 1 || !documents->front().value.is_object())
    return Invalid("a case is one document, an object");
  if (!documents->front().duplicates.empty())
    return Invalid(Join(documents->front().duplicates, ", "));
  const Value& document = documents->front().value;
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
  const Value* config = document.Find("config");
  out.config = config != nullptr && config->is_object() ? *config : Value::MakeObject();
  const Value* given = document.Find("given");
  out.given = given != nullptr && given->is_array() ? *given : Value::MakeArray();
  if (const Value* faults = document.Find("faults")) out.faults = ToJson(*faults);
  return out;
}

}  // namespace

std::string VerbOf(const Value& step) {
  for (const char* verb : kVerbs) {
    if (step.Find(verb) != nullptr) return verb;
  }
  return "";
}

Result<casesv1::CaseExchange> ParseExchange(const Value& value) {
  return Strictly<casesv1::CaseExchange>(value);
}

Result<Case> ParseCase(std::string_view name, std::string_view text) {
  auto read = Read(name, text);
  if (!read) return read.error().Within(Cat(name, ".yaml"));
  return read;
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
      auto one = ParseCase(name, *text);
      if (one) {
        out.push_back(*std::move(one));
      } else {
        out.push_back({.area = area, .name = name, .malformed = one.error().message()});
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
