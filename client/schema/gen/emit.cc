#include "emit.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <set>

#include "k8s/base/strings.h"

namespace k8s::gen {
namespace {

// And "linux" and "unix": macros of g++ where the dialect is gnu++20, which is CMake's default.
const std::set<std::string_view> kKeywords = {
    "alignas",   "alignof",   "and",      "asm",      "auto",      "bool",     "break",
    "case",      "catch",     "char",     "class",    "concept",   "const",    "consteval",
    "constexpr", "constinit", "continue", "co_await", "co_return", "co_yield", "decltype",
    "default",   "delete",    "do",       "double",   "else",      "enum",     "explicit",
    "export",    "extern",    "false",    "float",    "for",       "friend",   "goto",
    "if",        "inline",    "int",      "linux",    "long",      "mutable",  "namespace",
    "new",       "noexcept",  "not",      "nullptr",  "operator",  "or",       "private",
    "protected", "public",    "register", "requires", "return",    "short",    "signed",
    "sizeof",    "static",    "struct",   "switch",   "template",  "this",     "throw",
    "true",      "try",       "typedef",  "typeid",   "typename",  "union",    "unix",
    "unsigned",  "using",     "virtual",  "void",     "volatile",  "while",    "xor"};

struct Scalar {
  std::string_view cpp, kind;
};

const std::map<std::string, Scalar, std::less<>> kScalars = {
    {"bool", {"bool", "kBool"}},
    {"int32", {"int32_t", "kInt32"}},
    {"int64", {"int64_t", "kInt64"}},
    {"uint64", {"uint64_t", "kUint64"}},
    {"float64", {"double", "kDouble"}},
    {"string", {"std::string", "kString"}},
    {"bytes", {"std::string", "kBytes"}},
    {"Time", {"Time", "kTime"}},
    {"MicroTime", {"MicroTime", "kMicroTime"}},
    {"Duration", {"Duration", "kDuration"}},
    {"Quantity", {"Quantity", "kQuantity"}},
    {"IntOrString", {"IntOrString", "kIntOrString"}},
    {"RawExtension", {"RawExtension", "kRawExtension"}},
    {"FieldsV1", {"FieldsV1", "kFieldsV1"}},
    {"JSON", {"Json", "kJson"}},
};

// Types of meta/v1 that stand in base/status.h, because Error carries them.
const std::set<std::string_view> kInBase = {"ListMeta", "ShardInfo", "Status", "StatusCause",
                                            "StatusDetails"};

const std::map<std::string, std::string_view, std::less<>> kVerbs = {
    {"get", "kGet"},
    {"list", "kList"},
    {"watch", "kWatch"},
    {"create", "kCreate"},
    {"update", "kUpdate"},
    {"patch", "kPatch"},
    {"delete", "kDelete"},
    {"apply", "kApply"},
    {"deleteCollection", "kDeleteCollection"},
    {"deletecollection", "kDeleteCollection"}};

constexpr std::string_view kBanner = "// Made by k8s-gen from client/schema/. Edits are lost.\n";

bool IsScalar(const FieldFacts& field) { return kScalars.contains(field.element); }

class Emitter {
 public:
  // library: null when the files are the library's own.
  Emitter(const std::vector<FileFacts>& files, const std::vector<FileFacts>* library)
      : files_(files), library_(library) {}

