#pragma once

// Certificates made on the spot: an authority, what it signs for the server, and what a forgotten
// or broken one looks like. Keys stay in memory. Immutable once made; any thread.

#include <memory>
#include <string>
#include <string_view>

namespace k8s::fakeapiserver {

// PEM: the certificate with its authority behind it, and the key.
struct Identity {
  std::string chain{};
  std::string key{};
};

class Authority {
 public:
  Authority();
  ~Authority();

  // The authority's own certificate, for whoever is to trust it.
  const std::string& certificate() const { return certificate_; }
  // A certificate for an IP address and "localhost", with a new key each time. `flaw` is "" or one
  // of those that faults know: "expired", "wrong-name", "unknown-ca", "changed" (which is none).
  Identity Issue(const std::string& address, std::string_view flaw = {}) const;

 private:
  struct Pair;
  std::unique_ptr<const Pair> pair_;
  std::string certificate_;
};

}  // namespace k8s::fakeapiserver
