#include "fakeapiserver/internal_form.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <vector>

#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

std::string GoName(std::string_view name) {
  static const std::map<std::string_view, std::string_view> kOwnWay = {
      {"dnsPolicy", "DNSPolicy"},
      {"dnsConfig", "DNSConfig"},
      {"serviceAccount", "DeprecatedServiceAccount"},
      {"gcePersistentDisk", "GCEPersistentDisk"},
      {"awsElasticBlockStore", "AWSElasticBlockStore"},
      {"seLinuxOptions", "SELinuxOptions"},
      {"seLinuxChangePolicy", "SELinuxChangePolicy"},
      {"fsGroup", "FSGroup"},
      {"fsGroupChangePolicy", "FSGroupChangePolicy"},
      {"nfs", "NFS"},
      {"rbd", "RBD"},
      {"iscsi", "ISCSI"},
      {"fc", "FC"},
      {"csi", "CSI"},
      {"cephfs", "CephFS"},
      {"storageos", "StorageOS"},
      {"tty", "TTY"},
      {"os", "OS"},
      {"httpGet", "HTTPGet"},
      {"tcpSocket", "TCPSocket"},
      {"grpc", "GRPC"},
      {"ip", "IP"},
  };
  if (const auto own = kOwnWay.find(name); own != kOwnWay.end()) return std::string(own->second);
  std::string out(name);
  out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out;
}

// The types of metav1 are the same inside and outside.
bool HasOneForm(const TypeInfo& type) { return type.group_version->package == "metav1"; }

Value ZeroOf(const Field& field) {
  if (field.shape != Shape::kOne) return {};
  switch (field.kind) {
    case Kind::kBool:
      return false;
    case Kind::kString:
      return "";
    case Kind::kMessage:
      return HasOneForm(field.type()) ? Value::MakeObject()
                                      : InternalForm(Value::MakeObject(), field.type());
    case Kind::kTime:
    case Kind::kMicroTime:
    case Kind::kBytes:
    case Kind::kRawExtension:
    case Kind::kFieldsV1:
    case Kind::kJson:
      return {};
    case Kind::kQuantity:
      return "0";
    default:
      return 0;
  }
}

Value FormOf(const Value& value, const Field& field) {
  if (field.kind != Kind::kMessage || HasOneForm(field.type())) return value;
  if (value.is_array()) {
    Value list = Value::MakeArray();
    for (const Value& item : value.array()) list.Append(InternalForm(item, field.type()));
    return list;
  }
  if (field.shape != Shape::kMap) return InternalForm(value, field.type());
  Value map = Value::MakeObject();
  for (const auto& [key, item] : value.object()) map.Set(key, InternalForm(item, field.type()));
  return map;
}

void SetMember(Value& form, const Value& message, const Field& field) {
  const Value* member = message.Find(field.name());
  form.Set(GoName(field.name()),
           member && !member->is_null() ? FormOf(*member, field) : ZeroOf(field));
}

// One blank an indentation, a line each.
void Lines(const Value& value, size_t depth, const std::string& before, const std::string& after,
           std::vector<std::string>& out) {
  const std::string margin(depth, ' ');
  const bool is_list = value.is_array() && !value.array().empty();
  if (!is_list && !(value.is_object() && !value.object().empty())) {
    out.push_back(Cat(margin, before, ToJson(value), after));
    return;
  }
  out.push_back(Cat(margin, before, is_list ? "[" : "{"));
  if (is_list) {
    for (const Value& item : value.array())
      Lines(item, depth + 1, "", &item == &value.array().back() ? "" : ",", out);
  } else {
    for (const auto& member : value.object()) {
      Lines(member.second, depth + 1, Cat(Quote(member.first), ": "),
            &member == &value.object().back() ? "" : ",", out);
    }
  }
  out.push_back(Cat(margin, is_list ? "]" : "}", after));
}

using Text = std::vector<std::string>;
struct Block {
  size_t a = 0, b = 0, size = 0;
};