  Result<std::map<std::string, std::string>> Run() {
    if (library_ != nullptr) {
      for (const FileFacts& file : *library_) {
        Know(file);
        for (const TypeFacts& type : file.types) {
          for (const FieldFacts& field : type.fields) {
            if (field.shape != FieldFacts::Shape::kOptional || IsScalar(field)) continue;
            boxed_by_library_.insert(Qualified(file, field.element));
          }
        }
        for (const FileFacts& own : files_) {
          if (own.Package() == file.Package()) {
            return ConfigError(Cat("the library has a package ", Quote(file.Package()),
                                   ": choose another package= for ", own.ApiVersion()));
          }
        }
      }
    }
    for (const FileFacts& file : files_) Know(file);
    for (const FileFacts& file : files_) {
      for (const TypeFacts& type : file.types) {
        if (auto checked = Check(file, type); !checked) return checked.error();
      }
    }
    for (const FileFacts& file : files_) {
      out_[Cat("k8s/api/", file.Package(), ".h")] = Header(file);
      out_[Cat("k8s/api/", file.Package(), ".cc")] = Tables(file);
    }
    if (library_ == nullptr) {
      out_["k8s/api/group_versions.cc"] = GroupVersions();
      out_["k8s/kubernetes/clientset.h"] = Clientset();
    }
    return std::move(out_);
  }

 private:
  void Know(const FileFacts& file) {
    for (const TypeFacts& type : file.types) types_[file.Package() + "." + type.name] = &type;
  }

  // "package.Name" of a message type as the file names it.
  static std::string Qualified(const FileFacts& file, const std::string& element) {
    return element.find('.') == std::string::npos ? file.Package() + "." + element : element;
  }

  Result<void> Check(const FileFacts& file, const TypeFacts& type) {
    for (const FieldFacts& field : type.fields) {
      if (IsScalar(field)) continue;
      const std::string name = Qualified(file, field.element);
      if (!types_.contains(name)) {
        return ConfigError(Cat(file.Package(), ".", type.name, ".", field.name, ": no type ", name,
                               "; give the facts file that has it, too"));
      }
      if (field.shape == FieldFacts::Shape::kOptional) boxed_.insert(name);
    }
    const auto wrong = [&](std::string_view what) {
      return ConfigError(Cat(file.Package(), ".", type.name, ": ", what));
    };
    const Attributes& a = type.attributes;
    std::vector<std::string> verbs = {a.Get("verbs"), a.Get("served")};
    for (const SubresourceFacts& sub : type.subresources) {
      verbs.push_back(sub.attributes.Get("served"));
      const std::string& kind = sub.attributes.Get("kind");
      if (!kind.empty() && !types_.contains(Qualified(file, kind))) {
        return wrong(Cat("sub ", sub.name, ": no kind ", kind));
      }
    }
    for (const std::string& list : verbs) {
      for (const std::string_view verb : Split(list, ',')) {
        if (!verb.empty() && verb != "all" && kVerbs.find(verb) == kVerbs.end()) {
          return wrong(Cat("no verb ", Quote(verb), "; GRAMMAR.md lists those there are"));
        }
      }
    }
    if (a.Has("resource") && a.Get("scope") != "namespaced" && a.Get("scope") != "cluster") {
      return wrong("a resource needs scope=namespaced or scope=cluster");
    }
    return {};
  }

  // "corev1.Pod" -> "corev1::Pod", and just "Pod" inside its own package.
  static std::string Cpp(const FileFacts& file, const std::string& element) {
    const auto scalar = kScalars.find(element);
    if (scalar != kScalars.end()) return std::string(scalar->second.cpp);
    const size_t dot = element.find('.');
    if (dot == std::string::npos) return element;
    if (element.substr(0, dot) == file.Package()) return element.substr(dot + 1);
    return Cat(element.substr(0, dot), "::", element.substr(dot + 1));
  }

  static std::string MemberType(const FileFacts& file, const FieldFacts& field) {
    std::string element = Cpp(file, field.element);
    switch (field.shape) {
      case FieldFacts::Shape::kOne:
        return element;
      case FieldFacts::Shape::kOptional:
        return Cat(IsScalar(field) ? "std::optional<" : "Box<", element, ">");
      case FieldFacts::Shape::kList:
        return Cat("std::vector<", element == "bool" ? "Bool" : element, ">");
      case FieldFacts::Shape::kMap:
        return Cat("std::map<std::string, ", element, ">");
    }
    return element;
  }

