#pragma once

// What updates of single kinds may not change, where that takes more than a row of the table of
// checks (chapter 10.2). Pure functions; they are hooks of strategy.h.

#include <string>
#include <string_view>

#include "fakeapiserver/api_error.h"
#include "k8s/machinery/value.h"

namespace k8s::fakeapiserver {

std::string QosClass(const Value& pod_spec);

void PodStays(const Value& now, const Value& old, FieldErrors& errors);
// ephemeralcontainers and resize.
void PodSubresourceStays(std::string_view subresource, const Value& now, const Value& old,
                         FieldErrors& errors);
void JobTemplateStays(const Value& now, const Value& old, FieldErrors& errors);
void ClaimStays(const Value& now, const Value& old, FieldErrors& errors);
void VolumeStays(const Value& now, const Value& old, FieldErrors& errors);
void NodeStays(const Value& now, const Value& old, FieldErrors& errors);
void DriversStay(const Value& now, const Value& old, FieldErrors& errors);
void MigrationStays(const Value& now, const Value& old, FieldErrors& errors);
void MigrationStatusStays(std::string_view subresource, const Value& now, const Value& old,
                          FieldErrors& errors);
// The status of a certificate signing request.
void RequestStays(std::string_view subresource, const Value& now, const Value& old,
                  FieldErrors& errors);

}  // namespace k8s::fakeapiserver
