#pragma once

// A conformance case: one story about one behaviour of a Kubernetes client, as a YAML file tells it
// (PROTOCOL.md explains the fields, case.schema.json is for editors). Values; reading them is
// strict: an unknown field, or one that contradicts another, is an error that names the file and
// the field.

#include <string>
#include <string_view>
#include <vector>

#include "k8s/api/casesv1.h"
#include "k8s/base/host.h"
#include "k8s/machinery/value.h"

namespace k8s::conformance {

struct Case {
  std::string area{};
  std::string name{};  // "<area>/<file without .yaml>"
  std::vector<std::string> proves{};
  casesv1::Case story{};
  Value config{};  // as it is handed to the driver: an object, also when the file has none
  Value steps{};   // an array with one member a step; `times` has been written out
  Value given{};
  Value changes{};       // the case's meanwhile
  std::string faults{};  // for Faults::Load; "" without any
  // Why it cannot be read; then only the names are set.
  std::string malformed{};
};

// One case from its text, which has no table. `name` is "<area>/<name>".
Result<Case> ParseCase(std::string_view name, std::string_view text);
// The cases of a text: one, or one for each row of its table, named "<area>/<name>.<row>".
Result<std::vector<Case>> ParseCases(std::string_view name, std::string_view text);
// Every <area>/<name>.yaml below the folder, sorted by name; one that cannot be read says why. An
// error when the folder itself cannot be read.
Result<std::vector<Case>> LoadCases(const Host& host, const std::string& folder);

// The verb of a step as the case wrote it: "get".
std::string VerbOf(const Value& step);

// What a case uses of the protocol beside verbs and members of config: see "features" there.
std::vector<std::string> FeaturesOf(const Case& one);

// "C-4.2" is a statement of the specification, by the counts of conformance/statements.txt.
Result<void> CheckStatement(std::string_view statements, std::string_view id);

// Every member of a part of a case, decoded strictly; errors name the field.
Result<casesv1::CaseExchange> ParseExchange(const Value& value);

}  // namespace k8s::conformance
