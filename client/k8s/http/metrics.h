#pragma once

// The measuring points of client-go's tools/metrics, under its names (chapter 4.8), and the layer
// that feeds those of single attempts. A program registers its hooks once; the library calls them
// from any thread, so they must be quick and thread safe.

#include <functional>
#include <optional>
#include <string>

#include "k8s/base/clock.h"
#include "k8s/http/round_tripper.h"

namespace k8s::http::metrics {

// Every member may be left empty.
struct Hooks {
  // A whole call, its waits included; Do and DoRaw. `url` is the template of UrlTemplate.
  std::function<void(const std::string& verb, const std::string& url, Duration)> request_latency{};
  // Every wait for the rate limiter.
  std::function<void(const std::string& verb, const std::string& url, Duration)>
      rate_limiter_latency{};
  // Every attempt: code is the decimal status or "<error>".
  std::function<void(const std::string& code, const std::string& method, const std::string& host)>
      request_result{};
  // Attempts after the first.
  std::function<void(const std::string& code, const std::string& method, const std::string& host)>
      request_retry{};
  std::function<void(const std::string& verb, const std::string& host, double bytes)>
      request_size{};
  std::function<void(const std::string& verb, const std::string& host, double bytes)>
      response_size{};
  // Every DNS lookup.
  std::function<void(const std::string& host, Duration)> resolver_latency{};
  // When the first of the certificates that plugins handed out ends; null: there is none.
  std::function<void(std::optional<WallTime>)> client_cert_expiry{};
  // How old a plugin's certificate was when it was replaced.
  std::function<void(Duration)> client_cert_rotation_age{};
  // Every run of a credential plugin: "no_error", "plugin_execution_error",
  // "plugin_not_found_error" or "client_internal_error".
  std::function<void(int exit_code, const std::string& call_status)> exec_plugin_calls{};
  // Before every run: "allowed" or "denied".
  std::function<void(const std::string& status)> exec_plugin_policy_calls{};
  std::function<void(int entries)> transport_cache_entries{};
  // "hit", "miss", "miss-gc" (it was there, but its last user has gone) or "uncacheable".
  std::function<void(const std::string& result)> transport_create_calls{};
  // "success" ("unchanged", "updated") or "failure" ("read_error", "empty", "ca_parse_error").
  std::function<void(const std::string& result, const std::string& reason)> transport_ca_reloads{};
  // The files of a client certificate are no longer watched.
  std::function<void()> transport_cert_rotation_gc_calls{};
  // The last user of a transport has gone: "deleted", or "skipped" when there is a new one already.
  std::function<void(const std::string& result)> transport_cache_gc_calls{};
};

// The first registration of the process counts; later ones are ignored.
void Register(Hooks hooks);
// The registered hooks, without empty members.
const Hooks& Current();
// False while nobody has registered any: then what they would be told need not be worked out.
bool AreWanted();
// Takes effect at once and replaces what was registered; for tests, while nothing else runs.
void ReplaceForTest(Hooks hooks);

// The path without names, so that few label values arise: "/api/v1/namespaces/{namespace}/pods/
// {name}"; paths outside /api and /apis become "/{prefix}"; every query value "{value}".
std::string UrlTemplate(const Url& url);

}  // namespace k8s::http::metrics

namespace k8s::http {

// Reports every attempt that passes through it.
Layer Metrics();

}  // namespace k8s::http
