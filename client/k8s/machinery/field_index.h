#pragma once

// How the codecs find a field without a look at the rows of all others, each of which is a cache
// line. For tables, which hold the result as constant data, and for codecs.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "k8s/machinery/type_info.h"

namespace k8s {

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

constexpr WireType WireTypeOf(Kind kind) {
  switch (kind) {
    case Kind::kBool:
    case Kind::kInt32:
    case Kind::kInt64:
    case Kind::kUint64:
      return kVarint;
    case Kind::kDouble:
      return kFixed64;
    default:
      return kLength;
  }
}

constexpr WireType WireTypeOf(const Field& field) {
  return field.shape == Shape::kMap ? kLength : WireTypeOf(field.kind);
}

// The first four bytes of a text as one number; 0 of a shorter one.
constexpr uint32_t FirstFour(std::string_view text) {
  if (text.size() < 4) return 0;
  return std::bit_cast<uint32_t>(std::array{text[0], text[1], text[2], text[3]});
}

// Protobuf's tag, and the embedded structs around the field. REQUIRES: tag <= kMaxKeyedTag.
constexpr uint64_t kMaxKeyedTag = 0xffff;
constexpr uint32_t WireKey(uint64_t tag, uint32_t outer) {
  return static_cast<uint32_t>(tag) | outer << 16;
}

// What FieldIndex points to.
template <size_t N>
struct FieldIndexOf {
  std::array<uint32_t, N> names{};
  std::array<WireField, N> wire{};

  constexpr FieldIndex View() const { return {names.data(), wire.data()}; }
};

template <size_t N>
constexpr FieldIndexOf<N> IndexOf(const Field* fields) {
  // The numbers on the way from the message to the field, the outermost in front.
  const auto way = [fields](const WireField& wire) {
    const uint64_t number = fields[wire.index].number, outer = fields[wire.index].outer;
    if (outer == 0) return number << 32;
    if (outer < 256) return outer << 32 | number << 16;
    return (outer & 0xff) << 32 | outer >> 8 << 16 | number;
  };
  FieldIndexOf<N> index;
  for (size_t i = 0; i < N; ++i) {
    const Field& field = fields[i];
    const uint64_t tag = uint64_t{field.number} << 3 | WireTypeOf(field);
    index.names[i] = FirstFour(field.quoted);
    index.wire[i] = {.key = tag <= kMaxKeyedTag ? WireKey(tag, field.outer) : 0,  // 0 is no tag
                     .offset = field.offset,
                     .index = static_cast<uint16_t>(i),
                     .kind = field.kind,
                     .shape = field.shape};
  }
  std::sort(index.wire.begin(), index.wire.end(),
            [&](const WireField& a, const WireField& b) { return way(a) < way(b); });
  return index;
}

}  // namespace k8s