  // A list kind of its own in the facts needs no ListOf.
  bool HasList(const FileFacts& file, const TypeFacts& type) const {
    return type.is_kind && !type.fields.empty() &&
           Qualified(file, type.fields[0].element) == "metav1.ObjectMeta" &&
           !types_.contains(file.Package() + "." + type.name + "List");
  }

  static bool InBase(const FileFacts& file, const TypeFacts& type) {
    return file.Package() == "metav1" && kInBase.contains(type.name);
  }

  // Members that are held by value come first; so do the elements of lists and maps, since clang
  // wants them complete where the member is initialised. Boxes do not care, which ends all cycles.
  std::vector<const TypeFacts*> Ordered(const FileFacts& file) const {
    std::vector<const TypeFacts*> order;
    std::set<const TypeFacts*> seen;
    const std::function<void(const TypeFacts&)> visit = [&](const TypeFacts& type) {
      if (!seen.insert(&type).second) return;
      for (const FieldFacts& field : type.fields) {
        if (IsScalar(field) || field.shape == FieldFacts::Shape::kOptional) continue;
        const std::string name = Qualified(file, field.element);
        if (name.starts_with(file.Package() + ".")) visit(*types_.at(name));
      }
      order.push_back(&type);
    };
    for (const TypeFacts& type : file.types) visit(type);
    return order;
  }

  std::set<std::string> UsedPackages(const FileFacts& file, bool with_subresources) const {
    std::set<std::string> packages;
    const auto add = [&](const std::string& element) {
      const size_t dot = element.find('.');
      if (dot != std::string::npos && element.substr(0, dot) != file.Package()) {
        packages.insert(element.substr(0, dot));
      }
    };
    for (const TypeFacts& type : file.types) {
      for (const FieldFacts& field : type.fields) add(field.element);
      for (const auto& sub : type.subresources) {
        if (with_subresources) add(sub.attributes.Get("kind"));
      }
    }
    return packages;
  }

  // The instantiations of Box. The header says that they are elsewhere, which spares a file that
  // sees the bodies of Box (k8s/api/custom.h includes them) from making its own.
  std::string Boxes(const FileFacts& file, std::string_view extern_) const {
    std::string out;
    for (const TypeFacts& type : file.types) {
      if (!boxed_.contains(file.Package() + "." + type.name)) continue;
      if (InBase(file, type)) continue;  // error.cc has these
      out += Cat(extern_, "template class Box<", file.Package(), "::", type.name, ">;\n");
    }
    // Types of the library that nothing in the library boxes.
    if (library_ == nullptr || &file != &files_.front()) return out;
    for (const std::string& name : boxed_) {
      const size_t dot = name.find('.');
      const bool own = std::any_of(files_.begin(), files_.end(), [&](const FileFacts& one) {
        return one.Package() == name.substr(0, dot);
      });
      if (own || boxed_by_library_.contains(name)) continue;
      out += Cat(extern_, "template class Box<", name.substr(0, dot), "::", name.substr(dot + 1),
                 ">;\n");
    }
    return out;
  }

