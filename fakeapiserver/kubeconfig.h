#pragma once

// The kubeconfig that leads kubectl to this server. A pure function.

#include <string>
#include <string_view>

namespace k8s::fakeapiserver {

// `address` as Server::Listen gives it; `certificate_pem` is the text of the certificate file, ""
// without TLS. The server is verified where the file has what that takes: the certificate's own
// authority, and a name. Where it has not, verification is switched off.
std::string KubeconfigFor(std::string_view address, std::string_view certificate_pem);

}  // namespace k8s::fakeapiserver
