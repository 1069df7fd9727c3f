#pragma once

// A list response, item by item as its bytes arrive, in JSON and protobuf: what is in memory is one
// item and what the transport read ahead. Pulled by one thread; owns nothing but its buffer.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "k8s/base/result.h"
#include "k8s/http/round_tripper.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/type_info.h"

namespace k8s::rest {

// The longest item, and the most that may stand beside the items, for kEach.
inline constexpr size_t kMaxListPartBytes = size_t{16} << 20;

// What a list is worth that breaks off, or has an item that cannot be read.
enum class ListUse : uint8_t {
  kEach,   // the items before were good, and the error says how many they were
  kWhole,  // nothing: the outcome is that of a body that is read to its end, and then decoded
};

// Where items go.
class ItemSink {
 public:
  virtual ~ItemSink() = default;
  virtual const TypeInfo& type() const = 0;
  // A fresh object of that type, for the next item. Asked again when an item was not yet whole.
  virtual void* Fresh() = 0;
  // The object is whole. `list` is what the list has said of itself so far, which servers do first.
  // False: enough.
  virtual bool Take(const TypeMeta& list) = 0;
  // About so many will come; said once, where it can be told.
  virtual void Expect(size_t items) { static_cast<void>(items); }
};

// What a list is without its items.
struct ListShell {
  std::string document{};  // a list document in the same encoding, for Answer::Into
  size_t items = 0;        // handed out
  size_t bytes = 0;        // read
  // kWhole: what is wrong with an item, if the document is a list of the type at all. The document
  // has then what came behind the good items.
  std::optional<Error> unreadable{};
};

// Reads a response whose list is of that type; one with kTree takes every kind, as JSON. A document
// of another kind, such as a Status, is the shell as a whole, and so is one that is no document.
// kEach: JSON and protobuf alone, and only parts that are not too long. kWhole: everything.
Result<ListShell> ReadList(http::Body& body, std::string_view media_type, const TypeInfo& list,
                           ItemSink& sink, ListUse use);

}  // namespace k8s::rest