  std::string Header(const FileFacts& file) const {
    std::string out = "#pragma once\n\n";
    out += kBanner;
    out += Cat("// ", file.ApiVersion(),
               " as plain aggregates; members are named as on the wire.\n\n"
               "#include <cstdint>\n#include <map>\n#include <optional>\n#include <string>\n"
               "#include <vector>\n\n");
    for (const std::string& package : UsedPackages(file, false)) {
      out += Cat("#include \"k8s/api/", package, ".h\"\n");
    }
    out +=
        "#include \"k8s/api/object.h\"\n#include \"k8s/base/box.h\"\n"
        "#include \"k8s/machinery/quantity.h\"\n#include \"k8s/machinery/scalars.h\"\n"
        "#include \"k8s/machinery/type_info.h\"\n\n";
    if (file.Package() == "metav1") {
      out += "namespace k8s {\n";
      for (const auto name : kInBase)
        out += Cat("const TypeInfo& K8sTypeInfo(const ", name, "*);\n");
      out += "}  // namespace k8s\n\n";
    }
    out += Cat("namespace k8s::", file.Package(), " {\n\n");
    if (file.Package() == "metav1") {
      for (const auto name : kInBase) out += Cat("using k8s::", name, ";\n");
      out +=
          "using k8s::Duration;\nusing k8s::FieldsV1;\nusing k8s::MicroTime;\nusing k8s::Time;\n\n";
    }
    for (const TypeFacts& type : file.types) {
      if (!InBase(file, type)) out += Cat("struct ", type.name, ";\n");
    }
    out += "\n";
    if (const std::string boxes = Boxes(file, "extern "); !boxes.empty()) {
      out += Cat("}  // namespace k8s::", file.Package(), "\n\nnamespace k8s {\n", boxes,
                 "}  // namespace k8s\n\nnamespace k8s::", file.Package(), " {\n\n");
    }
    for (const TypeFacts* type : Ordered(file)) {
      if (InBase(file, *type)) continue;
      out += Cat("struct ", type->name, " {\n");
      for (const FieldFacts& field : type->fields) {
        out += Cat("  ", MemberType(file, field), " ", MemberName(field.name), "{};\n");
      }
      out += "};\n\n";
    }
    for (const TypeFacts& type : file.types) {
      if (!InBase(file, type)) out += Cat("const TypeInfo& K8sTypeInfo(const ", type.name, "*);\n");
      if (HasList(file, type)) {
        out += Cat("const TypeInfo& K8sTypeInfo(const ListOf<", type.name, ">*);\n");
        out += Cat("using ", type.name, "List = ListOf<", type.name, ">;\n");
      }
    }
    out += Cat("\n}  // namespace k8s::", file.Package(), "\n");
    return out;
  }

  static std::string VerbMask(const std::string& verbs) {
    if (verbs.empty()) return "0";
    if (verbs == "all") return "kAllVerbs";
    std::string mask;
    for (const std::string_view verb : Split(verbs, ',')) {
      if (!mask.empty()) mask += " | ";
      mask += Cat("VerbBit(Verb::", kVerbs.at(std::string(verb)), ")");
    }
    return mask;
  }

  static std::string RawString(const std::string& text) { return Cat("R\"~(", text, ")~\""); }

  static std::string Rules(const FieldFacts& field) {
    const Attributes& a = field.attributes;
    std::string rules;
    const auto text = [&](std::string_view member, std::string_view key) {
      if (a.Has(key)) rules += Cat(".", member, " = ", RawString(a.Get(key)), ", ");
    };
    text("default_json", "default");
    text("enum_values", "enum");
    text("patch_strategy", "patch");
    text("patch_merge_key", "key");
    text("list_keys", "keys");
    text("format", "format");
    if (a.Get("list") == "set") rules += ".list_type = ListType::kSet, ";
    if (a.Get("list") == "map") rules += ".list_type = ListType::kMap, ";
    if (a.Get("map") == "atomic") rules += ".map_atomic = true, ";
    if (a.Get("struct") == "atomic") rules += ".struct_atomic = true, ";
    return rules;
  }

  static std::string Flags(const FieldFacts& field) {
    std::string flags;
    for (const auto& [key, flag] :
         {std::pair{"always", "kAlways"}, std::pair{"omitzero", "kOmitZero"},
          std::pair{"required", "kRequired"}, std::pair{"nullable", "kNullable"}}) {
      if (!field.attributes.Has(key)) continue;
      if (!flags.empty()) flags += " | ";
      flags += flag;
    }
    return flags.empty() ? "0" : flags;
  }

  // "2.2" -> outermost + 256 * inner.
  static int Outer(const FieldFacts& field) {
    int outer = 0, factor = 1;
    for (const std::string_view part : Split(field.attributes.Get("outer"), '.')) {
      if (const auto number = ParseInt(part)) outer += static_cast<int>(*number) * factor;
      factor *= 256;
    }
    return outer;
  }

