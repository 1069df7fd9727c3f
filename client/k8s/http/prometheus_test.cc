#include "k8s/http/prometheus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace k8s::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(PrometheusMetrics, CountsUnderTheNamesOfKubernetes) {
  PrometheusMetrics metrics;
  const metrics::Hooks hooks = metrics.Hooks();
  EXPECT_EQ(metrics.Text(), "");
  hooks.request_result("200", "GET", "h:1");
  hooks.request_result("200", "GET", "h:1");
  hooks.request_result("<error>", "POST", "h:1");
  EXPECT_EQ(metrics.Text(),
            "# HELP rest_client_requests_total Attempts by status, method and host.\n"
            "# TYPE rest_client_requests_total counter\n"
            "rest_client_requests_total{code=\"200\",method=\"GET\",host=\"h:1\"} 2\n"
            "rest_client_requests_total{code=\"<error>\",method=\"POST\",host=\"h:1\"} 1\n");
}

TEST(PrometheusMetrics, SortsSpansIntoBuckets) {
  PrometheusMetrics metrics;
  const metrics::Hooks hooks = metrics.Hooks();
  hooks.request_latency("GET", "http://h/api/v1/pods", 300ms);
  hooks.request_latency("GET", "http://h/api/v1/pods", 2min);
  const std::string text = metrics.Text();
  const std::string series = R"({verb="GET",host="h")";
  const std::string name = "rest_client_request_duration_seconds";
  EXPECT_THAT(text, HasSubstr(name + "_bucket" + series + ",le=\"0.25\"} 0\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket" + series + ",le=\"0.5\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket" + series + ",le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(name + "_sum" + series + "} 120.3\n"));
}

TEST(PrometheusMetrics, ShowsTheLatestValueOfAGaugeAndEscapesLabels) {
  PrometheusMetrics metrics;
  const metrics::Hooks hooks = metrics.Hooks();
  hooks.transport_cache_entries(3);
  hooks.transport_cache_entries(2);
  hooks.resolver_latency("a\"b\n", 1ms);
  EXPECT_THAT(metrics.Text(), HasSubstr("rest_client_transport_cache_entries 2\n"));
  EXPECT_THAT(metrics.Text(), HasSubstr(R"(_count{host="a\"b\n"} 1)"));
}

}  // namespace
}  // namespace k8s::http
