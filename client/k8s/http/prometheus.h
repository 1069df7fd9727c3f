#pragma once

// The client's metrics as Prometheus text, under the names that Kubernetes components export
// (rest_client_requests_total, ...). A program makes one, registers its hooks, and answers /metrics
// with Text(). It must outlive every client. Any thread may call any member.
//
//   static PrometheusMetrics metrics;
//   http::metrics::Register(metrics.Hooks());

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/http/metrics.h"

namespace k8s::http {

class PrometheusMetrics {
 public:
  metrics::Hooks Hooks();
  // The text exposition format, families and series in order of their names.
  std::string Text() const;

 private:
  struct Series {
    std::vector<uint64_t> buckets{};  // of a histogram, each with those below it
    uint64_t count = 0;
    double sum = 0;  // the value, if it is no histogram
  };
  using Labels = std::vector<std::pair<std::string_view, std::string>>;
  void Add(std::string_view name, const Labels& labels, double value);
  void Set(std::string_view name, double value);

  mutable std::mutex mutex_;  // guards series_
  // By family, then by labels: `a="b",c="d"`.
  std::map<std::string, std::map<std::string, Series>> series_;
};

}  // namespace k8s::http