  static std::string FieldRow(const FileFacts& file, const TypeFacts& type, const FieldFacts& field,
                              const std::string& rules) {
    const std::string message = Cpp(file, field.element);
    const auto scalar = kScalars.find(field.element);
    constexpr std::string_view kShapes[] = {"kOne", "kOptional", "kList", "kMap"};
    return Cat("    {R\"(\"", field.name, "\":)\", ", std::to_string(field.number), ", ",
               std::to_string(Outer(field)), ", offsetof(", type.name, ", ", MemberName(field.name),
               "), Kind::", scalar != kScalars.end() ? scalar->second.kind : "kMessage",
               ", Shape::", kShapes[static_cast<int>(field.shape)], ", ", Flags(field), ", ",
               field.shape == FieldFacts::Shape::kOne
                   ? "nullptr"
                   : Cat("&AccessOf<", MemberType(file, field), ">::value"),
               ", ", scalar != kScalars.end() ? "nullptr" : Cat("&TypeOf<", message, ">"), ", ",
               rules.empty() ? "nullptr" : Cat("&", rules), "},\n");
  }

  std::string Resource(const FileFacts& file, const TypeFacts& type) const {
    std::string out;
    if (!type.subresources.empty()) {
      out += Cat("constexpr SubresourceInfo k", type.name, "Subresources[] = {\n");
      for (const auto& sub : type.subresources) {
        const std::string kind = sub.attributes.Get("kind");
        out += Cat("    {\"", sub.name, "\", ",
                   kind.empty() ? "nullptr" : Cat("&TypeOf<", Cpp(file, kind), ">"), ", ",
                   VerbMask(sub.attributes.Get("served")), ", \"", sub.attributes.Get("methods"),
                   "\"},\n");
      }
      out += "};\n";
    }
    const Attributes& a = type.attributes;
    out += Cat("constexpr ResourceInfo k", type.name, "Resource = {\"", a.Get("resource"), "\", \"",
               a.Get("singular"), "\", \"", a.Get("short"), "\", \"", a.Get("categories"), "\", ",
               a.Get("scope") == "namespaced" ? "true" : "false", ", ", VerbMask(a.Get("verbs")),
               ", ", VerbMask(a.Get("served")), ", ",
               type.subresources.empty() ? "{}" : Cat("k", type.name, "Subresources"), "};\n");
    return out;
  }