// The longest run of lines that both have, the earliest of the longest.
Block LongestMatch(const Text& a, size_t a_from, size_t a_to, const Text& b, size_t b_from,
                   size_t b_to) {
  Block best{a_from, b_from, 0};
  std::vector<size_t> before(b.size() + 1);
  for (size_t i = a_from; i < a_to; ++i) {
    std::vector<size_t> lengths(b.size() + 1);
    for (size_t j = b_from; j < b_to; ++j) {
      if (a[i] != b[j]) continue;
      const size_t length = lengths[j + 1] = (j > b_from ? before[j] : 0) + 1;
      if (length > best.size) best = {i + 1 - length, j + 1 - length, length};
    }
    before = std::move(lengths);
  }
  return best;
}

void AddMatches(const Text& a, size_t a_from, size_t a_to, const Text& b, size_t b_from,
                size_t b_to, std::vector<Block>& out) {
  const Block found = LongestMatch(a, a_from, a_to, b, b_from, b_to);
  if (found.size == 0) return;
  AddMatches(a, a_from, found.a, b, b_from, found.b, out);
  out.push_back(found);
  AddMatches(a, found.a + found.size, a_to, b, found.b + found.size, b_to, out);
}

// What stands between two matches.
struct Change {
  size_t a_from = 0, a_to = 0, b_from = 0, b_to = 0;
};

std::vector<Change> Changes(const Text& a, const Text& b) {
  std::vector<Block> blocks;
  AddMatches(a, 0, a.size(), b, 0, b.size(), blocks);
  blocks.push_back({a.size(), b.size(), 0});
  std::vector<Change> changes;
  size_t at_a = 0, at_b = 0;
  for (const Block& block : blocks) {
    if (block.a > at_a || block.b > at_b) changes.push_back({at_a, block.a, at_b, block.b});
    at_a = block.a + block.size;
    at_b = block.b + block.size;
  }
  return changes;
}

constexpr size_t kContext = 3;

}  // namespace

Value InternalForm(const Value& message, const TypeInfo& type) {
  Value form = Value::MakeObject();
  for (const Field& field : type.fields) {
    // Metadata is embedded, so its members stand among the others.
    if (field.name() == "metadata" && field.kind == Kind::kMessage && HasOneForm(field.type())) {
      const Value* member = message.Find(field.name());
      if (!member || !member->is_object()) continue;
      for (const auto& [name, value] : member->object()) form.Set(name, value);
    } else {
      SetMember(form, message, field);
    }
  }
  return form;
}

Value EmbeddedForm(const Value& message, const TypeInfo& type) {
  Value form = Value::MakeObject();
  for (const Field& field : type.fields) {
    if (field.outer != 0) SetMember(form, message, field);
  }
  return form;
}

std::string FormDiff(const Value& old_form, const Value& new_form) {
  Text a, b;
  Lines(old_form, 0, "", "", a);
  Lines(new_form, 0, "", "", b);
  const std::vector<Change> changes = Changes(a, b);
  std::string out;
  for (size_t first = 0, last; first < changes.size(); first = last + 1) {
    last = first;
    while (last + 1 < changes.size() &&
           changes[last + 1].a_from - changes[last].a_to <= 2 * kContext)
      ++last;
    const size_t lead = std::min(kContext, changes[first].a_from);
    const size_t trail = std::min(kContext, a.size() - changes[last].a_to);
    const auto range = [&](size_t from, size_t to) {
      return Cat(std::to_string(from - lead + 1), ",", std::to_string(to + trail - from + lead));
    };
    out += Cat("@@ -", range(changes[first].a_from, changes[last].a_to), " +",
               range(changes[first].b_from, changes[last].b_to), " @@\n");
    size_t at = changes[first].a_from - lead;
    for (size_t i = first; i <= last; ++i) {
      for (; at < changes[i].a_from; ++at) out += Cat(" ", a[at], "\n");
      for (; at < changes[i].a_to; ++at) out += Cat("-", a[at], "\n");
      for (size_t j = changes[i].b_from; j < changes[i].b_to; ++j) out += Cat("+", b[j], "\n");
    }
    for (size_t end = at + trail; at < end; ++at) out += Cat(" ", a[at], "\n");
  }
  return out;
}

}  // namespace k8s::fakeapiserver
