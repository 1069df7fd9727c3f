// The writing half of json_codec.h, apart from the reading one, which the compiler inlines up to
// its limit for a file.

#include <charconv>

#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/json_codec.h"
#include "k8s/machinery/quantity.h"
#include "k8s/machinery/scalars.h"
#include "k8s/machinery/unstructured.h"

namespace k8s {
namespace {

void AppendInteger(int64_t number, std::string& out) {
  char buffer[24];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, number).ptr);
}

bool IsZeroScalar(Kind kind, const void* member) {
  switch (kind) {
    case Kind::kBool:
      return !*static_cast<const bool*>(member);
    case Kind::kInt32:
      return *static_cast<const int32_t*>(member) == 0;
    case Kind::kInt64:
    case Kind::kUint64:
      return *static_cast<const int64_t*>(member) == 0;
    case Kind::kDouble:
      return *static_cast<const double*>(member) == 0;
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kJson:
      return static_cast<const std::string*>(member)->empty();
    default:
      return false;  // Go's structs are never empty to it
  }
}

bool IsZeroMessage(const TypeInfo& type, const void* object);

bool IsZeroMember(const Field& field, const void* member) {
  if (field.shape != Shape::kOne) return field.access->size(member) == 0;
  switch (field.kind) {
    case Kind::kMessage:
      return IsZeroMessage(field.type(), member);
    case Kind::kTime:
    case Kind::kMicroTime:
      return static_cast<const Time*>(member)->IsZero();
    case Kind::kDuration:
      return static_cast<const Duration*>(member)->count() == 0;
    case Kind::kQuantity:
      return static_cast<const Quantity*>(member)->IsZero();
    case Kind::kRawExtension:
      return static_cast<const RawExtension*>(member)->raw.empty();
    case Kind::kFieldsV1:
      return static_cast<const FieldsV1*>(member)->raw.empty();
    case Kind::kIntOrString:
      return *static_cast<const IntOrString*>(member) == IntOrString();
    default:
      return IsZeroScalar(field.kind, member);
  }
}

bool IsZeroMessage(const TypeInfo& type, const void* object) {
  for (const Field& field : type.fields) {
    if (!IsZeroMember(field, MemberOf(object, field))) return false;
  }
  return true;
}

class Writer {
 public:
  // sparse: nothing that is zero is written, whatever Go would do.
  Writer(std::string& out, bool sparse) : out_(out), sparse_(sparse) {}

  void Message(const TypeInfo& type, const void* object, const TypeMeta* meta = nullptr) {
    if (type.Has(kTree)) {
      AppendJson(static_cast<const Unstructured*>(object)->content, out_);
      return;
    }
    if (type.Has(kTransparent)) {
      List(type.fields[0], MemberOf(object, type.fields[0]));
      return;
    }
    if (type.Has(kUnion)) {
      Union(type, object);
      return;
    }
    out_ += '{';
    bool first = true;
    if (meta != nullptr) {
      for (const auto& [name, text] :
           {std::pair<std::string_view, const std::string&>("\"kind\":", meta->kind),
            {"\"apiVersion\":", meta->api_version}}) {
        if (text.empty()) continue;
        if (!first) out_ += ',';
        first = false;
        out_ += name;
        AppendJsonString(text, out_);
      }
    }
    for (const Field& field : type.fields) {
      const void* member = MemberOf(object, field);
      if (!IsWritten(field, member)) continue;
      if (!first) out_ += ',';
      first = false;
      out_ += field.quoted;
      Value(field, member);
    }
    out_ += '}';
  }

 private:
  bool IsWritten(const Field& field, const void* member) const {
    if (sparse_) return !IsZeroMember(field, member);
    if (field.shape != Shape::kOne) {
      return field.Has(kAlways) || field.access->size(member) != 0;
    }
    if (field.kind == Kind::kMessage && field.type().Has(kTransparent)) {
      return field.Has(kAlways) || !IsZeroMessage(field.type(), member);
    }
    if (field.Has(kOmitZero)) return !IsZeroMember(field, member);
    return field.Has(kAlways) || !IsZeroScalar(field.kind, member);
  }

  void Union(const TypeInfo& type, const void* object) {
    const Field* fallback = nullptr;
    for (const Field& field : type.fields) {
      if (field.shape == Shape::kOne) {
        fallback = &field;
      } else if (field.access->size(MemberOf(object, field)) != 0) {
        Value(field, MemberOf(object, field));
        return;
      }
    }
    if (fallback != nullptr) {
      Element(*fallback, MemberOf(object, *fallback));
    } else {
      out_ += "null";
    }
  }

