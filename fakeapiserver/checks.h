#pragma once

// What a valid object looks like (chapter 10.2): schema/checks.facts lists for each type, in the
// order in which a real server complains, what its members must be. Read once; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "fakeapiserver/api_error.h"
#include "k8s/machinery/type_info.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

// Checks the object by the rules of its type, where there are some. `old` is null for a new object;
// what may not change is held against it. What is valid and yet unwise goes to `warnings`.
void CheckByFacts(const Value& object, const Value* old, const TypeInfo& type, FieldErrors& errors,
                  std::vector<std::string>* warnings = nullptr);

// A message inside of an object, at its place. `part` is what stands behind the name of the type
// where its rules come in several parts.
void CheckMessage(const Value& message, const TypeInfo& type, const std::string& path,
                  FieldErrors& errors, std::string_view part = "");

// What of the table cannot be: types, words and hooks that do not exist. For the table's test.
std::vector<std::string> MistakesInCheckFacts();

// A text by the check of that name: "ip", "dns-label" ... (checks.cc has them all).
void CheckText(std::string_view check, std::string_view text, const std::string& path,
               FieldErrors& errors);
// A metav1.LabelSelector. `path` is its place.
void CheckSelector(const Value& selector, const std::string& path, FieldErrors& errors);

}  // namespace k8s::fakeapiserver
