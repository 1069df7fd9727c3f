#pragma once

// What a kind does differently when it is created, updated and deleted: one row of a table of
// functions and facts. Generic code asks the row and never the kind. Constant data; any thread.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fakeapiserver/api_error.h"
#include "k8s/machinery/fields.h"
#include "k8s/machinery/name_rules.h"
#include "k8s/machinery/type_info.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

struct Core;
struct Object;
struct Call;
struct Served;

// When metadata.generation grows (chapter 3.9).
enum class Generation : uint8_t {
  kNone,
  kSpec,
  kSpecFromZero,  // a new object has none yet
  kSpecAndAnnotations,
  kAllButMetadata,
  kWebhooks,
  kConstant
};

struct Strategy {
  bool creates_on_update = false;
  bool unconditional_update = true;
  bool returns_deleted = false;  // immediate deletion answers the object, not a Status
  bool orphans_by_default = false;
  Generation generation = Generation::kNone;
  Complaints (*check_name)(std::string_view name) = CheckDns1123Subdomain;
  std::string_view called_in_errors{};  // the resource, where it is not called by its own name
  bool resets_spec = false;             // nobody owns what the main path puts back anyway
  // A member of raw JSON that may not change. Its bytes count, which no patch keeps.
  std::string_view constant_bytes{};
  bool creates_with_status = false;  // the status that a new object is sent with stays
  // What a write to /status leaves alone beside the spec.
  bool status_keeps_labels = false;
  bool status_keeps_metadata = false;
  // Fields that selectors may name beside metadata.name and metadata.namespace.
  std::vector<std::string_view> selectable{};

  // The hooks; null: nothing to do. Trees are decoded and defaulted, in the storage version's form.
  void (*prepare_create)(Core& core, Value& object) = nullptr;
  void (*prepare_update)(Core& core, Value& now, const Value& old) = nullptr;
  // Mutating admission; an error refuses.
  Result<void> (*admit)(Core& core, Call& call, Value& now, const Value* old) = nullptr;
  void (*validate)(const Value& object, FieldErrors& errors) = nullptr;
  void (*validate_update)(const Value& now, const Value& old, FieldErrors& errors) = nullptr;
  // The same for subresources that write the object.
  void (*validate_subresource)(std::string_view subresource, const Value& now, const Value& old,
                               FieldErrors& errors) = nullptr;
  // What it takes from the server before it is stored, and gives back when it goes.
  void (*acquire)(Core& core, const Value& object) = nullptr;
  void (*release)(Core& core, const Object& object) = nullptr;
  // What a loop of the server's own does once the object is stored.
  void (*settle)(Core& core, const Served& served,
                 const std::shared_ptr<const Object>& object) = nullptr;
  // Extra values for selectors that are no plain path.
  void (*select)(const Value& object, fields::Set& fields) = nullptr;
};

const Strategy& StrategyOf(const TypeInfo& type);

// Errors carry the words of chapter 5.5.
Result<void> CheckFieldLabel(const Served& served, std::string_view label);
// All but those that every object has: metadata.name and metadata.namespace.
fields::Set SelectableFields(const Value& object, const Served& served);
// The zero value of the kind as JSON has it, with kind and apiVersion.
Value ZeroObject(const Served& served);

// Name, labels, annotations, owners, finalizers (chapter 3.5); `old` is null on create.
void ValidateMetadata(const Value& object, const Value* old, const Served& served,
                      FieldErrors& errors);

}  // namespace k8s::fakeapiserver
