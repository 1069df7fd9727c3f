#include "k8s/machinery/random_object.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/quantity.h"
#include "k8s/machinery/scalars.h"
#include "k8s/machinery/unstructured.h"

namespace k8s {
namespace {

// What readers and writers of some format have to treat with care.
constexpr std::array<std::string_view, 40> kNasty = {
    "\"",     "\\",       "\n",   "\r\n", "\t",   "\b\f",     "/",          "<a&b>",
    "\x01",   "\x1f\x7f", "é",    "日本", "😀",    "\u2028",   "\u2029",     "\ufeff",
    "\u0085", "\ufffd",   "null", "~",    "true", "no",       "0x1f",       "017",
    "1e3",    "-",        "- a",  ": ",   "#",    " leading", "trailing ",  "{}",
    "[",      "*a",       "&a",   "!tag", "'",    "%YAML",    "2024-01-02", "<<"};

Value RandomValue(Random& random, int depth) {
  switch (random.Below(depth > 0 ? 8 : 6)) {
    case 0:
      return nullptr;
    case 1:
      return random.Below(2) == 0;
    case 2:
      return static_cast<int64_t>(random.Next());
    case 3:
      return static_cast<int64_t>(random.Below(100));
    case 4:
      return static_cast<double>(random.Below(1000)) + 0.5;
    case 5:
      return RandomText(random);
    case 6: {
      Value array = Value::MakeArray();
      for (uint64_t n = random.Below(3); n > 0; --n) array.Append(RandomValue(random, depth - 1));
      return array;
    }
    default: {
      Value object = Value::MakeObject();
      for (uint64_t n = random.Below(3); n > 0; --n) {
        object.Set(RandomText(random), RandomValue(random, depth - 1));
      }
      object.object().SortByName();
      return object;
    }
  }
}

// Small, large and boundary numbers alike.
template <class T>
T RandomInteger(Random& random) {
  switch (random.Below(5)) {
    case 0:
      return std::numeric_limits<T>::max();
    case 1:
      return std::numeric_limits<T>::min();
    case 2:
      return static_cast<T>(random.Next());
    default:
      return static_cast<T>(1 + random.Below(1000));
  }
}

double RandomDouble(Random& random) {
  if (random.Below(2) == 0) return static_cast<double>(random.Below(1000)) / 8 + 0.125;
  while (true) {
    const auto number = std::bit_cast<double>(random.Next());
    if (std::isfinite(number) && number != 0) return number;
  }
}

// Between the years 1 and 9999, which is what RFC 3339 can spell.
int64_t RandomSeconds(Random& random) {
  constexpr int64_t kLast = 253402300799;
  if (random.Below(3) != 0) return static_cast<int64_t>(random.Below(1U << 31));
  return Time::kZeroSeconds + 1 +
         static_cast<int64_t>(random.Below(static_cast<uint64_t>(kLast - Time::kZeroSeconds)));
}

Quantity RandomQuantity(Random& random) {
  constexpr std::array<std::string_view, 18> kSuffixes = {"",   "n",   "u",  "m",  "k",  "M",
                                                          "G",  "Ki",  "Mi", "Gi", "Ti", "e3",
                                                          "E3", "e-3", "e6", "",   "m",  "Gi"};
  const std::string number =
      random.Below(4) == 0
          ? Cat(std::to_string(random.Below(1000)), ".", std::to_string(random.Below(1000)))
          : std::to_string(random.Below(random.Below(2) == 0 ? 10000 : 1'000'000'000));
  const auto parsed = Quantity::Parse(
      Cat(random.Below(4) == 0 ? "-" : "", number, kSuffixes[random.Below(kSuffixes.size())]));
  return parsed ? *parsed : Quantity("1");
}

class Filler {
 public:
  explicit Filler(Random& random) : random_(random) {}

  // depth is how many more messages may be held by optionals, lists and maps.
  void Message(const TypeInfo& type, void* object, int depth) {
    if (type.Has(kTree)) {
      static_cast<Unstructured*>(object)->content = *ParseJson(RandomJsonObject(random_));
      return;
    }
    if (type.Has(kUnion)) return Union(type, object, depth);
    for (const Field& field : type.fields) Member(field, MemberOf(object, field), depth);
  }

 private:
  // One member is set. With a schema goes the bool, because reading one sets it.
  void Union(const TypeInfo& type, void* object, int depth) {
    const Field& chosen = type.fields[random_.Below(type.fields.size())];
    void* member = MemberOf(object, chosen);
    if (chosen.shape == Shape::kOne) return Element(chosen, member, depth);
    if (chosen.shape == Shape::kOptional) {
      for (const Field& field : type.fields) {
        if (field.kind == Kind::kBool) *static_cast<bool*>(MemberOf(object, field)) = true;
      }
    }
    void* element = chosen.access->add(member, {});
    // Where nothing more may nest, an empty one ends it.
    if (depth > 0 || chosen.kind != Kind::kMessage) Element(chosen, element, depth - 1);
  }

  void Member(const Field& field, void* member, int depth) {
    // JSON has no absent one of these where Go writes it always.
    const bool must = field.kind == Kind::kJson && field.shape == Shape::kOne;
    if (!must && random_.Below(4) == 0) return;
    if (field.shape == Shape::kOne) return Element(field, member, depth);
    if (field.kind == Kind::kMessage && depth <= 0) return;
    uint64_t count = 1;
    // The deeper, the sparser: the whole stays small however many fields a type has.
    if (field.kind == Kind::kMessage && depth < kRandomObjectDepth - 2) count = random_.Below(2);
    if (field.shape != Shape::kOptional) count += random_.Below(3) / 2;
    for (uint64_t i = 0; i < count; ++i) {
      const std::string key = field.shape == Shape::kMap ? RandomText(random_) : std::string();
      if (field.shape == Shape::kMap) {
        const size_t before = field.access->size(member);
        void* element = field.access->add(member, key);
        // A key drawn twice keeps its first element.
        if (field.access->size(member) != before) Element(field, element, depth - 1);
      } else {
        Element(field, field.access->add(member, {}), depth - 1);
        if (field.shape == Shape::kOptional) break;
      }
    }
  }

  void Element(const Field& field, void* element, int depth) {
    switch (field.kind) {
      case Kind::kBool:
        *static_cast<bool*>(element) = random_.Below(2) == 0;
        return;
      case Kind::kInt32:
        *static_cast<int32_t*>(element) = RandomInteger<int32_t>(random_);
        return;
      case Kind::kInt64:
        *static_cast<int64_t*>(element) = RandomInteger<int64_t>(random_);
        return;
      case Kind::kUint64:  // a tree holds no more than an int64_t exactly
        *static_cast<uint64_t*>(element) = random_.Next() >> 1;
        return;
      case Kind::kDouble:
        *static_cast<double*>(element) = RandomDouble(random_);
        return;
      case Kind::kString:
        *static_cast<std::string*>(element) = RandomText(random_);
        return;
      case Kind::kBytes:
        for (uint64_t n = 1 + random_.Below(9); n > 0; --n) {
          *static_cast<std::string*>(element) += static_cast<char>(random_.Next());
        }
        return;
      case Kind::kTime:
        *static_cast<Time*>(element) = {RandomSeconds(random_), 0};
        return;
      case Kind::kMicroTime:
        *static_cast<MicroTime*>(element) = {RandomSeconds(random_),
                                             static_cast<int32_t>(random_.Below(1'000'000)) * 1000};
        return;
      case Kind::kDuration:
        *static_cast<Duration*>(element) = Duration(RandomInteger<int64_t>(random_));
        return;
      case Kind::kQuantity:
        *static_cast<Quantity*>(element) = RandomQuantity(random_);
        return;
      case Kind::kIntOrString:
        *static_cast<IntOrString*>(element) = random_.Below(2) == 0
                                                  ? IntOrString(RandomText(random_))
                                                  : IntOrString(RandomInteger<int32_t>(random_));
        return;
      case Kind::kRawExtension:
        static_cast<RawExtension*>(element)->raw = RandomJsonObject(random_);
        return;
      case Kind::kFieldsV1:
        static_cast<FieldsV1*>(element)->raw = RandomJsonObject(random_);
        return;
      case Kind::kJson:
        static_cast<Json*>(element)->raw = ToJson(RandomValue(random_, 2));
        return;
      case Kind::kMessage:
        Message(field.type(), element, depth);
        return;
    }
  }

  Random& random_;
};

}  // namespace

void FillRandom(const TypeInfo& type, void* object, Random& random, int max_depth) {
  Filler(random).Message(type, object, max_depth);
}

std::string RandomText(Random& random) {
  std::string text;
  for (uint64_t parts = 1 + random.Below(3); parts > 0; --parts) {
    if (random.Below(3) == 0) {
      text += kNasty[random.Below(kNasty.size())];
    } else {
      text += RandomName(random, 1 + static_cast<int>(random.Below(8)));
    }
  }
  return text;
}

std::string RandomJsonObject(Random& random) {
  Value object = Value::MakeObject();
  for (uint64_t n = random.Below(4); n > 0; --n) {
    object.Set(RandomText(random), RandomValue(random, 2));
  }
  object.object().SortByName();
  return ToJson(object);
}

}  // namespace k8s