  std::string Table(const FileFacts& file, const TypeFacts& type) const {
    std::string out, rows;
    for (size_t i = 0; i < type.fields.size(); ++i) {
      const std::string rules = Rules(type.fields[i]);
      const std::string name = rules.empty() ? "" : Cat("k", type.name, "Rules", std::to_string(i));
      if (!rules.empty()) {
        out +=
            Cat("constexpr FieldRules ", name, " = {", rules.substr(0, rules.size() - 2), "};\n");
      }
      rows += FieldRow(file, type, type.fields[i], name);
    }
    const bool empty = type.fields.empty();
    if (!empty) {
      out += Cat("constexpr Field k", type.name, "Fields[] = {\n", rows, "};\n");
      out += Cat("constexpr auto k", type.name, "Index = IndexOf<",
                 std::to_string(type.fields.size()), ">(k", type.name, "Fields);\n");
    }
    const bool resource = type.attributes.Has("resource");
    if (resource) out += Resource(file, type);
    std::string flags;
    const auto flag = [&](bool on, std::string_view name) {
      if (on) flags += Cat(flags.empty() ? "" : " | ", name);
    };
    flag(type.is_kind, "kIsKind");
    flag(type.attributes.Has("transparent"), "kTransparent");
    flag(type.attributes.Has("union"), "kUnion");
    flag(type.attributes.Get("struct") == "atomic", "kStructAtomic");
    flag(resource && std::all_of(type.fields.begin(), type.fields.end(),
                                 [](const FieldFacts& field) { return field.number == 0; }),
         "kJsonOnly");
    out += Cat("constexpr TypeInfo k", type.name, " = {\n    .name = \"", type.name,
               "\",\n    .group_version = &kGroupVersion,\n    .fields = ",
               empty ? "{}" : Cat("k", type.name, "Fields"),
               ",\n    .index = ", empty ? "{}" : Cat("k", type.name, "Index.View()"), ",\n");
    if (resource) out += Cat("    .resource = &k", type.name, "Resource,\n");
    if (HasList(file, type)) out += Cat("    .list = &TypeOf<ListOf<", type.name, ">>,\n");
    if (type.attributes.Has("discriminator")) {
      out += Cat("    .discriminator = \"", type.attributes.Get("discriminator"), "\",\n");
    }
    if (type.attributes.Has("oneof")) {
      out += Cat("    .one_of = \"", type.attributes.Get("oneof"), "\",\n");
    }
    if (type.is_kind) {
      out += Cat("    .create = []() -> void* { return new ", type.name,
                 "(); },\n    .destroy = [](void* object) { delete static_cast<", type.name,
                 "*>(object); },\n");
    }
    out += Cat("    .flags = ", flags.empty() ? "0" : flags, "};\n");
    if (HasList(file, type)) out += ListTable(type);
    return out + "\n";
  }

  static std::string ListTable(const TypeFacts& type) {
    const std::string list = Cat("ListOf<", type.name, ">");
    return Cat(
        "constexpr Field k", type.name,
        "ListFields[] = {\n    {R\"(\"metadata\":)\", 1, 0, offsetof(", list,
        ", metadata), Kind::kMessage, Shape::kOne, 0, nullptr, &TypeOf<ListMeta>, nullptr},\n"
        "    {R\"(\"items\":)\", 2, 0, offsetof(",
        list,
        ", items), Kind::kMessage, Shape::kList, kAlways | kRequired,\n     &AccessOf<std::vector<",
        type.name, ">>::value, &TypeOf<", type.name, ">, nullptr},\n};\n", "constexpr auto k",
        type.name, "ListIndex = IndexOf<2>(k", type.name, "ListFields);\nconstexpr TypeInfo k",
        type.name, "List = {\n    .name = \"", type.name,
        "List\",\n    .group_version = &kGroupVersion,\n    .fields = k", type.name,
        "ListFields,\n    .index = k", type.name, "ListIndex.View(),\n    .list_of = &TypeOf<",
        type.name, ">,\n    .create = []() -> void* { return new ", list,
        "(); },\n    .destroy = [](void* object) { delete static_cast<", list,
        "*>(object); },\n    .flags = kIsKind};\n");
  }