  void Value(const Field& field, const void* member) {
    switch (field.shape) {
      case Shape::kOne:
        if (field.kind == Kind::kBytes && static_cast<const std::string*>(member)->empty()) {
          out_ += "null";
          return;
        }
        if (field.kind == Kind::kMessage && field.type().Has(kTransparent) &&
            IsZeroMessage(field.type(), member)) {
          out_ += "null";
          return;
        }
        Element(field, member);
        return;
      case Shape::kOptional:
        if (field.access->size(member) == 0) {
          out_ += "null";
        } else {
          Element(field, field.access->data(member));
        }
        return;
      case Shape::kList:
        if (field.access->size(member) == 0) {
          out_ += "null";
        } else {
          List(field, member);
        }
        return;
      case Shape::kMap:
        Map(field, member);
        return;
    }
  }

  void List(const Field& field, const void* list) {
    const size_t size = field.access->size(list);
    const char* element = static_cast<const char*>(field.access->data(list));
    out_ += '[';
    for (size_t i = 0; i < size; ++i, element += field.access->stride) {
      if (i != 0) out_ += ',';
      Element(field, element);
    }
    out_ += ']';
  }

  void Map(const Field& field, const void* map) {
    if (field.access->size(map) == 0) {
      out_ += "null";
      return;
    }
    struct Walk {
      Writer* writer;
      const Field* field;
      bool first = true;
    } walk{this, &field};
    out_ += '{';
    field.access->visit(map, &walk, [](void* context, const std::string& key, const void* element) {
      Walk& now = *static_cast<Walk*>(context);
      if (!now.first) now.writer->out_ += ',';
      now.first = false;
      AppendJsonString(key, now.writer->out_);
      now.writer->out_ += ':';
      now.writer->Element(*now.field, element);
    });
    out_ += '}';
  }

  void Quoted(std::string_view plain) {
    out_ += '"';
    out_ += plain;
    out_ += '"';
  }

  void Element(const Field& field, const void* element) {
    switch (field.kind) {
      case Kind::kBool:
        out_ += *static_cast<const bool*>(element) ? "true" : "false";
        return;
      case Kind::kInt32:
        AppendInteger(*static_cast<const int32_t*>(element), out_);
        return;
      case Kind::kInt64:
        AppendInteger(*static_cast<const int64_t*>(element), out_);
        return;
      case Kind::kUint64:
        out_ += std::to_string(*static_cast<const uint64_t*>(element));
        return;
      case Kind::kDouble:
        AppendJsonDouble(*static_cast<const double*>(element), out_);
        return;
      case Kind::kString:
        AppendJsonString(*static_cast<const std::string*>(element), out_);
        return;
      case Kind::kBytes:
        out_ += '"';
        AppendBase64(*static_cast<const std::string*>(element), out_);
        out_ += '"';
        return;
      case Kind::kTime:
        Moment(*static_cast<const Time*>(element));
        return;
      case Kind::kMicroTime:
        Moment(*static_cast<const MicroTime*>(element));
        return;
      case Kind::kDuration:
        Quoted(FormatDuration(*static_cast<const Duration*>(element)));
        return;
      case Kind::kQuantity:
        Quoted(static_cast<const Quantity*>(element)->String());
        return;
      case Kind::kIntOrString: {
        const auto& value = *static_cast<const IntOrString*>(element);
        if (value.is_string) {
          AppendJsonString(value.string_value, out_);
        } else {
          AppendInteger(value.int_value, out_);
        }
        return;
      }
      case Kind::kRawExtension:
        return Raw(static_cast<const RawExtension*>(element)->raw);
      case Kind::kJson:
        return Raw(static_cast<const Json*>(element)->raw);
      case Kind::kFieldsV1:
        return Raw(static_cast<const FieldsV1*>(element)->raw);
      case Kind::kMessage:
        Message(field.type(), element);
        return;
    }
  }

  void Raw(std::string_view raw) { out_ += raw.empty() ? "null" : raw; }

  template <class T>
  void Moment(const T& time) {
    if (time.IsZero()) {
      out_ += "null";
    } else {
      Quoted(time.String());
    }
  }

  std::string& out_;
  const bool sparse_;
};

}  // namespace

void EncodeJson(const TypeInfo& type, const void* object, const TypeMeta& meta, std::string& out) {
  Writer(out, false).Message(type, object, &meta);
}

void EncodeSparseJson(const TypeInfo& type, const void* object, const TypeMeta& meta,
                      std::string& out) {
  Writer(out, true).Message(type, object, &meta);
}

}  // namespace k8s
