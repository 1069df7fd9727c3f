#include "k8s/http/proxy.h"

#include <gtest/gtest.h>

#include <map>

#include "k8s/http/stub_for_test.h"

namespace k8s::http {
namespace {

std::string ProxyOf(std::map<std::string, std::string> values, const char* target) {
  FakeHost host;
  host.variables = std::move(values);
  const auto proxy = ProxyFromEnvironment(host)(Url::Parse(target).value());
  if (!proxy) return "error";
  return *proxy ? (*proxy)->String() : "none";
}

TEST(Proxy, ComesFromTheEnvironment) {
  EXPECT_EQ(ProxyOf({{"HTTP_PROXY", "http://p:1"}}, "http://h"), "http://p:1");
  EXPECT_EQ(ProxyOf({{"https_proxy", "p:1"}}, "https://h"), "http://p:1");
  EXPECT_EQ(ProxyOf({{"HTTPS_PROXY", "socks5://p"}}, "https://h"), "socks5://p");
  EXPECT_EQ(ProxyOf({{"HTTP_PROXY", "http://p:1"}}, "https://h"), "none");
  EXPECT_EQ(ProxyOf({{"HTTP_PROXY", "p"}, {"REQUEST_METHOD", "GET"}}, "http://h"), "none");
  EXPECT_EQ(ProxyOf({{"HTTP_PROXY", "http://u:p@[::1"}}, "http://h"), "error");
}

TEST(Proxy, IsNotUsedForLoopback) {
  for (const char* target : {"http://localhost", "http://127.1.2.3:80", "http://[::1]"}) {
    EXPECT_EQ(ProxyOf({{"HTTP_PROXY", "p"}}, target), "none") << target;
  }
}

TEST(Proxy, KnowsExceptions) {  // C-6.16
  const std::map<std::string, std::string> values = {
      {"HTTP_PROXY", "p"},
      {"NO_PROXY", "10.0.0.0/8, a.example,.b.example,192.168.1.1,c.example:8080,fd00::/8"}};
  for (const char* direct :
       {"http://10.1.2.3", "http://a.example", "http://x.A.example", "http://x.b.example",
        "http://192.168.1.1:99", "http://c.example:8080", "http://[fd12::1]"}) {
    EXPECT_EQ(ProxyOf(values, direct), "none") << direct;
  }
  for (const char* proxied : {"http://11.1.2.3", "http://b.example", "http://aa.example",
                              "http://192.168.1.2", "http://c.example", "http://[fe80::1]"}) {
    EXPECT_EQ(ProxyOf(values, proxied), "http://p") << proxied;
  }
  EXPECT_EQ(ProxyOf({{"HTTP_PROXY", "p"}, {"NO_PROXY", "*"}}, "http://far"), "none");
}

}  // namespace
}  // namespace k8s::http