  std::string Tables(const FileFacts& file) const {
    std::string out(kBanner);
    out += Cat("#include \"k8s/api/", file.Package(), ".h\"\n\n#include <cstddef>\n\n");
    std::set<std::string> packages = UsedPackages(file, true);
    if (file.Package() != "metav1") packages.insert("metav1");
    for (const std::string& package : packages)
      out += Cat("#include \"k8s/api/", package, ".h\"\n");
    out +=
        "#include \"k8s/base/box_definitions.h\"\n#include \"k8s/machinery/access.h\"\n"
        "#include \"k8s/machinery/field_index.h\"\n\n"
        "// Every compiler in use lays these aggregates out as offsetof assumes.\n"
        "#pragma GCC diagnostic ignored \"-Winvalid-offsetof\"\n"
        "// A table names only the rows that it needs.\n"
        "#pragma GCC diagnostic ignored \"-Wmissing-field-initializers\"\n\nnamespace k8s {\n\n";
    out += Boxes(file, "");
    out += Cat("\nnamespace ", file.Package(),
               " {\nnamespace {\n\n[[maybe_unused]] constexpr uint32_t kAllVerbs = 0x1ff;\n"
               "extern const GroupVersionInfo kGroupVersion;\n\n");
    for (const TypeFacts& type : file.types) out += Table(file, type);
    out += "constexpr const TypeInfo* kTypes[] = {\n";
    for (const TypeFacts& type : file.types) {
      out += Cat("    &k", type.name, ",\n");
      if (HasList(file, type)) out += Cat("    &k", type.name, "List,\n");
    }
    const std::string served = file.attributes.Has("served") ? file.attributes.Get("served") : "-1";
    out +=
        Cat("};\n\nconstinit const GroupVersionInfo kGroupVersion = {\n    \"", file.group,
            "\", \"", file.version, "\", \"", file.ApiVersion(), "\", \"", file.Package(), "\", \"",
            file.attributes.Get("openapi"), "\", ", served, ", kTypes};\n\n}  // namespace\n\n");
    std::string base;
    for (const TypeFacts& type : file.types) {
      const std::string body =
          Cat("{ return ", InBase(file, type) ? "metav1::" : "", "k", type.name, "; }\n");
      const std::string line = Cat("const TypeInfo& K8sTypeInfo(const ", type.name, "*) ", body);
      (InBase(file, type) ? base : out) += line;
      if (HasList(file, type)) {
        out += Cat("const TypeInfo& K8sTypeInfo(const ListOf<", type.name, ">*) { return k",
                   type.name, "List; }\n");
      }
    }
    out += Cat(
        "\nconst GroupVersionInfo& TheGroupVersion() { return kGroupVersion; }\n\n}  // namespace ",
        file.Package(), "\n\n", base, "\n}  // namespace k8s\n");
    return out;
  }

  std::string GroupVersions() const {
    std::string out(kBanner), list;
    out += "#include \"k8s/api/group_versions.h\"\n\n#include <array>\n\nnamespace k8s {\n\n";
    for (const FileFacts& file : files_) {
      out +=
          Cat("namespace ", file.Package(), " {\nconst GroupVersionInfo& TheGroupVersion();\n}\n");
      list += Cat("      &", file.Package(), "::TheGroupVersion(),\n");
    }
    out +=
        Cat("\nstd::span<const GroupVersionInfo* const> AllGroupVersions() {\n"
            "  static const std::array<const GroupVersionInfo*, ",
            std::to_string(files_.size()), "> all = {\n", list,
            "  };\n  return all;\n}\n\n}  // namespace k8s\n");
    return out;
  }

  static std::string FactsOf(const FileFacts& file, const TypeFacts& type, std::string& forward) {
    const std::string cpp = Cat(file.Package(), "::", type.name);
    std::string methods, scale;
    for (const auto& sub : type.subresources) {
      for (const std::string_view method : Split(sub.attributes.Get("methods"), ',')) {
        if (!method.empty()) methods += Cat(methods.empty() ? "" : " | ", "Method::k", method);
      }
      if (sub.name != "scale") continue;
      const std::string kind = sub.attributes.Get("kind");
      const size_t dot = kind.find('.');
      forward +=
          Cat("namespace ", kind.substr(0, dot), " {\nstruct ", kind.substr(dot + 1), ";\n}\n");
      scale = Cat("  using Scale = ", kind.substr(0, dot), "::", kind.substr(dot + 1), ";\n");
    }
    return Cat("template <>\nstruct Facts<", cpp,
               "> {\n  static constexpr uint32_t verbs = ", VerbMask(type.attributes.Get("verbs")),
               ";\n  static constexpr uint32_t methods = ", methods.empty() ? "0" : methods, ";\n",
               scale, "};\n");
  }

