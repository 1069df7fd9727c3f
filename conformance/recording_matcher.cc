#include "conformance/recording_matcher.h"

#include <algorithm>
#include <optional>
#include <regex>

#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::conformance {
namespace {

constexpr size_t kShownBytes = 300;

struct Placeholder {
  size_t at = 0;
  std::string text{};  // "<uid:1>"
  std::string kind{};
  int64_t number = 0;
};

std::optional<Placeholder> FindPlaceholder(std::string_view text, size_t from) {
  static const std::set<std::string, std::less<>> kKinds = {
      "rv", "listrv", "uid",  "time",    "age",   "name",  "continue",
      "ip", "port",   "hash", "address", "token", "number"};
  for (size_t at = text.find('<', from); at != text.npos; at = text.find('<', at + 1)) {
    const size_t colon = text.find(':', at), end = text.find('>', at);
    if (end == text.npos || colon > end) continue;
    const std::string_view kind = text.substr(at + 1, colon - at - 1);
    const auto number = ParseInt(text.substr(colon + 1, end - colon - 1));
    if (!number || !kKinds.contains(kind)) continue;
    return Placeholder{at, std::string(text.substr(at, end - at + 1)), std::string(kind), *number};
  }
  return std::nullopt;
}

std::optional<Placeholder> WholePlaceholder(std::string_view text) {
  auto found = FindPlaceholder(text, 0);
  return found && found->text == text ? found : std::nullopt;
}

bool HasShape(const std::string& kind, const std::string& text) {
  static const std::regex kDigits(R"(\d+)"), kAge(R"((?=\d)(\d+y)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?)"),
      kUid("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
      kTime(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z)"), kHash("[0-9A-F]{128}");
  const auto is = [&](const std::regex& shape) { return std::regex_match(text, shape); };
  if (kind == "rv" || kind == "listrv" || kind == "port") return is(kDigits);
  if (kind == "age") return is(kAge);
  if (kind == "uid") return is(kUid);
  if (kind == "time") return is(kTime);
  if (kind == "hash") return is(kHash);
  if (kind == "token") return text.starts_with("eyJ") && Split(text, '.').size() == 3;
  return !text.empty();
}

// The literals of a text with placeholders, and what stands between them in `got`; the shortest
// that fits, at least a byte each.
bool Spread(std::string_view got, const std::vector<std::string>& literals, size_t next,
            std::vector<std::string>& found) {
  const std::string& literal = literals[next];
  if (next + 1 == literals.size()) {
    if (got.size() <= literal.size() || !got.ends_with(literal)) return false;
    found.emplace_back(got.substr(0, got.size() - literal.size()));
    return true;
  }
  for (size_t at = got.find(literal, 1); at != got.npos; at = got.find(literal, at + 1)) {
    found.emplace_back(got.substr(0, at));
    if (Spread(got.substr(at + literal.size()), literals, next + 1, found)) return true;
    found.pop_back();
  }
  return false;
}

std::vector<std::string> Names(const Value& object) {
  std::vector<std::string> names;
  for (const auto& member : object.object()) names.push_back(member.first);
  return names;
}

std::string OwnerText(const Value& entry) {
  std::string text;
  for (std::string_view name : {"manager", "operation", "apiVersion", "subresource"})
    text += Cat(entry.StringAt({name}), "\n");
  return text;
}

// Orders that a real server takes from its clock or from a map, so that they mean nothing.
void SortWhereNoOrderIs(Value::Array& items, const std::string& where) {
  if (where.ends_with(".managedFields")) {
    std::stable_sort(items.begin(), items.end(),
                     [](const Value& a, const Value& b) { return OwnerText(a) < OwnerText(b); });
  }
  const auto is_conflict = [](const Value& cause) {
    return cause.StringAt({"reason"}) == "FieldManagerConflict";
  };
  if (where.ends_with(".causes") && std::all_of(items.begin(), items.end(), is_conflict)) {
    std::stable_sort(items.begin(), items.end(),
                     [](const Value& a, const Value& b) { return ToJson(a) < ToJson(b); });
  }
}

}  // namespace

std::string Show(const Value& value) {
  std::string text = ToJson(value);
  if (text.size() > kShownBytes) text = text.substr(0, kShownBytes) + "...";
  return text;
}

void RecordingMatcher::Match(const Value& want, const Value& got, const std::string& where,
                             bool fresh) {
  fresh_ = fresh;
  MatchValue(want, got, where);
}

void RecordingMatcher::Bind(const std::string& placeholder, const std::string& actual,
                            const std::string& where) {
  const std::string kind = WholePlaceholder(placeholder)->kind;
  if (kind == "number" || kind == "age") {
    if (!HasShape(kind == "number" ? "rv" : kind, actual))
      Complain(Cat(where, ": ", Quote(actual), " is no ", kind));
    return;
  }
  if (const auto before = bound_.find(placeholder); before != bound_.end()) {
    // Other writes happen between two lists.
    if (kind == "listrv" && fresh_ &&
        ParseInt(actual).value_or(0) >= ParseInt(before->second).value_or(0)) {
      later_.insert({placeholder, actual});
    } else if (before->second != actual && kind != "time" &&
               !later_.contains({placeholder, actual})) {
      Complain(Cat(where, ": ", placeholder, " was ", before->second, ", now ", actual));
    }
    return;
  }
  if (!HasShape(kind, actual)) Complain(Cat(where, ": ", Quote(actual), " is no ", kind));
  const auto [other, is_new] = taken_.insert({{kind, actual}, placeholder});
  if (!is_new && other->second != placeholder && kind != "time" && kind != "rv" && kind != "listrv")
    Complain(Cat(where, ": ", placeholder, " and ", other->second, " are both ", actual));
  bound_[placeholder] = actual;
}

void RecordingMatcher::MatchText(const std::string& want, const Value& got,
                                 const std::string& where) {
  if (WholePlaceholder(want)) {
    if (got.is_string() && !got.string().empty()) return Bind(want, got.string(), where);
    if (got.is_int()) return Bind(want, std::to_string(got.integer()), where);
    return Complain(Cat(where, ": want ", want, ", got ", Show(got)));
  }
  std::vector<std::string> placeholders, literals, found;
  size_t last = 0;
  std::string before;
  while (const auto next = FindPlaceholder(want, last)) {
    if (placeholders.empty()) {
      before = want.substr(0, next->at);
    } else {
      literals.push_back(want.substr(last, next->at - last));
    }
    placeholders.push_back(next->text);
    last = next->at + next->text.size();
  }
  literals.push_back(want.substr(last));
  if (!got.is_string() || !got.string().starts_with(before) ||
      !Spread(std::string_view(got.string()).substr(before.size()), literals, 0, found)) {
    return Complain(Cat(where, ": want ", Show(want), ", got ", Show(got)));
  }
  for (size_t i = 0; i < found.size(); ++i) Bind(placeholders[i], found[i], where);
}

void RecordingMatcher::MatchObject(const Value& want, const Value& got, const std::string& where) {
  const std::string base(want.StringAt({"generateName"}));
  if (!base.empty() && WholePlaceholder(want.StringAt({"name"}))) {
    const std::string name(got.StringAt({"name"})), start = base.substr(0, 58);
    if (!name.starts_with(start) || name.size() != start.size() + 5 ||
        name.find_first_not_of("bcdfghjklmnpqrstvwxz2456789", start.size()) != name.npos) {
      Complain(Cat(where, ".name: ", Quote(name), " is not generated from ", Quote(base)));
    }
  }
  std::vector<std::string> wanted = Names(want), there = Names(got);
  if (wanted != there) {
    auto a = wanted, b = there;
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    if (a == b) {
      Complain(
          Cat(where, ": members in the order ", Join(there, ", "), ", want ", Join(wanted, ", ")));
    }
  }
  for (const auto& [name, value] : want.object()) {
    if (const Value* member = got.Find(name)) {
      MatchValue(value, *member, Cat(where, ".", name));
    } else {
      Complain(Cat(where, ".", name, ": missing, want ", Show(value)));
    }
  }
  for (const auto& [name, value] : got.object()) {
    if (!want.Find(name)) Complain(Cat(where, ".", name, ": not expected, got ", Show(value)));
  }
}

void RecordingMatcher::MatchArray(Value::Array want, Value::Array got, const std::string& where) {
  SortWhereNoOrderIs(want, where);
  SortWhereNoOrderIs(got, where);
  if (want.size() != got.size()) {
    Complain(Cat(where, ": want ", std::to_string(want.size()), " items, got ",
                 std::to_string(got.size()), ": ", Show(got)));
  }
  for (size_t i = 0; i < want.size() && i < got.size(); ++i)
    MatchValue(want[i], got[i], Cat(where, "[", std::to_string(i), "]"));
}

void RecordingMatcher::MatchValue(const Value& want, const Value& got, const std::string& where) {
  if (want.is_string() && FindPlaceholder(want.string(), 0)) {
    MatchText(want.string(), got, where);
  } else if (want.is_object() && got.is_object()) {
    MatchObject(want, got, where);
  } else if (want.is_array() && got.is_array()) {
    MatchArray(want.array(), got.array(), where);
  } else if (!(want == got)) {
    Complain(Cat(where, ": want ", Show(want), ", got ", Show(got)));
  }
}

std::vector<std::string> RecordingMatcher::Finish() {
  struct Seen {
    int64_t rank, value;
    bool is_list;
    std::string placeholder;
  };
  std::vector<Seen> all, objects;
  for (const auto& [placeholder, actual] : bound_) {
    const auto parsed = WholePlaceholder(placeholder);
    const bool is_list = parsed->kind == "listrv";
    const auto value = ParseInt(actual);
    if (!value || (parsed->kind != "rv" && !is_list)) continue;
    all.push_back({parsed->number, *value, is_list, placeholder});
  }
  std::sort(all.begin(), all.end(), [](const Seen& a, const Seen& b) {
    return std::tie(a.rank, a.is_list, a.placeholder, a.value) <
           std::tie(b.rank, b.is_list, b.placeholder, b.value);
  });
  for (const Seen& one : all) {
    if (!one.is_list) objects.push_back(one);
  }
  std::set<std::string> said;
  for (const auto& list : {all, objects}) {
    for (size_t i = 1; i < list.size(); ++i) {
      const Seen &a = list[i - 1], &b = list[i];
      if (a.value < b.value || (a.value == b.value && (a.is_list || b.is_list))) continue;
      const std::string text = Cat(a.placeholder, " is ", std::to_string(a.value), " and ",
                                   b.placeholder, " is ", std::to_string(b.value));
      if (said.insert(text).second) Complain(text + ": out of order");
    }
  }
  return std::move(differences_);
}

}  // namespace k8s::conformance
