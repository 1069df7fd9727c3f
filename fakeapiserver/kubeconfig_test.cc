#include "fakeapiserver/kubeconfig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/http/tls_server_for_test.h"
#include "k8s/machinery/yaml.h"

namespace k8s::fakeapiserver {
namespace {

using http::MakeCertificate;
using http::TestCertificate;

// How the kubeconfig has kubectl verify the server.
struct Verification {
  bool skipped = false;
  std::string authority{};
  std::string name{};
};
Verification VerificationIn(std::string_view address, std::string_view pem) {
  const Value config = ParseYamlDocument(KubeconfigFor(address, pem)).value();
  const Value& cluster = *config.Find("clusters")->array()[0].Find("cluster");
  EXPECT_EQ(cluster.StringAt({"server"}), address);
  return {cluster.BoolAt({"insecure-skip-tls-verify"}),
          DecodeBase64(cluster.StringAt({"certificate-authority-data"})).value(),
          std::string(cluster.StringAt({"tls-server-name"}))};
}

TEST(Kubeconfig, TrustsACertificateThatSignedItself) {
  const TestCertificate own = MakeCertificate("own", "IP:127.0.0.1,IP:::1");
  for (std::string_view address : {"https://127.0.0.1:6443", "https://[::1]:6443"}) {
    const auto found = VerificationIn(address, own.CertPem());
    EXPECT_EQ(found.authority, own.CertPem());
    EXPECT_EQ(found.name, "");
    EXPECT_FALSE(found.skipped);
  }
}

TEST(Kubeconfig, TrustsTheAuthorityInTheFileAndLeavesKeysOut) {
  const TestCertificate authority = MakeCertificate("authority", "");
  const TestCertificate leaf = MakeCertificate("leaf", "IP:127.0.0.1", &authority);
  const auto found = VerificationIn("https://127.0.0.1:6443",
                                    Cat(leaf.CertPem(), leaf.KeyPem(), authority.CertPem()));
  EXPECT_EQ(found.authority, leaf.CertPem() + authority.CertPem());
  EXPECT_FALSE(found.skipped);
}

TEST(Kubeconfig, AsksForTheCertificatesNameWhereItDoesNotHoldTheAddress) {
  const auto found =
      VerificationIn("https://127.0.0.1:6443",
                     MakeCertificate("own", "IP:10.0.0.1,DNS:api.test,DNS:b.test").CertPem());
  EXPECT_EQ(found.name, "api.test");
  EXPECT_FALSE(found.skipped);
}

TEST(Kubeconfig, SkipsVerificationWhereNothingAllowsIt) {
  const TestCertificate authority = MakeCertificate("authority", "");
  const auto unknown = VerificationIn(
      "https://127.0.0.1:6443", MakeCertificate("leaf", "IP:127.0.0.1", &authority).CertPem());
  EXPECT_TRUE(unknown.skipped);
  EXPECT_EQ(unknown.authority, "");
  const auto nameless =
      VerificationIn("https://127.0.0.1:6443", MakeCertificate("own", "IP:10.0.0.1").CertPem());
  EXPECT_TRUE(nameless.skipped);
}

TEST(Kubeconfig, SaysNothingOfTlsWithoutIt) {
  const auto plain = VerificationIn("http://127.0.0.1:8080", "");
  EXPECT_FALSE(plain.skipped);
  EXPECT_EQ(plain.authority, "");
}

}  // namespace
}  // namespace k8s::fakeapiserver
