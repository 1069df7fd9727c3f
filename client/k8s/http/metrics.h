#pragma once

// The measuring points of client-go's tools/metrics, under its names (chapter 4.8), and the layer
// that feeds those of single attempts. A program registers its hooks once; the library calls them
// from any thread, so they must be quick and thread safe.

#include <functional>
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
  std::function<void(int entries)> transport_cache_entries{};
  // "hit", "miss" or "uncacheable".
  std::function<void(const std::string& result)> transport_create_calls{};
};

// The first registration of the process counts; later ones are ignored.
void Register(Hooks hooks);
// The registered hooks, without empty members.
const Hooks& Current();
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