  std::string Clientset() {
    std::string out = "#pragma once\n\n";
    out += kBanner;
    out +=
        "// Clientset: one accessor a group version, as Go's kubernetes.Interface. It includes no "
        "API\n"
        "// types: include k8s/api/<package>.h for those in use. Copying is cheap; all copies "
        "share one\n"
        "// stack; any thread may call any member.\n\n"
        "#include \"k8s/kubernetes/clientset_base.h\"\n#include \"k8s/kubernetes/expansions.h\"\n"
        "#include \"k8s/kubernetes/resource_client.h\"\n\nnamespace k8s {\n\n";
    std::string facts, groups, accessors, scales, every;
    for (const FileFacts& file : files_) {
      if (!file.attributes.Has("accessor")) continue;
      std::string forward, members;
      for (const TypeFacts& type : file.types) {
        if (!type.attributes.Has("client")) continue;
        forward += Cat("struct ", type.name, ";\n");
        facts += FactsOf(file, type, scales);
        const bool namespaced = type.attributes.Get("scope") == "namespaced";
        every += Cat("K8S_CLIENT(", file.Package(), ", ", file.attributes.Get("accessor"), ", ",
                     type.attributes.Get("client"), ", ", type.name, ", (",
                     namespaced ? "\"ns\"" : "", "))\n");
        members += Cat("  ResourceClient<", file.Package(), "::", type.name, "> ",
                       type.attributes.Get("client"), "(",
                       namespaced ? "std::string_view namespace_ = {}" : "",
                       ") const {\n    return {rest_, \"", type.attributes.Get("resource"), "\", ",
                       namespaced ? "namespace_" : "{}", "};\n  }\n");
      }
      out += Cat("namespace ", file.Package(), " {\n", forward, "}\n");
      groups += Cat("namespace ", file.Package(),
                    " {\nclass Client : public kubernetes::GroupClient {\n public:\n"
                    "  using GroupClient::GroupClient;\n",
                    members, "};\n}  // namespace ", file.Package(), "\n\n");
      accessors += Cat("  ", file.Package(), "::Client ", file.attributes.Get("accessor"),
                       "() const { return ", file.Package(), "::Client(Group(\"", file.group,
                       "\", \"", file.version, "\")); }\n");
    }
    // One line a typed client, for whoever defines the macro: tests that must see all of them.
    out_["k8s/kubernetes/every_client.inc"] = every;
    out +=
        Cat(scales, "\nnamespace kubernetes {\n", facts, "}  // namespace kubernetes\n\n", groups,
            "class Clientset : public kubernetes::ClientsetBase {\n public:\n"
            "  // Makes the shared transport and limiter; no network I/O. Rules: C-1.5 to C-1.10.\n"
            "  static Result<Clientset> NewForConfig(const rest::Config& config) {\n"
            "    return Make(config).transform([](ClientsetBase base) { return "
            "Clientset(std::move(base)); });\n"
            "  }\n\n",
            accessors,
            "\n private:\n  explicit Clientset(ClientsetBase base) : "
            "ClientsetBase(std::move(base)) {}\n"
            "};\n\n}  // namespace k8s\n");
    return out;
  }

  const std::vector<FileFacts>& files_;
  const std::vector<FileFacts>* library_;
  std::map<std::string, const TypeFacts*> types_;
  std::set<std::string> boxed_, boxed_by_library_;
  std::map<std::string, std::string> out_;
};

}  // namespace

std::string MemberName(std::string_view json_name) {
  std::string name;
  bool upper = false;
  for (const char c : json_name) {
    if (c == '$') continue;
    if (c == '-' || c == '.') {
      upper = true;
      continue;
    }
    name += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  if (kKeywords.contains(name)) name += '_';
  return name;
}

Result<std::map<std::string, std::string>> Emit(const std::vector<FileFacts>& files) {
  return Emitter(files, nullptr).Run();
}

Result<std::map<std::string, std::string>> EmitFurther(const std::vector<FileFacts>& files,
                                                       const std::vector<FileFacts>& library) {
  return Emitter(files, &library).Run();
}

}  // namespace k8s::gen
