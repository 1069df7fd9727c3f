#include "k8s/http/prometheus.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "k8s/base/strings.h"

namespace k8s::http {
namespace {

constexpr double kSeconds[] = {0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60};
constexpr double kBytes[] = {64,    256,    512,     1024,    4096,    16384,
                             65536, 262144, 1048576, 4194304, 16777216};

struct Family {
  std::string_view name, help;
  std::span<const double> bounds{};  // empty: no histogram
  std::string_view type = bounds.empty() ? "counter" : "histogram";
};
constexpr Family kFamilies[] = {
    {"rest_client_dns_resolution_duration_seconds", "Lookups.", kSeconds},
    {"rest_client_exec_plugin_call_total", "Runs of credential plugins."},
    {"rest_client_exec_plugin_policy_call_total", "Plugins allowed or denied."},
    {"rest_client_rate_limiter_duration_seconds", "Waits for the limiter.", kSeconds},
    {"rest_client_request_duration_seconds", "Calls, waits included.", kSeconds},
    {"rest_client_request_retries_total", "Attempts after the first of a call."},
    {"rest_client_request_size_bytes", "Bodies sent.", kBytes},
    {"rest_client_requests_total", "Attempts by status, method and host."},
    {"rest_client_response_size_bytes", "Bodies received.", kBytes},
    {"rest_client_transport_ca_reloads_total", "Looks at files of roots."},
    {"rest_client_transport_cache_entries", "Transports that are shared.", {}, "gauge"},
    {"rest_client_transport_create_calls_total", "Transports asked for."},
};

const Family& FamilyOf(std::string_view name) {
  return *std::find_if(std::begin(kFamilies), std::end(kFamilies),
                       [&](const Family& family) { return family.name == name; });
}

std::string Number(double value) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

std::string Escape(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

double Seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

std::string Braces(std::string_view labels) {
  return labels.empty() ? std::string() : Cat("{", labels, "}");
}

}  // namespace

void PrometheusMetrics::Add(std::string_view name, const Labels& labels, double value) {
  std::string key;
  for (const auto& [label, text] : labels)
    key += Cat(key.empty() ? "" : ",", label, "=\"", Escape(text), "\"");
  std::lock_guard lock(mutex_);
  Series& series = series_[std::string(name)][key];
  const auto bounds = FamilyOf(name).bounds;
  series.buckets.resize(bounds.size());
  for (size_t i = 0; i < bounds.size(); ++i) series.buckets[i] += value <= bounds[i];
  ++series.count;
  series.sum += value;
}

void PrometheusMetrics::Set(std::string_view name, double value) {
  std::lock_guard lock(mutex_);
  series_[std::string(name)][""].sum = value;
}

metrics::Hooks PrometheusMetrics::Hooks() {
  metrics::Hooks hooks;
  const auto attempt = [this](const char* name) {
    return [=, this](const std::string& code, const std::string& method, const std::string& host) {
      Add(name, {{"code", code}, {"method", method}, {"host", host}}, 1);
    };
  };
  const auto call = [this](const char* name) {
    return [=, this](const std::string& verb, const std::string& url, Duration d) {
      const auto parsed = Url::Parse(url);
      Add(name, {{"verb", verb}, {"host", parsed ? parsed->Authority() : "none"}}, Seconds(d));
    };
  };
  const auto size = [this](const char* name) {
    return [=, this](const std::string& verb, const std::string& host, double bytes) {
      Add(name, {{"verb", verb}, {"host", host}}, bytes);
    };
  };
  hooks.request_result = attempt("rest_client_requests_total");
  hooks.request_retry = attempt("rest_client_request_retries_total");
  hooks.request_latency = call("rest_client_request_duration_seconds");
  hooks.rate_limiter_latency = call("rest_client_rate_limiter_duration_seconds");
  hooks.request_size = size("rest_client_request_size_bytes");
  hooks.response_size = size("rest_client_response_size_bytes");
  hooks.resolver_latency = [this](const std::string& host, Duration d) {
    Add("rest_client_dns_resolution_duration_seconds", {{"host", host}}, Seconds(d));
  };
  hooks.exec_plugin_calls = [this](int code, const std::string& status) {
    Add("rest_client_exec_plugin_call_total",
        {{"code", std::to_string(code)}, {"call_status", status}}, 1);
  };
  hooks.exec_plugin_policy_calls = [this](const std::string& status) {
    Add("rest_client_exec_plugin_policy_call_total", {{"status", status}}, 1);
  };
  hooks.transport_cache_entries = [this](int entries) {
    Set("rest_client_transport_cache_entries", entries);
  };
  hooks.transport_create_calls = [this](const std::string& result) {
    Add("rest_client_transport_create_calls_total", {{"result", result}}, 1);
  };
  hooks.transport_ca_reloads = [this](const std::string& result, const std::string& reason) {
    Add("rest_client_transport_ca_reloads_total", {{"result", result}, {"reason", reason}}, 1);
  };
  return hooks;
}

std::string PrometheusMetrics::Text() const {
  std::string out;
  std::lock_guard lock(mutex_);
  for (const auto& [name, all] : series_) {
    const Family& family = FamilyOf(name);
    out += Cat("# HELP ", name, " ", family.help, "\n# TYPE ", name, " ", family.type, "\n");
    for (const auto& [labels, series] : all) {
      if (family.bounds.empty()) {
        out += Cat(name, Braces(labels), " ", Number(series.sum), "\n");
        continue;
      }
      const std::string comma = labels.empty() ? "" : ",";
      for (size_t i = 0; i < family.bounds.size(); ++i) {
        out += Cat(name, "_bucket{", labels, comma, "le=\"", Number(family.bounds[i]), "\"} ",
                   std::to_string(series.buckets[i]), "\n");
      }
      out +=
          Cat(name, "_bucket{", labels, comma, "le=\"+Inf\"} ", std::to_string(series.count), "\n");
      out += Cat(name, "_sum", Braces(labels), " ", Number(series.sum), "\n");
      out += Cat(name, "_count", Braces(labels), " ", std::to_string(series.count), "\n");
    }
  }
  return out;
}

}  // namespace k8s::http
